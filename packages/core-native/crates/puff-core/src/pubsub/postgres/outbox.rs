//! Messages on their way to PostgreSQL.

use std::sync::{Arc, Once};
use std::time::Duration;

use tokio::time::sleep;

use super::super::outbox::{self, Outgoing, Parcel};
use super::super::payload::Message;
use super::super::transport::Overflow;
use super::{CHANNEL, envelope, run, store};
use crate::postgres::{Error, Params, Pool};

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
    envelopes: outbox::Outbox<Vec<String>>,
}

/// An envelope; short ones go together, a long one alone.
struct Envelope(String);

impl Outgoing for Envelope {
    type Contents = Vec<String>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn fits(&self, parcel: &Parcel<Vec<String>>) -> bool {
        parcel.messages < BATCH
            && !envelope::is_long(&self.0)
            && !parcel
                .contents
                .last()
                .is_some_and(|last| envelope::is_long(last))
    }

    fn put_into(self, contents: &mut Vec<String>) {
        contents.push(self.0);
    }
}

impl Outbox {
    pub(super) fn new(node: Arc<str>, pool: Pool) -> Outbox {
        let reason = "PostgreSQL does not take them, or not fast enough";
        Outbox {
            shared: Arc::new(Shared {
                node,
                pool,
                envelopes: outbox::Outbox::new(reason),
            }),
            started: Once::new(),
        }
    }

    pub(super) fn push(&self, channel: &str, message: &Message<'_>) -> Result<(), Overflow> {
        let envelope = envelope::write(&self.shared.node, channel, message);
        self.shared.envelopes.push(Envelope(envelope))?;
        self.started
            .call_once(|| run(send_all(self.shared.clone())));
        Ok(())
    }

    pub(super) async fn flushed(&self) {
        self.shared.envelopes.flushed().await;
    }
}

impl Shared {
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
        let batch = shared.envelopes.next().await.contents;
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
        shared.envelopes.finish(batch.len());
    }
}
