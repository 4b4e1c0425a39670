//! Messages between processes by Redis' PUBLISH and SUBSCRIBE.
//!
//! Channels have the same names there, so that other programs can listen and publish; see `envelope` for
//! what they read and write. Each process has one connection that subscribes, to what somebody here listens to
//! and to nothing else, and one that publishes in batches.
//!
//! A message reaches every process that Redis has on the channel when it takes the message, at most once, and those of one
//! process come in their order. A process whose connection was lost, also because Redis found it too slow
//! (`client-output-buffer-limit`), connects again and tells its subscribers of the gap. A process that
//! cannot know whether its messages were taken tells the subscribers of their channels.

mod envelope;
mod inbox;
mod outbox;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::inbox::Inbox;
use self::outbox::Outbox;
use super::hub::Hub;
use super::interest::Interest;
use super::node::new_node;
use super::payload::Message;
use super::transport::{Overflow, Refusal, Transport, Wait};
use crate::redis::{Client, Config, Feed};

/// A [`Transport`] on a Redis server.
pub struct RedisTransport {
    outbox: Outbox,
    feed: Feed,
    /// How many channels and patterns somebody listens to.
    interests: AtomicUsize,
}

impl RedisTransport {
    /// Connects a hub with those of other processes on a Redis server; opens no connection before something is
    /// published or listened to.
    pub fn new(hub: &'static Hub, config: Config) -> Arc<RedisTransport> {
        let node = new_node();
        let inbox = Inbox::new(hub, node.clone());
        let feed = Client::new(config.clone()).feed(Arc::new(inbox));
        Arc::new(RedisTransport {
            outbox: Outbox::new(node, config),
            feed,
            interests: AtomicUsize::new(0),
        })
    }
}

impl Transport for RedisTransport {
    fn send(&self, channel: &str, message: &Message<'_>) -> Result<(), Overflow> {
        self.outbox.push(channel, message)
    }

    fn listen(&self, interest: &Interest) {
        self.interests.fetch_add(1, Ordering::SeqCst);
        match interest {
            Interest::Channel(channel) => self.feed.subscribe(channel.as_bytes()),
            Interest::Pattern(pattern) => self.feed.psubscribe(pattern.as_bytes()),
        }
    }

    fn unlisten(&self, interest: &Interest) {
        self.interests.fetch_sub(1, Ordering::SeqCst);
        match interest {
            Interest::Channel(channel) => self.feed.unsubscribe(channel.as_bytes()),
            Interest::Pattern(pattern) => self.feed.punsubscribe(pattern.as_bytes()),
        }
    }

    fn ready(&self) -> Wait<'_> {
        Box::pin(async {
            // There may be no connection then, and none is needed.
            if self.interests.load(Ordering::SeqCst) > 0 {
                self.feed.ready().await;
            }
        })
    }

    fn refusal(&self, interest: &Interest) -> Option<Refusal> {
        let error = match interest {
            Interest::Channel(channel) => self.feed.refusal(channel.as_bytes(), false),
            Interest::Pattern(pattern) => self.feed.refusal(pattern.as_bytes(), true),
        };
        error.map(|error| inbox::refusal(interest, &error))
    }

    fn flushed(&self) -> Wait<'_> {
        Box::pin(self.outbox.flushed())
    }
}
