//! Sockets whose handlers are JavaScript.
//!
//! An isolate is asked with [`Topic::SOCKET_REQUEST`], whose content is that of
//! `script/request_head.rs`, and accepts or refuses. From then on it gets the messages of the socket
//! below the same id. What it has been given and has not read is counted in bytes: above
//! [`UNREAD_LIMIT`] the client has to wait.

use std::collections::{HashMap, hash_map};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::channels::OnGap;
use super::close::{CloseCode, Closed};
use super::frame::Frame;
use super::handle::{Sent, SocketHandle};
use super::handshake::{Acceptance, Handshake};
use super::listener::{Listener, Message};
use super::refusal::Refusal;
use super::sockets::{Sockets, TooManyChannels};
use crate::http::{Exchange, Response};
use crate::script::{
    Attachment, Isolate, Message as ScriptMessage, ScriptRoute, Topic, socket_head,
};

/// Bytes of messages that an isolate has not read before their sender has to wait.
const UNREAD_LIMIT: usize = 256 * 1024;

/// What a message costs beside its bytes, so that empty ones are not free.
const MESSAGE_COST: usize = 64;

/// How long a handler may take to accept or refuse.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A subprotocol was accepted that the client does not offer.
#[derive(Debug, Error)]
#[error("the client does not offer the subprotocol {protocol:?}; it offers {offered:?}")]
pub struct NotOffered {
    protocol: String,
    offered: Vec<String>,
}

/// The sockets of one isolate, by the ids that it knows them by.
#[derive(Default)]
pub struct IsolateSockets(Mutex<State>);

#[derive(Default)]
struct State {
    entries: HashMap<u32, Entry>,
    last_id: u32,
}

enum Entry {
    Asked(Box<Asked>),
    Open(Open),
}

/// A handshake that the isolate has not answered.
struct Asked {
    handshake: Handshake,
    upgrade: OnUpgrade,
    reply: oneshot::Sender<Response>,
    isolate: Arc<dyn Isolate>,
    /// Who talks in the isolate's place, once it has accepted.
    speaker: Option<Box<dyn Listener>>,
}

/// A socket that the isolate has accepted.
#[derive(Clone)]
struct Open {
    socket: SocketHandle,
    sockets: Arc<Sockets>,
    accounts: Arc<Accounts>,
}

/// What the isolate and the connection's task both count.
#[derive(Default)]
struct Accounts {
    /// Bytes that the isolate has not read, with the messages' cost.
    unread: AtomicUsize,
    /// Pings of the isolate that have no pong yet; pongs to ours are none of its business.
    pings: AtomicUsize,
}

impl IsolateSockets {
    /// How many the isolate has, with those that it has not answered.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The socket with this id, while it is open.
    pub fn get(&self, id: u32) -> Option<SocketHandle> {
        self.open(id).map(|open| open.socket)
    }

    /// Sends a socket what is published on a channel; false when it has ended.
    ///
    /// # Errors
    /// It subscribes to as many channels as it may.
    pub fn subscribe(
        &self,
        id: u32,
        channel: &str,
        on_gap: OnGap,
    ) -> Result<bool, TooManyChannels> {
        match self.open(id) {
            Some(open) => open.sockets.subscribe(&open.socket, channel, on_gap),
            None => Ok(false),
        }
    }

    /// Ends [`IsolateSockets::subscribe`].
    pub fn unsubscribe(&self, id: u32, channel: &str) {
        if let Some(open) = self.open(id) {
            open.sockets.unsubscribe(&open.socket, channel);
        }
    }

    /// The isolate has read messages that cost so much.
    pub fn read(&self, id: u32, cost: usize) {
        if let Some(Open {
            socket, accounts, ..
        }) = self.open(id)
        {
            let before = subtract(&accounts.unread, cost);
            if before.saturating_sub(cost) < UNREAD_LIMIT / 2 {
                socket.resume();
            }
        }
    }

    /// Sends a ping; its pong goes to the isolate.
    pub fn ping(&self, id: u32, payload: &[u8]) -> Sent {
        let Some(Open {
            socket, accounts, ..
        }) = self.open(id)
        else {
            return Sent::Closed;
        };
        accounts.pings.fetch_add(1, Ordering::SeqCst);
        socket.send(&Frame::ping(payload))
    }

