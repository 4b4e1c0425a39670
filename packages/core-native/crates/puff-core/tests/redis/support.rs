//! A Redis server of a test's own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use puff_core::redis::Client;

const LIMIT: Duration = Duration::from_secs(30);

/// Stopped when it is dropped.
pub(crate) struct Server {
    port: u16,
    child: Child,
}

impl Server {
    /// Starts one on a free port.
    pub(crate) fn start() -> Server {
        let probe = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = probe.local_addr().expect("an address").port();
        drop(probe);
        Server {
            port,
            child: launch(port),
        }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url().parse().expect("a URL"))
    }

    /// A client of it, as a user of its own.
    pub(crate) fn client_of(&self, user: &str, password: &str) -> Client {
        let url = format!("redis://{user}:{password}@127.0.0.1:{}", self.port);
        Client::new(url.parse().expect("a URL"))
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a process");
        self.child.wait().expect("a process");
    }

    /// Starts it again on the same port, without its data.
    pub(crate) fn restart(&mut self) {
        self.child = launch(self.port);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(port: u16) -> Child {
    let program = std::env::var("REDIS_SERVER_BIN").unwrap_or("redis-server".into());
    let child = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server; set REDIS_SERVER_BIN");
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < LIMIT, "redis-server does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// Waits until something holds.
pub(crate) async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < LIMIT, "it did not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
