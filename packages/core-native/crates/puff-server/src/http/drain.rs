//! How a server ends: one stage after the other, each bounded.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::server::Server;

/// How long the connections that were aborted may take to be gone.
const ABORT_TIME: Duration = Duration::from_secs(1);

/// How long each stage may take, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DrainOptions {
    /// The server says that it is not ready, and goes on as before, for load balancers that look
    /// there: 0.
    pub delay_ms: u64,
    /// Connections that are kept alive may send one more request, which is answered as their last;
    /// then those that are idle are closed: 1,000.
    pub idle_ms: u64,
    /// Requests are answered; then they are given up: 15,000.
    pub requests_ms: u64,
    /// WebSockets are closed with 1001; then they are cut off: 2,000.
    pub sockets_ms: u64,
}

impl Default for DrainOptions {
    fn default() -> DrainOptions {
        DrainOptions {
            delay_ms: 0,
            idle_ms: 1_000,
            requests_ms: 15_000,
            sockets_ms: 2_000,
        }
    }
}

/// A stage that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DrainProgress {
    /// Its name.
    pub stage: &'static str,
    /// How long it may take.
    pub limit_ms: u64,
    /// Requests that are being answered.
    pub requests: usize,
    /// Connections that speak HTTP.
    pub connections: usize,
    /// WebSockets that are open.
    pub sockets: usize,
}

/// What was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DrainReport {
    /// Requests that were given up.
    pub lost_requests: usize,
    /// WebSockets whose clients did not close in time.
    pub lost_sockets: usize,
    /// How long it took.
    pub took_ms: u64,
}

impl Server {
    /// Ends the server so that no request is lost which it has accepted: it says that it is not
    /// ready, stops listening, answers what is asked, and closes what is idle.
    ///
    /// [`Server::abort`] ends it sooner. Its isolates stay attached; [`Server::close`] does the
    /// rest.
    pub async fn drain(
        &self,
        options: DrainOptions,
        progress: impl Fn(DrainProgress),
    ) -> DrainReport {
        let begun = Instant::now();
        let say = |stage, limit_ms| {
            progress(DrainProgress {
                stage,
                limit_ms,
                requests: self.requests(),
                connections: self.service().connections.serving().len(),
                sockets: self.service().sockets.len(),
            });
        };
        self.service().begin_draining();
        if options.delay_ms > 0 {
            say("delay", options.delay_ms);
            tokio::select! {
                () = sleep(Duration::from_millis(options.delay_ms)) => {}
                () = self.aborted() => {}
            }
        }
        say("listeners", 0);
        self.service().begin_closing();
        self.stop_listening();
        self.listeners_ended().await;
        // Clients of HTTP/2 are told at once.
        for connection in self.service().connections.serving() {
            connection.wake();
        }
        self.graphql().end_streams();
        say("requests", options.requests_ms);
        let sockets = async {
            let within = Duration::from_millis(options.sockets_ms);
            self.service().sockets.shut_down(within).await
        };
        let (lost_requests, lost_sockets) = tokio::join!(self.finish_requests(options), sockets);
        DrainReport {
            lost_requests,
            lost_sockets,
            took_ms: begun.elapsed().as_millis() as u64,
        }
    }

    /// Waits until all connections have ended, and ends those that have not; how many requests that
    /// cost.
    async fn finish_requests(&self, options: DrainOptions) -> usize {
        let deadline = Instant::now() + Duration::from_millis(options.requests_ms);
        let idle = Duration::from_millis(options.idle_ms.min(options.requests_ms));
        let connections = &self.service().connections;
        if timeout(idle, connections.all_ended()).await.is_ok() {
            return 0;
        }
        for connection in connections.serving() {
            connection.end_when_idle();
        }
        tokio::select! {
            () = connections.all_ended() => return 0,
            () = sleep_until(deadline) => {}
            () = self.aborted() => {}
        }
        let lost = self.requests();
        for connection in connections.serving() {
            connection.abort();
        }
        // They are gone as soon as their tasks have run; the report does not wait for a thread that
        // is stuck.
        let _ = timeout(ABORT_TIME, connections.all_ended()).await;
        lost
    }
}