    /// Lets somebody else talk on a socket that the isolate was asked about, once it accepts: the isolate
    /// is told of the end alone. False when it has answered already, or the client has gone.
    pub fn substitute(&self, id: u32, speaker: Box<dyn Listener>) -> bool {
        match self.lock().entries.get_mut(&id) {
            Some(Entry::Asked(asked)) => {
                asked.speaker = Some(speaker);
                true
            }
            _ => false,
        }
    }

    /// Accepts a socket that the isolate was asked about; false when its client has gone.
    ///
    /// # Errors
    /// The subprotocol is none that the client offers.
    pub fn accept(self: &Arc<Self>, id: u32, acceptance: Acceptance) -> Result<bool, NotOffered> {
        let mut state = self.lock();
        let Some(Entry::Asked(asked)) = state.entries.get(&id) else {
            return Ok(false);
        };
        let offered = asked.handshake.protocols();
        if let Some(protocol) = &acceptance.protocol
            && !offered.contains(protocol)
        {
            return Err(NotOffered {
                protocol: protocol.clone(),
                offered: offered.to_vec(),
            });
        }
        let Some(Entry::Asked(asked)) = state.entries.remove(&id) else {
            return Ok(false);
        };
        let Asked {
            handshake,
            upgrade,
            reply,
            isolate,
            speaker,
        } = *asked;
        let sockets = handshake.sockets().clone();
        let accounts = Arc::new(Accounts::default());
        let listener = ScriptListener {
            id,
            isolate,
            sockets: self.clone(),
            accounts: accounts.clone(),
        };
        let listener: Box<dyn Listener> = match speaker {
            Some(speaker) => Box::new(Substituted { speaker, listener }),
            None => Box::new(listener),
        };
        let (response, socket) = handshake.accept(upgrade, acceptance, listener);
        let open = Open {
            socket,
            sockets,
            accounts,
        };
        state.entries.insert(id, Entry::Open(open));
        drop(state);
        // Without anybody who takes it the connection ends, and the listener is told.
        Ok(reply.send(response).is_ok())
    }

    /// Refuses a socket that the isolate was asked about.
    pub fn refuse(&self, id: u32, response: Response) {
        let mut state = self.lock();
        if let Some(Entry::Asked(_)) = state.entries.get(&id) {
            let asked = state.entries.remove(&id);
            drop(state);
            if let Some(Entry::Asked(asked)) = asked {
                // Its client may be gone.
                let _ = asked.reply.send(response);
            }
        }
    }

    /// The isolate has ended: its clients should connect again.
    pub fn abandon(&self) {
        let entries = std::mem::take(&mut self.lock().entries);
        for entry in entries.into_values() {
            if let Entry::Open(open) = entry {
                open.socket.close(CloseCode::RESTART, "The server restarts");
            }
        }
    }

