//! The connection that subscribes to channels.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use bytes::Bytes;
use tokio::sync::watch;

use super::command::encode;
use super::config::Config;
use super::connection::{
    Answers, Batch, Connection, Expects, Listener, Replies, State, StateChange,
};
use super::error::Error;
use super::reply::Reply;

/// Hears what comes on a feed's channels; called on threads of the runtime, one call at a time. It must not block,
/// but may use the feed.
pub trait FeedListener: Send + Sync {
    /// A message on a channel; with the pattern where that is what it came by.
    fn message(&self, channel: &[u8], pattern: Option<&[u8]>, payload: Bytes);
    /// All subscriptions are in place; `is_again` after a loss: messages in between may have been missed.
    fn connected(&self, is_again: bool);
    /// The connection was lost or cannot be opened; another attempt follows by itself.
    fn lost(&self, error: &Error);
}

/// A connection that is subscribed to channels and patterns, and again after every loss.
///
/// It opens nothing before the first subscription and closes when it is dropped.
pub struct Feed {
    connection: Connection,
    shared: Arc<Shared>,
}

struct Shared {
    listener: Arc<dyn FeedListener>,
    /// Set right after the connection was made, which needs this as its listener.
    connection: OnceLock<HeldConnection>,
    wanted: Mutex<Wanted>,
    events: Mutex<VecDeque<Event>>,
    /// Subscriptions that the server has not confirmed; none while there is no session.
    unconfirmed: watch::Sender<Option<usize>>,
}

/// The connection owns its listener in turn: the feed breaks the circle when it is dropped.
type HeldConnection = Mutex<Option<Connection>>;

#[derive(Default)]
struct Wanted {
    channels: BTreeMap<Box<[u8]>, ()>,
    patterns: BTreeMap<Box<[u8]>, ()>,
    is_ready: bool,
    was_ready: bool,
    /// Whether the listener knows of this session.
    is_connected: bool,
}

enum Event {
    Message(Bytes, Option<Bytes>, Bytes),
    Ready,
    Confirmed,
    Lost(Error),
}

impl Feed {
    pub(super) fn new(config: Config, listener: Arc<dyn FeedListener>) -> Feed {
        let shared = Arc::new(Shared {
            listener,
            connection: OnceLock::new(),
            wanted: Mutex::default(),
            events: Mutex::default(),
            unconfirmed: watch::Sender::new(None),
        });
        let connection = Connection::new(config, Arc::new(Ear(shared.clone())));
        let _ = shared.connection.set(Mutex::new(Some(connection.clone())));
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
        let mut wanted = self.shared.wanted();
        let names = match is_pattern {
            true => &mut wanted.patterns,
            false => &mut wanted.channels,
        };
        let has_changed = match begins {
            true => names.insert(name.into(), ()).is_none(),
            false => names.remove(name).is_some(),
        };
        if !has_changed {
            return;
        }
        if wanted.is_ready {
            let unconfirmed = &self.shared.unconfirmed;
            unconfirmed.send_modify(|count| *count = count.map(|count| count + 1));
            // Under the lock: changes reach the server in their order.
            self.shared
                .send(&self.connection, is_pattern, begins, &[name]);
        }
        drop(wanted);
        self.connection.connect();
    }

    /// Waits until the server has confirmed all subscriptions that were asked for until now.
    pub async fn ready(&self) {
        let mut unconfirmed = self.shared.unconfirmed.subscribe();
        // The sender lives as long as the feed.
        let _ = unconfirmed.wait_for(|count| *count == Some(0)).await;
    }

    /// Ends it.
    pub fn close(&self) {
        self.connection.close();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.connection.close();
        if let Some(connection) = self.shared.connection.get() {
            let mut connection = connection
                .lock()
                .unwrap_or_else(|poison| poison.into_inner());
            *connection = None;
        }
    }
}

impl Shared {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.events
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn send(
        self: &Arc<Self>,
        connection: &Connection,
        is_pattern: bool,
        begins: bool,
        names: &[&[u8]],
    ) {
        let command = match (is_pattern, begins) {
            (false, true) => "SUBSCRIBE",
            (false, false) => "UNSUBSCRIBE",
            (true, true) => "PSUBSCRIBE",
            (true, false) => "PUNSUBSCRIBE",
        };
        let mut args = vec![command.as_bytes()];
        args.extend(names);
        let batch = Batch {
            bytes: encode(&args).into(),
            commands: 1,
            expects: Expects::Confirmations(names.len() as u32),
            answers: Answers::Own(Box::new(Confirmation(self.clone()))),
            has_timeout: true,
        };
        if connection.send(batch).is_err() {
            // There is no session any more: the next one begins with all that is wanted.
            self.unconfirmed.send_modify(|count| *count = None);
        }
    }

