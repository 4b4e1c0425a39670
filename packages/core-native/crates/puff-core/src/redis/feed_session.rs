//! What a feed is subscribed to, session after session of its connection, and what it hears there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::sync::watch;

use super::command::encode;
use super::connection::{
    Answers, Batch, Connection, Expects, Listener, Replies, State, StateChange,
};
use super::error::Error;
use super::feed::FeedListener;
use super::feed_events::{Event, Heard};
use super::frame::{Item, next_item};

/// Names in one command.
const MAX_NAMES: usize = 1000;

/// What a feed and the listener of its connection share.
pub(super) struct Shared {
    listener: Arc<dyn FeedListener>,
    /// Set right after the connection was made, which needs this as its listener.
    connection: OnceLock<HeldConnection>,
    wanted: Mutex<Wanted>,
    heard: Mutex<Heard>,
    /// Subscriptions that the server has not confirmed; none while there is no session.
    unconfirmed: watch::Sender<Option<usize>>,
}

/// The connection owns its listener in turn: the feed breaks the circle when it is dropped.
type HeldConnection = Mutex<Option<Connection>>;

#[derive(Default)]
struct Wanted {
    channels: Names,
    patterns: Names,
    is_ready: bool,
    was_ready: bool,
    /// Whether the listener knows of this session.
    is_connected: bool,
}

/// What is wanted, each with why the server refuses it, if it does.
type Names = BTreeMap<Box<[u8]>, Option<Error>>;

/// What one command subscribes to, or ends.
#[derive(Clone)]
pub(super) struct Ask {
    is_pattern: bool,
    begins: bool,
    names: Arc<[Box<[u8]>]>,
}

impl Shared {
    pub(super) fn new(listener: Arc<dyn FeedListener>) -> Arc<Shared> {
        Arc::new(Shared {
            listener,
            connection: OnceLock::new(),
            wanted: Mutex::default(),
            heard: Mutex::default(),
            unconfirmed: watch::Sender::new(None),
        })
    }

    /// Uses a connection, whose listener this is, until it is released.
    pub(super) fn hold(&self, connection: Connection) {
        let _ = self.connection.set(Mutex::new(Some(connection)));
    }

    /// Breaks the circle of the connection and its listener.
    pub(super) fn release(&self) {
        if let Some(connection) = self.connection.get() {
            let mut connection = connection
                .lock()
                .unwrap_or_else(|poison| poison.into_inner());
            *connection = None;
        }
    }

    /// Subscribes to a name or ends that; false if there is nothing to change.
    pub(super) fn change(
        self: &Arc<Self>,
        connection: &Connection,
        name: &[u8],
        is_pattern: bool,
        begins: bool,
    ) -> bool {
        let mut wanted = self.wanted();
        let names = wanted.names(is_pattern);
        let has_changed = match begins {
            true if names.contains_key(name) => false,
            true => names.insert(name.into(), None).is_none(),
            false => names.remove(name).is_some(),
        };
        if has_changed && wanted.is_ready {
            self.expect(1);
            // Under the lock: changes reach the server in their order.
            let ask = Ask {
                is_pattern,
                begins,
                names: [name.into()].into(),
            };
            self.send(connection, ask);
        }
        has_changed
    }

    pub(super) fn refusal(&self, name: &[u8], is_pattern: bool) -> Option<Error> {
        self.wanted().names(is_pattern).get(name).cloned().flatten()
    }

