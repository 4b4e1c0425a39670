//! The connection that subscribes to channels.

use std::sync::Arc;

use super::config::Config;
use super::connection::Connection;
use super::error::Error;
use super::feed_session::{Ear, Shared};

/// Hears what comes on a feed's channels; called on threads of the runtime, one call at a time. It must not block,
/// but may use the feed.
pub trait FeedListener: Send + Sync {
    /// A message on a channel; with the pattern where that is what it came by.
    fn message(&self, channel: &[u8], pattern: Option<&[u8]>, payload: &[u8]);
    /// All subscriptions are in place; `is_again` after a loss: messages in between may have been missed.
    fn connected(&self, is_again: bool);
    /// The connection was lost or cannot be opened; another attempt follows by itself.
    fn lost(&self, error: &Error);
    /// The server refuses a subscription: nothing comes by it. It is asked again on the next connection.
    fn refused(&self, name: &[u8], is_pattern: bool, error: &Error);
}

/// A connection that is subscribed to channels and patterns, and again after every loss.
///
/// It opens nothing before the first subscription and closes when it is dropped.
pub struct Feed {
    connection: Connection,
    shared: Arc<Shared>,
}

impl Feed {
    pub(super) fn new(config: Config, listener: Arc<dyn FeedListener>) -> Feed {
        let shared = Shared::new(listener);
        let connection = Connection::new(config, Arc::new(Ear(shared.clone())));
        shared.hold(connection.clone());
        Feed { connection, shared }
    }

    /// Subscribes to a channel; nothing happens if it is already.
    pub fn subscribe(&self, channel: &[u8]) {
        self.change(channel, false, true);
    }

    /// Ends the subscription to a channel.
    pub fn unsubscribe(&self, channel: &[u8]) {
        self.change(channel, false, false);
    }

    /// Subscribes to all channels that match a pattern (`PSUBSCRIBE`).
    pub fn psubscribe(&self, pattern: &[u8]) {
        self.change(pattern, true, true);
    }

    /// Ends the subscription to a pattern.
    pub fn punsubscribe(&self, pattern: &[u8]) {
        self.change(pattern, true, false);
    }

    fn change(&self, name: &[u8], is_pattern: bool, begins: bool) {
        if self
            .shared
            .change(&self.connection, name, is_pattern, begins)
        {
            self.connection.connect();
        }
    }

    /// Why the server refuses a channel, or a pattern, that this is subscribed to; nothing if it does not, or was not asked
    /// yet.
    pub fn refusal(&self, name: &[u8], is_pattern: bool) -> Option<Error> {
        self.shared.refusal(name, is_pattern)
    }

    /// Waits until the server has confirmed all subscriptions that were asked for until now, or has refused them.
    pub async fn ready(&self) {
        self.shared.ready().await;
    }

    /// Ends it.
    pub fn close(&self) {
        self.connection.close();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.connection.close();
        self.shared.release();
    }
}
