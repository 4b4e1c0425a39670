//! Messages of other processes and programs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::super::hub::Hub;
use super::envelope::{self, Received};
use crate::redis::{Error, FeedListener};

/// Delivers what Redis sends to a hub.
pub(super) struct Inbox {
    hub: &'static Hub,
    node: Arc<str>,
    /// Whether the loss of the connection was reported.
    is_told: AtomicBool,
}

impl Inbox {
    pub(super) fn new(hub: &'static Hub, node: Arc<str>) -> Inbox {
        Inbox {
            hub,
            node,
            is_told: AtomicBool::new(false),
        }
    }
}

impl FeedListener for Inbox {
    fn message(&self, channel: &[u8], pattern: Option<&[u8]>, payload: Bytes) {
        let channel = String::from_utf8_lossy(channel);
        let pattern = pattern.map(String::from_utf8_lossy);
        match envelope::read(&self.node, payload) {
            Received::Message(payload) => {
                self.hub.deliver_to(&channel, pattern.as_deref(), payload);
            }
            Received::Gap => self.hub.tell_gap_to(&channel, pattern.as_deref()),
            Received::Own => {}
        }
    }

    fn connected(&self, is_again: bool) {
        self.is_told.store(false, Ordering::SeqCst);
        if is_again {
            // Messages may have passed while nobody listened.
            self.hub.tell_gap();
        }
    }

    fn lost(&self, error: &Error) {
        if !self.is_told.swap(true, Ordering::SeqCst) {
            eprintln!("[next-puff] pub/sub cannot listen to Redis and tries again: {error}");
        }
    }
}