    pub(super) async fn ready(&self) {
        let mut unconfirmed = self.unconfirmed.subscribe();
        // The sender lives as long as the feed.
        let _ = unconfirmed.wait_for(|count| *count == Some(0)).await;
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn note(&self, event: Event) {
        self.heard().note(event);
    }

    /// So many more confirmations are to come.
    fn expect(&self, commands: usize) {
        self.unconfirmed
            .send_modify(|count| *count = count.map(|count| count + commands));
    }

    /// One of them has come, or will not.
    fn settle(&self) {
        self.unconfirmed
            .send_modify(|count| *count = count.map(|count| count.saturating_sub(1)));
    }

    fn send(self: &Arc<Self>, connection: &Connection, ask: Ask) {
        let command = match (ask.is_pattern, ask.begins) {
            (false, true) => "SUBSCRIBE",
            (false, false) => "UNSUBSCRIBE",
            (true, true) => "PSUBSCRIBE",
            (true, false) => "PUNSUBSCRIBE",
        };
        let mut args = vec![command.as_bytes()];
        args.extend(ask.names.iter().map(AsRef::as_ref));
        let batch = Batch {
            bytes: encode(&args).into(),
            commands: 1,
            expects: Expects::Confirmations(ask.names.len() as u32),
            answers: Answers::Own(Box::new(Confirmation {
                shared: self.clone(),
                ask,
            })),
            has_timeout: true,
        };
        if connection.send(batch).is_err() {
            // There is no session any more: the next one begins with all that is wanted.
            self.unconfirmed.send_modify(|count| *count = None);
        }
    }

    fn connection(&self) -> Option<Connection> {
        self.connection.get().and_then(|connection| {
            connection
                .lock()
                .unwrap_or_else(|poison| poison.into_inner())
                .clone()
        })
    }

    /// A session has begun: subscribes to all that is wanted.
    fn begin(self: &Arc<Self>) {
        let Some(connection) = self.connection() else {
            return;
        };
        let mut wanted = self.wanted();
        wanted.is_ready = true;
        let mut asks = Vec::new();
        for is_pattern in [false, true] {
            let names = wanted.names(is_pattern);
            names.values_mut().for_each(|refusal| *refusal = None);
            let names: Vec<_> = names.keys().cloned().collect();
            asks.extend(names.chunks(MAX_NAMES).map(|names| Ask {
                is_pattern,
                begins: true,
                names: names.into(),
            }));
        }
        // Before the first is sent: nobody may take the begin for the end.
        self.unconfirmed.send_replace(Some(asks.len()));
        let has_none = asks.is_empty();
        for ask in asks {
            self.send(&connection, ask);
        }
        drop(wanted);
        if has_none {
            self.report_connected();
        }
    }

    /// The server has refused a command. One name that it refuses has it refuse all others of the command.
    fn refuse(self: &Arc<Self>, ask: Ask, error: &Error) {
        match &*ask.names {
            // Whoever ends a subscription that the server does not grant has what it wants.
            _ if !ask.begins => self.settle(),
            [name] => {
                let is_news = match self.wanted().names(ask.is_pattern).get_mut(name) {
                    Some(refusal) => refusal.replace(error.clone()).is_none(),
                    // It is not wanted any more.
                    None => false,
                };
                self.settle();
                if is_news {
                    self.listener.refused(name, ask.is_pattern, error);
                }
            }
            names => {
                let Some(connection) = self.connection() else {
                    return;
                };
                let mut wanted = self.wanted();
                if !wanted.is_ready {
                    return;
                }
                let all = wanted.names(ask.is_pattern);
                let names: Vec<_> = names
                    .iter()
                    .filter(|name| all.contains_key(*name))
                    .collect();
                self.expect(names.len());
                for name in names {
                    let ask = Ask {
                        names: [name.clone()].into(),
                        ..ask
                    };
                    self.send(&connection, ask);
                }
                drop(wanted);
                self.settle();
            }
        }
        self.report_connected();
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

impl Wanted {
    fn names(&mut self, is_pattern: bool) -> &mut Names {
        match is_pattern {
            true => &mut self.patterns,
            false => &mut self.channels,
        }
    }
}

/// Hears what the server says to a command.
struct Confirmation {
    shared: Arc<Shared>,
    ask: Ask,
}

impl Replies for Confirmation {
    fn reply(&mut self, frame: &[u8]) {
        if let Ok(Some(Item::Error(text))) = next_item(frame, &mut 0) {
            let error = Error::of_reply(&String::from_utf8_lossy(text));
            self.shared.note(Event::Refused(self.ask.clone(), error));
            return;
        }
        self.shared.settle();
        self.shared.note(Event::Confirmed);
    }

    fn fail(&mut self, error: &Error) {
        // When the session is over, the next one subscribes again.
        if matches!(error, Error::Timeout(_)) {
            self.shared.note(Event::Unanswered);
        }
    }
}

/// The listener of a feed's connection: it notes what happens, and tells it when the connection is unlocked.
pub(super) struct Ear(pub(super) Arc<Shared>);

impl Listener for Ear {
    fn reply(&self, _mode: u8, _frame: &[u8]) {}

    fn fail(&self, _commands: u32, _error: &Error) {}

    fn push(&self, frame: &[u8]) {
        self.0.heard().push(frame);
    }

    fn state(&self, change: &StateChange) {
        let event = match (change.state, &change.error) {
            (State::Ready, _) => Event::Ready,
            (State::Reconnecting, Some(error)) => Event::Lost(error.clone()),
            _ => return,
        };
        self.0.note(event);
    }

    fn pause(&self) {
        let mut heard = std::mem::take(&mut *self.0.heard());
        heard.tell(|event, bytes| self.0.tell(event, bytes));
        self.0.heard().reuse(heard);
    }
}

impl Shared {
    fn tell(self: &Arc<Self>, event: Event, bytes: &[u8]) {
        match event {
            Event::Message {
                channel,
                pattern,
                payload,
            } => {
                let pattern = pattern.map(|pattern| &bytes[pattern]);
                self.listener
                    .message(&bytes[channel], pattern, &bytes[payload]);
            }
            Event::Ready => self.begin(),
            Event::Confirmed => self.report_connected(),
            Event::Refused(ask, error) => self.refuse(ask, &error),
            // Nobody would hear of a late answer.
            Event::Unanswered => {
                if let Some(connection) = self.connection() {
                    connection.reconnect();
                }
            }
            Event::Lost(error) => {
                {
                    let mut wanted = self.wanted();
                    wanted.is_ready = false;
                    wanted.is_connected = false;
                }
                self.unconfirmed.send_replace(None);
                self.listener.lost(&error);
            }
        }
    }
}