    /// Asks the isolate about a handshake and waits for its answer. When this future is dropped before,
    /// the isolate learns that the client is gone.
    ///
    /// # Errors
    /// The isolate has ended, or did not answer in time.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        isolate: Arc<dyn Isolate>,
        exchange: Exchange,
        handshake: Handshake,
        route: &ScriptRoute,
    ) -> Result<Response, Refusal> {
        let Exchange {
            parts,
            client,
            upgrade: Some(upgrade),
            ..
        } = exchange
        else {
            return Err(Refusal::Malformed("its connection cannot be taken over"));
        };
        let (reply, answer) = oneshot::channel();
        let asked = Asked {
            handshake,
            upgrade,
            reply,
            isolate: isolate.clone(),
            speaker: None,
        };
        let id = self.insert(Entry::Asked(Box::new(asked)));
        let _waiting = Waiting {
            id,
            sockets: self,
            isolate: &isolate,
        };
        isolate.send(socket_head(id, &parts, &client, route));
        match timeout(ANSWER_TIMEOUT, answer).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(_)) => Err(Refusal::Failed),
            Err(_) => Err(Refusal::TimedOut),
        }
    }

    fn open(&self, id: u32) -> Option<Open> {
        match self.lock().entries.get(&id) {
            Some(Entry::Open(open)) => Some(open.clone()),
            _ => None,
        }
    }

    fn insert(&self, entry: Entry) -> u32 {
        let mut state = self.lock();
        loop {
            state.last_id = state.last_id.wrapping_add(1).max(1);
            let id = state.last_id;
            if let hash_map::Entry::Vacant(place) = state.entries.entry(id) {
                place.insert(entry);
                return id;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

/// A client that waits for the isolate's answer: dropped before, it tells the isolate.
struct Waiting<'a> {
    id: u32,
    sockets: &'a IsolateSockets,
    isolate: &'a Arc<dyn Isolate>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.sockets.lock();
        if matches!(state.entries.get(&self.id), Some(Entry::Asked(_))) {
            let asked = state.entries.remove(&self.id);
            drop(state);
            drop(asked);
            self.isolate.send(closed(self.id, Closed::abnormally()));
        }
    }
}

/// Passes what happens on a socket on to its isolate.
struct ScriptListener {
    id: u32,
    isolate: Arc<dyn Isolate>,
    sockets: Arc<IsolateSockets>,
    accounts: Arc<Accounts>,
}

impl ScriptListener {
    fn send(&self, topic: Topic, number: i32, attachments: Vec<Attachment>) {
        self.isolate.send(ScriptMessage {
            topic,
            id: self.id,
            numbers: [number, 0],
            attachments,
        });
    }
}

impl Listener for ScriptListener {
    fn message(&mut self, socket: &SocketHandle, message: Message) {
        let cost = message.len() + MESSAGE_COST;
        let unread = &self.accounts.unread;
        if unread.fetch_add(cost, Ordering::SeqCst) + cost >= UNREAD_LIMIT {
            socket.pause();
            // It may have read everything just before, and found nothing paused.
            if unread.load(Ordering::SeqCst) < UNREAD_LIMIT / 2 {
                socket.resume();
            }
        }
        let (topic, attachment) = match message {
            Message::Text(text) => (Topic::SOCKET_TEXT, Attachment::Text(text)),
            Message::Binary(bytes) => (Topic::SOCKET_BINARY, Attachment::Bytes(bytes)),
        };
        self.send(topic, cost as i32, vec![attachment]);
    }

    fn pong(&mut self, _socket: &SocketHandle, payload: &[u8]) {
        if subtract(&self.accounts.pings, 1) > 0 {
            let payload = bytes::Bytes::copy_from_slice(payload);
            self.send(Topic::SOCKET_PONG, 0, vec![Attachment::Bytes(payload)]);
        }
    }

    fn drained(&mut self, _socket: &SocketHandle) {
        self.send(Topic::SOCKET_DRAINED, 0, Vec::new());
    }

    fn closed(&mut self, _socket: &SocketHandle, ending: Closed) {
        let entry = self.sockets.lock().entries.remove(&self.id);
        drop(entry);
        self.isolate.send(closed(self.id, ending));
    }
}

/// Talks in the isolate's place.
struct Substituted {
    speaker: Box<dyn Listener>,
    listener: ScriptListener,
}

impl Listener for Substituted {
    fn opened(&mut self, socket: &SocketHandle) {
        self.speaker.opened(socket);
    }

    fn message(&mut self, socket: &SocketHandle, message: Message) {
        self.speaker.message(socket, message);
    }

    fn pong(&mut self, socket: &SocketHandle, payload: &[u8]) {
        self.speaker.pong(socket, payload);
    }

    fn drained(&mut self, socket: &SocketHandle) {
        self.speaker.drained(socket);
    }

    fn closed(&mut self, socket: &SocketHandle, closed: Closed) {
        self.speaker.closed(socket, closed.clone());
        self.listener.closed(socket, closed);
    }
}

/// Subtracts, but not below 0; returns what it was before.
fn subtract(count: &AtomicUsize, amount: usize) -> usize {
    let lower = |count: usize| Some(count.saturating_sub(amount));
    let (Ok(before) | Err(before)) = count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lower);
    before
}

fn closed(id: u32, closed: Closed) -> ScriptMessage {
    ScriptMessage {
        topic: Topic::SOCKET_CLOSED,
        id,
        numbers: [i32::from(closed.code.0), i32::from(closed.is_clean)],
        attachments: vec![Attachment::Text(closed.reason)],
    }
}
