//! Messages on their way to Redis.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::super::outbox::{self, Outgoing};
use super::super::payload::Payload;
use super::super::transport::Overflow;
use super::envelope;
use crate::redis::{
    Answers, Batch, Config, Connection, Error, Expects, Listener, Replies, StateChange, encode_into,
};
use crate::runtime;

/// Commands and bytes in one batch.
const MAX_COMMANDS: usize = 2_000;
const MAX_BYTES: usize = 1024 * 1024;
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
    commands: outbox::Outbox<Command>,
}

/// A PUBLISH as it goes over the wire.
struct Command {
    channel: Box<str>,
    bytes: Vec<u8>,
}

impl Command {
    fn new(channel: &str, envelope: &[u8]) -> Command {
        let mut bytes = Vec::with_capacity(channel.len() + envelope.len() + 48);
        encode_into(
            &[b"PUBLISH".as_slice(), channel.as_bytes(), envelope],
            &mut bytes,
        );
        let channel = channel.into();
        Command { channel, bytes }
    }
}

impl Outgoing for Command {
    fn len(&self) -> usize {
        self.bytes.len()
    }
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

    pub(super) fn push(&self, channel: &str, payload: &Payload) -> Result<(), Overflow> {
        let envelope = envelope::write(&self.shared.node, payload);
        self.shared
            .commands
            .push(Command::new(channel, &envelope))?;
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

/// How many commands make the next batch.
fn batch_of(commands: &VecDeque<Command>) -> usize {
    let mut bytes = 0;
    let fitting = commands.iter().take(MAX_COMMANDS).take_while(|command| {
        bytes += command.len();
        bytes <= MAX_BYTES
    });
    fitting.count()
}

async fn send_all(shared: Arc<Shared>) {
    loop {
        let batch = shared.commands.next(batch_of).await;
        let count = batch.len();
        if let Err(error) = shared.send(&batch).await {
            eprintln!(
                "[next-puff] up to {count} messages of pub/sub did not reach other processes: {error}"
            );
            if matches!(error, Error::Ended) {
                shared.commands.finish(count);
                return;
            }
            // Whoever listens to their channels has to know.
            let channels: BTreeSet<Box<str>> =
                batch.into_iter().map(|command| command.channel).collect();
            let gap = envelope::write_gap(&shared.node);
            let gaps: Vec<_> = channels
                .iter()
                .map(|channel| Command::new(channel, &gap))
                .collect();
            // They may come twice, and must come once; what the server does not allow never will.
            while let Err(Error::Closed(_) | Error::Timeout(_)) = shared.send(&gaps).await {}
        }
        shared.commands.finish(count);
    }
}

impl Shared {
    /// Publishes messages, once the server takes them.
    ///
    /// # Errors
    /// Some of them were not published, or nobody knows whether they were.
    async fn send(&self, batch: &[Command]) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(batch.iter().map(Command::len).sum());
        for command in batch {
            bytes.extend_from_slice(&command.bytes);
        }
        let bytes = Bytes::from(bytes);
        let mut pause = FIRST_PAUSE;
        let mut is_told = false;
        loop {
            match self.send_once(bytes.clone(), batch.len() as u32).await {
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
