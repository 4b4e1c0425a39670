//! Messages on their way to PostgreSQL.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::super::payload::Payload;
use super::super::transport::Overflow;
use super::{CHANNEL, envelope, run, store};
use crate::postgres::{Error, Params, Pool};

/// Messages and bytes that wait at most.
const MAX_WAITING: usize = 10_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Messages in one statement.
const BATCH: usize = 200;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Sends messages in batches, in their order.
pub(super) struct Outbox {
    shared: Arc<Shared>,
    started: Once,
}

struct Shared {
    node: Arc<str>,
    pool: Pool,
    waiting: Mutex<Waiting>,
    /// Told when something waits.
    pushed: Notify,
    /// Told when something was sent.
    sent: Notify,
    /// Messages that were taken since the beginning, and those that are done with.
    taken: AtomicUsize,
    done: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    envelopes: Vec<String>,
    bytes: usize,
}

impl Outbox {
    pub(super) fn new(node: Arc<str>, pool: Pool) -> Outbox {
        Outbox {
            shared: Arc::new(Shared {
                node,
                pool,
                waiting: Mutex::default(),
                pushed: Notify::new(),
                sent: Notify::new(),
                taken: AtomicUsize::new(0),
                done: AtomicUsize::new(0),
            }),
            started: Once::new(),
        }
    }

    pub(super) fn push(&self, channel: &str, payload: &Payload) -> Result<(), Overflow> {
        let envelope = envelope::write(&self.shared.node, channel, payload);
        let mut waiting = self.shared.waiting();
        if waiting.envelopes.len() >= MAX_WAITING || waiting.bytes + envelope.len() > MAX_BYTES {
            return Err(Overflow {
                waiting: waiting.envelopes.len(),
                reason: "PostgreSQL does not take them, or not fast enough",
            });
        }
        waiting.bytes += envelope.len();
        waiting.envelopes.push(envelope);
        drop(waiting);
        self.shared.taken.fetch_add(1, Ordering::SeqCst);
        self.shared.pushed.notify_one();
        self.started
            .call_once(|| run(send_all(self.shared.clone())));
        Ok(())
    }

    pub(super) async fn flushed(&self) {
        let target = self.shared.taken.load(Ordering::SeqCst);
        loop {
            let sent = self.shared.sent.notified();
            if self.shared.done.load(Ordering::SeqCst) >= target {
                return;
            }
            sent.await;
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    /// The next messages: short ones together, a long one alone.
    fn next(&self) -> Vec<String> {
        let mut waiting = self.waiting();
        let short = waiting.envelopes.iter().take(BATCH);
        let short = short.take_while(|envelope| !envelope::is_long(envelope));
        let count = short.count().max(1).min(waiting.envelopes.len());
        let next: Vec<_> = waiting.envelopes.drain(..count).collect();
        waiting.bytes -= next.iter().map(String::len).sum::<usize>();
        next
    }

    async fn send(&self, batch: &[String]) -> Result<(), Error> {
        if let [long] = batch
            && envelope::is_long(long)
        {
            store::create(&self.pool).await?;
            return store::send(&self.pool, CHANNEL, &self.node, long).await;
        }
        let mut params = Params::new();
        params.push_text(CHANNEL);
        // An array in JSON: PostgreSQL's own notation would need a second kind of escaping.
        params.push_text(&serde_json::json!(batch).to_string());
        let sql = "select pg_notify($1, message)
           from json_array_elements_text($2::text::json) with ordinality as messages (message, place)
           order by place";
        self.pool.query(sql, params).await.map(drop)
    }
}

async fn send_all(shared: Arc<Shared>) {
    loop {
        let batch = shared.next();
        if batch.is_empty() {
            shared.pushed.notified().await;
            continue;
        }
        let mut pause = FIRST_PAUSE;
        loop {
            match shared.send(&batch).await {
                Ok(()) => break,
                // It has not been sent: it waits for the server, as later ones wait for it.
                Err(Error::Unavailable { .. } | Error::PoolTimeout { .. }) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => {
                    eprintln!(
                        "[next-puff] {} messages of pub/sub did not reach other processes: {error}",
                        batch.len()
                    );
                    break;
                }
            }
        }
        shared.done.fetch_add(batch.len(), Ordering::SeqCst);
        shared.sent.notify_waiters();
    }
}
