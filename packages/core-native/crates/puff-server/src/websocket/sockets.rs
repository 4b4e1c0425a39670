//! All sockets of a server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::request::Parts;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::channels::{Channels, OnGap};
use super::close::CloseCode;
use super::handle::SocketHandle;
use super::handshake::Handshake;
use super::options::SocketOptions;
use super::origin;
use super::refusal::Refusal;

/// Channels that one socket may subscribe to.
const MAX_CHANNELS: usize = 1_000;

/// A socket subscribes to as many channels as it may.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a WebSocket may subscribe to {MAX_CHANNELS} channels, and this one does already")]
pub struct TooManyChannels;

/// The sockets of a server: answers handshakes, counts what is open, closes them together.
pub struct Sockets {
    options: Arc<SocketOptions>,
    state: Mutex<State>,
    channels: Channels,
    /// Told when the last socket has ended.
    emptied: Notify,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Open>,
    /// Open sockets, and handshakes that may become some.
    places: usize,
    last_id: u64,
    is_shutting_down: bool,
}

struct Open {
    socket: SocketHandle,
    /// The channels that it subscribes to.
    channels: Vec<Arc<str>>,
}

impl Sockets {
    /// Without any socket yet.
    pub fn new(options: SocketOptions) -> Arc<Sockets> {
        Arc::new(Sockets {
            options: Arc::new(options),
            state: Mutex::default(),
            channels: Channels::default(),
            emptied: Notify::new(),
        })
    }

    /// Checks a request for which [`asks_for_websocket`](super::asks_for_websocket) holds.
    ///
    /// # Errors
    /// It is malformed, from an origin that may not connect, or there are too many sockets.
    pub fn handshake(self: &Arc<Self>, parts: &Parts) -> Result<Handshake, Refusal> {
        Handshake::read(parts, self)
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.lock().open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many have been opened so far.
    pub fn opened(&self) -> u64 {
        self.lock().last_id
    }

    /// Closes all that are open.
    pub fn close_all(&self, code: CloseCode, reason: &str) {
        for socket in self.list() {
            socket.close(code, reason);
        }
    }

    /// Accepts none any more, closes all with 1001, and drops those that have not ended in time.
    /// Returns how many those were.
    pub async fn shut_down(&self, within: Duration) -> usize {
        self.lock().is_shutting_down = true;
        self.close_all(CloseCode::GOING_AWAY, "The server is shutting down");
        if timeout(within, self.wait_until_empty()).await.is_ok() {
            return 0;
        }
        let left = self.list();
        for socket in &left {
            socket.terminate();
        }
        left.len()
    }

    /// Sends a socket what is published on a channel of the hub from now on; false when it has ended. The first
    /// call for a channel says what becomes of it after a gap.
    ///
    /// # Errors
    /// It subscribes to as many channels as it may.
    pub fn subscribe(
        &self,
        socket: &SocketHandle,
        channel: &str,
        on_gap: OnGap,
    ) -> Result<bool, TooManyChannels> {
        let mut state = self.lock();
        let Some(open) = state.open.get_mut(&socket.id()) else {
            return Ok(false);
        };
        if open.channels.iter().any(|known| **known == *channel) {
            return Ok(true);
        }
        if open.channels.len() >= MAX_CHANNELS {
            return Err(TooManyChannels);
        }
        let channel: Arc<str> = channel.into();
        open.channels.push(channel.clone());
        // Under the lock, so that it cannot come after the socket's end.
        self.channels.subscribe(&channel, socket, on_gap);
        Ok(true)
    }

    /// Ends [`Sockets::subscribe`].
    pub fn unsubscribe(&self, socket: &SocketHandle, channel: &str) {
        let mut state = self.lock();
        if let Some(open) = state.open.get_mut(&socket.id()) {
            open.channels.retain(|known| **known != *channel);
        }
        self.channels.unsubscribe(channel, socket.id());
    }

    fn list(&self) -> Vec<SocketHandle> {
        let state = self.lock();
        state
            .open
            .values()
            .map(|open| open.socket.clone())
            .collect()
    }

    async fn wait_until_empty(&self) {
        loop {
            let notified = self.emptied.notified();
            if self.lock().open.is_empty() {
                return;
            }
            notified.await;
        }
    }

    pub(super) fn options(&self) -> &Arc<SocketOptions> {
        &self.options
    }

    /// Gives a handshake the place of a socket.
    pub(super) fn admit(self: &Arc<Self>, parts: &Parts) -> Result<Place, Refusal> {
        if !origin::is_allowed(parts, &self.options.allowed_origins) {
            return Err(Refusal::Origin);
        }
        let mut state = self.lock();
        if state.is_shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        if state.places >= self.options.max_sockets {
            return Err(Refusal::TooMany);
        }
        state.places += 1;
        Ok(Place {
            sockets: self.clone(),
            id: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

/// A place among the sockets; given up when dropped.
pub(super) struct Place {
    sockets: Arc<Sockets>,
    /// Of the socket, once it is one.
    id: Option<u64>,
}

impl Place {
    pub(super) fn sockets(&self) -> &Arc<Sockets> {
        &self.sockets
    }

    /// Makes the handshake a socket.
    pub(super) fn register(&mut self, make: impl FnOnce(u64) -> SocketHandle) -> SocketHandle {
        let mut state = self.sockets.lock();
        state.last_id += 1;
        let id = state.last_id;
        let socket = make(id);
        let open = Open {
            socket: socket.clone(),
            channels: Vec::new(),
        };
        state.open.insert(id, open);
        if state.is_shutting_down {
            socket.close(CloseCode::GOING_AWAY, "The server is shutting down");
        }
        drop(state);
        self.id = Some(id);
        socket
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.sockets.lock();
        state.places -= 1;
        let ended = self.id.and_then(|id| state.open.remove(&id));
        let is_empty = state.open.is_empty();
        drop(state);
        if let Some(Open { socket, channels }) = ended {
            for channel in channels {
                self.sockets.channels.unsubscribe(&channel, socket.id());
            }
        }
        if is_empty {
            self.sockets.emptied.notify_waiters();
        }
    }
}
