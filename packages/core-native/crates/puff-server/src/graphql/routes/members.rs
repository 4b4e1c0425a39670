//! The isolates of a route, and the clients that stay connected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::graphql::client::Clients;
use crate::graphql::event_stream::EventStream;
use crate::graphql::subscriptions::Outbox;
use crate::script::Exchanges;
use crate::websocket::{CloseCode, SocketHandle};

/// An isolate that has loaded a route.
pub struct RouteMember {
    /// Tells isolates apart.
    pub isolate: Arc<Exchanges>,
    /// Asks it about clients and their operations.
    pub clients: Arc<dyn Clients>,
}

/// The isolates of a route.
#[derive(Default)]
pub(super) struct Members {
    all: Mutex<Vec<Arc<Member>>>,
    streams: Mutex<Vec<Weak<Outbox>>>,
}

/// An isolate, and the sockets whose operations it is asked about.
pub(super) struct Member {
    isolate: Arc<Exchanges>,
    pub(super) clients: Arc<dyn Clients>,
    sockets: Mutex<HashMap<u64, SocketHandle>>,
}

/// A socket's place with an isolate; given up when dropped.
pub(in crate::graphql) struct Place {
    member: Arc<Member>,
    socket: Option<u64>,
}

impl Members {
    pub(super) fn add(&self, RouteMember { isolate, clients }: RouteMember) {
        let member = Arc::new(Member {
            isolate,
            clients,
            sockets: Mutex::default(),
        });
        let mut all = lock(&self.all);
        let known = all
            .iter_mut()
            .find(|known| Arc::ptr_eq(&known.isolate, &member.isolate));
        match known {
            // It has loaded the route again.
            Some(known) => {
                let replaced = std::mem::replace(known, member);
                drop(all);
                replaced.close_sockets("The route was loaded again");
            }
            None => all.push(member),
        }
    }

    /// Removes an isolate; true if none is left.
    pub(super) fn remove(&self, isolate: &Arc<Exchanges>) -> bool {
        let mut all = lock(&self.all);
        let place = all
            .iter()
            .position(|member| Arc::ptr_eq(&member.isolate, isolate));
        let removed = place.map(|place| all.swap_remove(place));
        let is_empty = all.is_empty();
        drop(all);
        if let Some(removed) = removed {
            removed.close_sockets("The isolate has ended");
        }
        is_empty
    }

    /// The route was replaced.
    pub(super) fn replace(&self) {
        let all = std::mem::take(&mut *lock(&self.all));
        for member in all {
            member.close_sockets("The route was loaded again");
        }
        self.end_streams();
    }

    /// The isolate that has least to do.
    pub(super) fn pick(&self) -> Option<Arc<Member>> {
        let all = lock(&self.all);
        match &all[..] {
            [only] => Some(only.clone()),
            _ => all
                .iter()
                .min_by_key(|member| lock(&member.sockets).len())
                .cloned(),
        }
    }

    /// Lets a stream be ended from here.
    pub(super) fn watch(&self, stream: &EventStream) {
        let mut streams = lock(&self.streams);
        if streams.len() == streams.capacity() {
            streams.retain(|stream| stream.strong_count() > 0);
        }
        streams.push(Arc::downgrade(stream.outbox()));
    }

    pub(super) fn end_streams(&self) {
        let streams = std::mem::take(&mut *lock(&self.streams));
        for outbox in streams.iter().filter_map(Weak::upgrade) {
            outbox.end();
        }
    }
}

impl Member {
    fn close_sockets(&self, reason: &str) {
        let sockets: Vec<_> = lock(&self.sockets).values().cloned().collect();
        for socket in sockets {
            socket.close(CloseCode::RESTART, reason);
        }
    }
}

impl Place {
    pub(super) fn new(member: Arc<Member>) -> Place {
        Place {
            member,
            socket: None,
        }
    }

    /// The socket is open.
    pub(in crate::graphql) fn open(&mut self, socket: &SocketHandle) {
        self.socket = Some(socket.id());
        lock(&self.member.sockets).insert(socket.id(), socket.clone());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(socket) = self.socket {
            lock(&self.member.sockets).remove(&socket);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}
