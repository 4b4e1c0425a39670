//! The end of a server: no request is lost that it has accepted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use puff_server::http::{DrainOptions, DrainProgress};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::protocols::{http2, request, text};
use crate::support::{Client, TestServer};

const OPTIONS: DrainOptions = DrainOptions {
    delay_ms: 0,
    idle_ms: 500,
    requests_ms: 10_000,
    sockets_ms: 1_000,
};

/// What became of a client's requests.
#[derive(Debug, Default)]
struct Tally {
    answered: AtomicUsize,
    /// Connections on which something was answered.
    connections: AtomicUsize,
    /// Not answered, although the connection had been good before.
    lost: Mutex<Vec<String>>,
    done: AtomicUsize,
}

/// Asks one thing after the other, on one connection as long as it lasts, until nobody listens any
/// more.
async fn insist(address: std::net::SocketAddr, tally: Arc<Tally>) {
    while let Ok(mut stream) = TcpStream::connect(address).await {
        for count in 0.. {
            if stream
                .write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
                .await
                .is_err()
            {
                break;
            }
            let mut answer = Vec::new();
            let end = loop {
                let mut space = [0; 1024];
                match stream.read(&mut space).await {
                    Ok(0) => break Err("end".to_owned()),
                    Err(error) => break Err(error.to_string()),
                    Ok(bytes) => answer.extend_from_slice(&space[..bytes]),
                }
                if answer.ends_with(b"GET /slow") {
                    break Ok(());
                }
            };
            if let (Err(_), 0, true) = (&end, count, answer.is_empty()) {
                // The operating system had connected it, and the server never saw it.
                break;
            }
            if let Err(reason) = end {
                let text = String::from_utf8_lossy(&answer).into_owned();
                tally.lost.lock().unwrap().push(format!("{reason}: {text}"));
                break;
            }
            tally.answered.fetch_add(1, Ordering::Relaxed);
            tally
                .connections
                .fetch_add(usize::from(count == 0), Ordering::Relaxed);
            let head = String::from_utf8_lossy(&answer).to_lowercase();
            if head.contains("connection: close") {
                break;
            }
        }
    }
    tally.done.fetch_add(1, Ordering::Relaxed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_under_load() {
    const CLIENTS: usize = 300;
    let metrics = json!({ "listen": [{ "host": "127.0.0.1", "port": 0 }] });
    let server = TestServer::start(json!({ "metrics": metrics }), |isolate, asked| {
        // Some time passes between a request and its answer, and the client's next request.
        let text = format!("{} {}", asked.method, asked.url);
        for _ in 0..asked.id % 7 {
            std::thread::yield_now();
        }
        isolate.respond(asked.id, &[], text);
    })
    .await;
    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(insist(server.address(), tally.clone()));
    }
    while tally.answered.load(Ordering::Relaxed) < 10 * CLIENTS {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stages = Mutex::new(Vec::new());
    let report = server
        .server
        .drain(OPTIONS, |progress| {
            stages.lock().unwrap().push(progress.stage)
        })
        .await;
    clients.join_all().await;
    let lost = std::mem::take(&mut *tally.lost.lock().unwrap());
    assert_eq!(lost, Vec::<String>::new());
    assert_eq!(report.lost_requests, 0);
    assert_eq!(tally.done.load(Ordering::Relaxed), CLIENTS);
    // Each connection that the server has accepted brought a request, and an answer.
    let mut admin = Client::connect(server.server.admin_addresses()[0]).await;
    let numbers = admin.get("/metrics", "").await.text();
    let accepted = 1 + tally.connections.load(Ordering::Relaxed);
    let line = format!("puff_http_connections_total {accepted}");
    assert!(
        numbers.lines().any(|written| written == line),
        "{line}\n{numbers}"
    );
    assert_eq!(*stages.lock().unwrap(), ["listeners", "requests"]);
}

#[tokio::test]
async fn running_requests_are_finished_and_idle_connections_closed() {
    let server = Arc::new(TestServer::start(json!({}), |_, _| {}).await);
    let mut idle = server.connect().await;
    let mut fresh = server.connect().await;
    let mut busy = server.connect().await;
    for client in [&mut idle, &mut busy] {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    }
    server.asked(1).await;
    server.asked(2).await;
    server.isolate.respond(1, &[], "first");
    server.isolate.respond(2, &[], "second");
    assert!(!idle.answer().await.unwrap().closes());
    assert!(!busy.answer().await.unwrap().closes());
    busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.asked(3).await;
    let draining = {
        let server = server.clone();
        tokio::spawn(async move { server.server.drain(OPTIONS, |_| {}).await })
    };
    // Both have ended before the request that runs.
    assert_eq!(idle.rest().await, b"");
    assert_eq!(fresh.rest().await, b"");
    assert!(TcpStream::connect(server.address()).await.is_err());
    server.isolate.respond(3, &[], "third");
    let last = busy.answer().await.unwrap();
    assert_eq!((last.text(), last.closes()), ("third".to_owned(), true));
    assert_eq!(busy.rest().await, b"");
    let report = draining.await.unwrap();
    assert_eq!((report.lost_requests, report.lost_sockets), (0, 0));
}

#[tokio::test]
async fn clients_of_http2_are_told_to_go_elsewhere() {
    let server = Arc::new(TestServer::start(json!({}), |_, _| {}).await);
    let mut client = http2(&server).await;
    let running = tokio::spawn(client.send_request(request("/")));
    server.asked(1).await;
    // Without a word to the client, its connection would stay until then.
    let options = DrainOptions {
        idle_ms: 60_000,
        requests_ms: 60_000,
        ..OPTIONS
    };
    let (told, mut stages) = tokio::sync::mpsc::unbounded_channel();
    let draining = {
        let server = server.clone();
        let progress = move |progress: DrainProgress| told.send(progress.stage).unwrap();
        tokio::spawn(async move { server.server.drain(options, progress).await })
    };
    while stages.recv().await != Some("requests") {}
    server.isolate.respond(1, &[], "done");
    let response = running.await.unwrap().unwrap();
    assert_eq!(text(response).await, "done");
    assert_eq!(draining.await.unwrap().lost_requests, 0);
}

#[tokio::test]
async fn load_balancers_are_told_first() {
    let server = Arc::new(TestServer::echo(json!({})).await);
    let (told, mut stages) = tokio::sync::mpsc::unbounded_channel();
    let draining = {
        let server = server.clone();
        let options = DrainOptions {
            delay_ms: 60_000,
            ..OPTIONS
        };
        let progress = move |progress: DrainProgress| told.send(progress.stage).unwrap();
        tokio::spawn(async move { server.server.drain(options, progress).await })
    };
    assert_eq!(stages.recv().await, Some("delay"));
    let mut client = server.connect().await;
    let answer = client.get("/readyz", "").await;
    assert_eq!(
        (answer.status, answer.text()),
        (503, "draining\n".to_owned())
    );
    assert_eq!(client.get("/healthz", "").await.status, 200);
    let answer = client.get("/", "").await;
    assert_eq!((answer.status, answer.closes()), (200, false));
    // Whoever is in a hurry waits no longer.
    server.server.abort();
    draining.await.unwrap();
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let server = Arc::new(TestServer::start(json!({}), |_, _| {}).await);
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.asked(1).await;
    let options = DrainOptions {
        idle_ms: 10,
        requests_ms: 50,
        ..OPTIONS
    };
    let report = server.server.drain(options, |_| {}).await;
    assert_eq!(report.lost_requests, 1);
    assert!(client.answer().await.is_none());
}