    /// A session has begun: subscribes to all that is wanted.
    fn begin(self: &Arc<Self>) {
        let Some(connection) = self.connection.get().and_then(|connection| {
            connection
                .lock()
                .unwrap_or_else(|poison| poison.into_inner())
                .clone()
        }) else {
            return;
        };
        let mut wanted = self.wanted();
        wanted.is_ready = true;
        let channels: Vec<&[u8]> = wanted.channels.keys().map(AsRef::as_ref).collect();
        let patterns: Vec<&[u8]> = wanted.patterns.keys().map(AsRef::as_ref).collect();
        // Before the first is sent: nobody may take the begin for the end.
        let commands = channels.len().div_ceil(MAX_NAMES) + patterns.len().div_ceil(MAX_NAMES);
        self.unconfirmed.send_replace(Some(commands));
        for chunk in channels.chunks(MAX_NAMES) {
            self.send(&connection, false, true, chunk);
        }
        for chunk in patterns.chunks(MAX_NAMES) {
            self.send(&connection, true, true, chunk);
        }
        let has_none = channels.is_empty() && patterns.is_empty();
        drop(wanted);
        if has_none {
            self.report_connected();
        }
    }

    fn report_connected(&self) {
        if *self.unconfirmed.borrow() != Some(0) {
            return;
        }
        let is_again = {
            let mut wanted = self.wanted();
            if wanted.is_connected {
                return;
            }
            wanted.is_connected = true;
            std::mem::replace(&mut wanted.was_ready, true)
        };
        self.listener.connected(is_again);
    }
}

/// Names in one command.
const MAX_NAMES: usize = 1000;

/// Counts a confirmation, or starts anew where the server refused.
struct Confirmation(Arc<Shared>);

impl Replies for Confirmation {
    fn reply(&mut self, frame: &[u8]) {
        if let Ok(Reply::Error(error)) = Reply::parse(frame) {
            self.0.events().push_back(Event::Lost(error));
            return;
        }
        self.0.unconfirmed.send_modify(|count| {
            *count = count.map(|count| count.saturating_sub(1));
        });
        self.0.events().push_back(Event::Confirmed);
    }

    fn fail(&mut self, _error: &Error) {
        // The session is over; the next one subscribes again.
    }
}

/// The listener of a feed's connection: it notes what happens, and tells it when the connection is unlocked.
struct Ear(Arc<Shared>);

impl Listener for Ear {
    fn reply(&self, _mode: u8, _frame: &[u8]) {}

    fn fail(&self, _commands: u32, _error: &Error) {}

    fn push(&self, frame: &[u8]) {
        let Ok(Reply::Array(parts)) = Reply::parse(frame) else {
            return;
        };
        let mut parts = parts.into_iter().map(|part| match part {
            Reply::Bytes(bytes) => bytes,
            _ => Bytes::new(),
        });
        let kind = parts.next().unwrap_or_default();
        let pattern = match &*kind {
            b"message" | b"smessage" => None,
            b"pmessage" => parts.next(),
            _ => return,
        };
        if let (Some(channel), Some(payload)) = (parts.next(), parts.next()) {
            let message = Event::Message(channel, pattern, payload);
            self.0.events().push_back(message);
        }
    }

    fn state(&self, change: &StateChange) {
        let event = match (change.state, &change.error) {
            (State::Ready, _) => Event::Ready,
            (State::Reconnecting, Some(error)) => Event::Lost(error.clone()),
            _ => return,
        };
        self.0.events().push_back(event);
    }

    fn pause(&self) {
        loop {
            let event = self.0.events().pop_front();
            match event {
                None => return,
                Some(Event::Message(channel, pattern, payload)) => {
                    self.0
                        .listener
                        .message(&channel, pattern.as_deref(), payload);
                }
                Some(Event::Ready) => self.0.begin(),
                Some(Event::Confirmed) => self.0.report_connected(),
                Some(Event::Lost(error)) => {
                    {
                        let mut wanted = self.0.wanted();
                        wanted.is_ready = false;
                        wanted.is_connected = false;
                    }
                    self.0.unconfirmed.send_replace(None);
                    self.0.listener.lost(&error);
                }
            }
        }
    }
}
