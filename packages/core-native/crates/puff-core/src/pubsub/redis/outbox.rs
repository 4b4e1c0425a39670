//! Messages on their way to Redis.

use std::collections::BTreeSet;
use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::super::outbox::{self, Outgoing, Parcel};
use super::super::payload::Message;
use super::super::transport::Overflow;
use super::envelope::Envelope;
use crate::redis::{
    Answers, Batch, Config, Connection, Error, Expects, Item, Listener, Replies, StateChange,
    next_item, put_length,
};
use crate::runtime;

/// Commands and bytes in one batch.
const MAX_COMMANDS: usize = 2_000;
const MAX_BYTES: usize = 1024 * 1024;

/// What a command has beside channel and envelope, at most.
const LARGEST_FRAME: usize = 80;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Publishes messages in batches, in their order.
pub(super) struct Outbox {
    shared: Arc<Shared>,
    started: Once,
}

struct Shared {
    node: Arc<str>,
    connection: Connection,
    commands: outbox::Outbox<Vec<u8>>,
}

/// A message to publish.
struct Publish<'a> {
    channel: &'a str,
    envelope: Envelope<'a>,
}

impl Outgoing for Publish<'_> {
    /// PUBLISH commands.
    type Contents = Vec<u8>;

    fn len(&self) -> usize {
        self.channel.len() + self.envelope.len()
    }

    fn fits(&self, parcel: &Parcel<Vec<u8>>) -> bool {
        parcel.messages < MAX_COMMANDS && parcel.bytes + self.len() <= MAX_BYTES
    }

    fn put_into(self, commands: &mut Vec<u8>) {
        commands.reserve(self.len() + LARGEST_FRAME);
        commands.extend_from_slice(b"*3\r\n$7\r\nPUBLISH\r\n");
        put_length(b'$', self.channel.len(), commands);
        commands.extend_from_slice(self.channel.as_bytes());
        commands.extend_from_slice(b"\r\n");
        put_length(b'$', self.envelope.len(), commands);
        self.envelope.write(commands);
        commands.extend_from_slice(b"\r\n");
    }
}

/// The channels of PUBLISH commands.
fn channels_of(commands: &[u8]) -> BTreeSet<&[u8]> {
    let mut at = 0;
    let items = std::iter::from_fn(|| next_item(commands, &mut at).ok().flatten());
    let texts = items.filter_map(|item| match item {
        Item::Bulk(text) => Some(text),
        _ => None,
    });
    // Each has three texts, the second is the channel.
    texts.skip(1).step_by(3).collect()
}

impl Outbox {
    pub(super) fn new(node: Arc<str>, config: Config) -> Outbox {
        let reason = "Redis does not take them, or not fast enough";
        Outbox {
            shared: Arc::new(Shared {
                node,
                connection: Connection::new(config, Arc::new(Silent)),
                commands: outbox::Outbox::new(reason),
            }),
            started: Once::new(),
        }
    }

    pub(super) fn push(&self, channel: &str, message: &Message<'_>) -> Result<(), Overflow> {
        let envelope = Envelope::of(&self.shared.node, message);
        self.shared.commands.push(Publish { channel, envelope })?;
        self.started
            .call_once(|| drop(runtime::spawn(send_all(self.shared.clone()))));
        Ok(())
    }

    pub(super) async fn flushed(&self) {
        self.shared.commands.flushed().await;
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.shared.connection.close();
    }
}

async fn send_all(shared: Arc<Shared>) {
    loop {
        let Parcel {
            contents, messages, ..
        } = shared.commands.next().await;
        let commands = Bytes::from(contents);
        if let Err(error) = shared.send(&commands, messages).await {
            eprintln!(
                "[next-puff] up to {messages} messages of pub/sub did not reach other processes: {error}"
            );
            if matches!(error, Error::Ended) {
                shared.commands.finish(messages);
                return;
            }
            // Whoever listens to their channels has to know.
            let (gaps, channels) = shared.gaps(&commands);
            // They may come twice, and must come once; what the server does not allow never will.
            while let Err(Error::Closed(_) | Error::Timeout(_)) = shared.send(&gaps, channels).await
            {
            }
        }
        shared.commands.finish(messages);
    }
}

