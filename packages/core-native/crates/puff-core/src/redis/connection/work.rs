//! What a connection is asked to do, and who hears of it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::redis::error::Error;

/// Takes the replies to a batch, in the order of its commands; one call for each.
///
/// Called while the connection is locked: it must not use the connection and not block.
pub trait Replies: Send {
    /// A complete reply as it came.
    fn reply(&mut self, frame: &[u8]);
    /// The command has no reply, and will have none.
    fn fail(&mut self, error: &Error);
}

/// Hears of everything on a connection that belongs to no [`Replies`].
///
/// All but `pause` are called while the connection is locked: they must not use the connection and not block.
pub trait Listener: Send + Sync {
    /// A reply to a command of a batch with [`Answers::Listener`].
    fn reply(&self, mode: u8, frame: &[u8]);
    /// The next `commands` of such batches have no reply.
    fn fail(&self, commands: u32, error: &Error);
    /// A message that no command asked for.
    fn push(&self, frame: &[u8]);
    /// What became of the connection.
    fn state(&self, change: &StateChange);
    /// What was understood until now is complete; called without a lock.
    fn pause(&self);
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// An attempt to connect begins.
    Connecting,
    /// Commands are taken.
    Ready,
    /// The connection was lost or an attempt failed; another one follows.
    Reconnecting,
    /// There will be no other attempt.
    Ended,
}

/// News of a connection.
#[derive(Debug, Clone)]
pub struct StateChange {
    /// What it is now.
    pub state: State,
    /// Why, for losses and failed attempts.
    pub error: Option<Error>,
    /// Attempts that failed since the connection was ready.
    pub attempt: u32,
    /// Until the next attempt; none where the listener is asked for it.
    pub delay: Option<Duration>,
}

/// How many replies each command has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// One.
    Reply,
    /// The batch is one SUBSCRIBE, UNSUBSCRIBE or the like: one confirmation for each of so many channels, or, with 0,
    /// for all that are subscribed. Only the last one counts as its reply.
    Confirmations(u32),
}

/// Who takes the replies.
pub enum Answers {
    /// The connection's listener; the mode is its business.
    Listener(u8),
    /// Somebody of the batch's own.
    Own(Box<dyn Replies>),
    /// Nobody any more.
    Abandoned,
}

/// Commands that go out together.
pub struct Batch {
    /// The encoded commands.
    pub bytes: Bytes,
    /// How many they are; at least one.
    pub commands: u32,
    /// What comes back.
    pub expects: Expects,
    /// Who takes it.
    pub answers: Answers,
    /// Whether the connection's limit for replies holds; not for commands that block.
    pub has_timeout: bool,
}

/// A batch with what is known of it.
pub(super) struct Work {
    pub(super) batch: Batch,
    /// Commands without a reply yet.
    pub(super) left: u32,
    pub(super) begun: Instant,
    /// Confirmations that are still to come; none before the first.
    pub(super) confirmations: Option<u32>,
}

impl Work {
    pub(super) fn new(batch: Batch) -> Work {
        Work {
            left: batch.commands,
            begun: Instant::now(),
            confirmations: None,
            batch,
        }
    }

    /// Fails what has no reply yet.
    pub(super) fn fail(&mut self, listener: &dyn Listener, error: &Error) {
        match &mut self.batch.answers {
            Answers::Listener(_) => listener.fail(self.left, error),
            Answers::Own(replies) => (0..self.left).for_each(|_| replies.fail(error)),
            Answers::Abandoned => {}
        }
        self.batch.answers = Answers::Abandoned;
    }

    pub(super) fn is_abandoned(&self) -> bool {
        matches!(self.batch.answers, Answers::Abandoned)
    }
}
