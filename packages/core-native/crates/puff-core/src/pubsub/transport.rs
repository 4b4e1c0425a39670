//! The way to the hubs of other processes.

use std::pin::Pin;

use super::interest::Interest;
use super::payload::Message;

/// Something that is waited for.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Brings messages to the hubs of other processes, and theirs to ours.
///
/// The hub calls `listen` and `unlisten` under its lock: they must neither wait nor call it. It calls
/// `listen` when an interest has its first subscriber here, `unlisten` when the last has gone.
pub trait Transport: Send + Sync {
    /// Takes a message to others; must not wait.
    ///
    /// # Errors
    /// Too many messages wait to be sent.
    fn send(&self, channel: &str, message: &Message<'_>) -> Result<(), Overflow>;

    /// Messages of others are wanted from now on.
    fn listen(&self, interest: &Interest);

    /// They are wanted no more.
    fn unlisten(&self, interest: &Interest);

    /// Resolves when messages of others arrive for all that is listened to at this moment, or are refused.
    fn ready(&self) -> Wait<'_>;

    /// Why messages of others do not arrive for something that is listened to, where that does not end by itself.
    fn refusal(&self, _interest: &Interest) -> Option<Refusal> {
        None
    }

    /// Resolves when everything that was published until now was sent, or given up.
    fn flushed(&self) -> Wait<'_>;
}

/// The way to other processes does not bring what somebody listens to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What is refused, and by whom.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

/// Messages for other processes pile up, because they cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} messages for other processes wait to be sent; {reason}")]
pub struct Overflow {
    /// How many wait.
    pub waiting: usize,
    /// What to look at.
    pub reason: &'static str,
}