impl Shared {
    /// Commands that tell of a gap where others would have published, and their number.
    fn gaps(&self, commands: &[u8]) -> (Bytes, usize) {
        let channels = channels_of(commands);
        let mut gaps = Vec::new();
        for channel in &channels {
            Publish {
                channel: &String::from_utf8_lossy(channel),
                envelope: Envelope::of_gap(&self.node),
            }
            .put_into(&mut gaps);
        }
        (gaps.into(), channels.len())
    }

    /// Publishes messages, once the server takes them.
    ///
    /// # Errors
    /// Some of them were not published, or nobody knows whether they were.
    async fn send(&self, commands: &Bytes, count: usize) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        let mut is_told = false;
        loop {
            match self.send_once(commands.clone(), count as u32).await {
                Ok(()) => return Ok(()),
                // None was published: they wait for the server, as later ones wait for them.
                Err(Unsent::All(error)) => {
                    if !is_told {
                        eprintln!(
                            "[next-puff] pub/sub cannot publish to Redis and tries again: {error}"
                        );
                        is_told = true;
                    }
                }
                Err(Unsent::Some(error)) => return Err(error),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn send_once(&self, bytes: Bytes, commands: u32) -> Result<(), Unsent> {
        let (sender, receiver) = oneshot::channel();
        let batch = Batch {
            bytes,
            commands,
            expects: Expects::Reply,
            answers: Answers::Own(Box::new(Published {
                missing: commands,
                refused: 0,
                all: commands,
                error: None,
                sender: Some(sender),
            })),
            has_timeout: true,
        };
        match self.connection.send(batch) {
            Ok(()) => receiver.await.unwrap_or(Err(Unsent::Some(Error::Ended))),
            Err(Error::Ended) => Err(Unsent::Some(Error::Ended)),
            Err(error) => Err(Unsent::All(error)),
        }
    }
}

/// Why messages were not published.
enum Unsent {
    /// None was, and the server may take them later.
    All(Error),
    /// Some were not, or may not have been.
    Some(Error),
}

/// Hears the replies to a batch.
struct Published {
    /// Commands without a reply.
    missing: u32,
    refused: u32,
    all: u32,
    error: Option<Error>,
    sender: Option<oneshot::Sender<Result<(), Unsent>>>,
}

impl Published {
    fn end(&mut self, result: Result<(), Unsent>) {
        if let Some(sender) = self.sender.take() {
            // The transport may have ended.
            let _ = sender.send(result);
        }
    }
}

impl Replies for Published {
    fn reply(&mut self, frame: &[u8]) {
        if let [b'-', text @ ..] = frame {
            self.refused += 1;
            let text = String::from_utf8_lossy(text);
            self.error = Some(Error::of_reply(text.trim_end()));
        }
        self.missing = self.missing.saturating_sub(1);
        if self.missing > 0 {
            return;
        }
        let result = match self.error.take() {
            None => Ok(()),
            Some(error) if error.passes() && self.refused == self.all => Err(Unsent::All(error)),
            Some(error) => Err(Unsent::Some(error)),
        };
        self.end(result);
    }

    fn fail(&mut self, error: &Error) {
        let error = error.clone();
        let unsent = match error {
            // It was lost with the connection, or not answered.
            Error::Closed(_) | Error::Timeout(_) | Error::Ended | Error::Protocol(_) => {
                Unsent::Some(error)
            }
            // It has waited for a connection.
            error => Unsent::All(error),
        };
        self.end(Err(unsent));
    }
}

/// Nothing comes on this connection but replies.
struct Silent;

impl Listener for Silent {
    fn reply(&self, _mode: u8, _frame: &[u8]) {}
    fn fail(&self, _commands: u32, _error: &Error) {}
    fn push(&self, _frame: &[u8]) {}
    fn state(&self, _change: &StateChange) {}
    fn pause(&self) {}
}
