//! Messages of other processes and programs.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::hub::Hub;
use super::super::interest::Interest;
use super::super::transport::Refusal;
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
    fn message(&self, channel: &[u8], pattern: Option<&[u8]>, payload: &[u8]) {
        let channel = text_of(channel);
        let pattern = pattern.map(text_of);
        match envelope::read(&self.node, payload) {
            Received::Message(message) => {
                self.hub.deliver_to(&channel, pattern.as_deref(), &message);
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

    fn refused(&self, name: &[u8], is_pattern: bool, error: &Error) {
        let interest = match (is_pattern, String::from_utf8_lossy(name)) {
            (false, name) => Interest::channel(&name),
            (true, name) => Interest::pattern(&name),
        };
        let refusal = refusal(&interest, error);
        eprintln!("[next-puff] {refusal} {}", refusal.hint);
        self.hub.tell_refusal(&interest, &refusal);
    }
}

/// Valid text, which is nearly all there is, takes the quicker way.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Why nothing comes by an interest.
pub(super) fn refusal(interest: &Interest, error: &Error) -> Refusal {
    let (kind, name) = match interest {
        Interest::Channel(name) => ("channel", name),
        Interest::Pattern(name) => ("pattern", name),
    };
    Refusal {
        reason: format!(
            "Messages of other processes do not come on the {kind} \"{name}\": {error}."
        ),
        hint: format!(
            "Allow it to the user that REDIS_URL names: ACL SETUSER <user> \"&{name}\" +@pubsub."
        ),
    }
}
