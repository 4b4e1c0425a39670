//! The way to the hubs of other processes.

use std::sync::Arc;

use super::payload::Payload;

/// Brings messages to the hubs of other processes, and theirs to ours.
pub trait Transport: Send + Sync {
    /// Takes a message to others; must not wait.
    ///
    /// # Errors
    /// Too many messages wait to be sent.
    fn send(&self, channel: &str, payload: &Arc<Payload>) -> Result<(), Overflow>;

    /// Somebody here listens from now on, so that messages of others are wanted.
    fn listen(&self);
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
