//! Sockets that are given what is published on channels, without JavaScript.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use puff_core::pubsub::{Kind, Message, Payload, Subscriber, Subscription, hub};
use puff_core::runtime;

use super::close::CloseCode;
use super::frame::Frame;
use super::handle::SocketHandle;
use crate::fan_out::for_all;

/// To so many sockets the publisher delivers itself; a task delivers to more, so that an isolate that
/// publishes is not held up.
const INLINE: usize = 32;

/// Messages that wait for that task; when there are more, they are dropped, which is a gap.
const MAX_QUEUED: usize = 10_000;

/// What becomes of a socket that may have missed messages of a channel, because the way to other processes was
/// broken for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnGap {
    /// It is closed with 1013, so that its client connects again and asks for the present state.
    Close,
    /// Nothing.
    Ignore,
}

/// The channels that sockets of a server subscribe to.
#[derive(Default)]
pub(super) struct Channels(Mutex<HashMap<Arc<str>, Arc<Group>>>);

/// The sockets of one channel: one subscriber of the hub, so that a message is encoded once for all.
#[derive(Default)]
struct Group(Arc<Mutex<Members>>);

#[derive(Default)]
struct Members {
    /// The group's place in the hub; ends with the last socket.
    subscription: Option<Subscription>,
    sockets: HashMap<u64, SocketHandle>,
    /// Sockets that do not mind having missed something.
    careless: HashSet<u64>,
    /// The sockets as deliveries see them; none after a change.
    listed: Option<Arc<[SocketHandle]>>,
    /// What a task is to deliver, or is delivering.
    queue: VecDeque<Arc<Payload>>,
    is_delivering: bool,
}

impl Channels {
    /// Gives a socket what is published on a channel, once however often it is called.
    pub(super) fn subscribe(&self, channel: &Arc<str>, socket: &SocketHandle, on_gap: OnGap) {
        let mut groups = self.lock();
        let group = groups.entry(channel.clone()).or_insert_with(|| {
            let group = Arc::new(Group::default());
            lock(&group.0).subscription = Some(hub().subscribe(channel, group.clone()));
            group
        });
        let mut members = lock(&group.0);
        members.sockets.insert(socket.id(), socket.clone());
        if on_gap == OnGap::Ignore {
            members.careless.insert(socket.id());
        }
        members.listed = None;
    }

    /// Ends [`Channels::subscribe`].
    pub(super) fn unsubscribe(&self, channel: &str, socket: u64) {
        let mut groups = self.lock();
        let Some(group) = groups.get(channel).cloned() else {
            return;
        };
        let mut members = lock(&group.0);
        let removed = members.sockets.remove(&socket);
        members.careless.remove(&socket);
        let listed = members.listed.take();
        let mut ended = None;
        if members.sockets.is_empty() {
            ended = members.subscription.take();
            groups.remove(channel);
        }
        drop(members);
        drop(groups);
        // After the locks: the hub has one of its own.
        drop((ended, removed, listed));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Group>>> {
        lock(&self.0)
    }
}

impl Subscriber for Group {
    fn deliver(&self, _channel: &Arc<str>, message: &Message<'_>) {
        let mut members = lock(&self.0);
        if !members.is_delivering && members.sockets.len() <= INLINE {
            // Under the lock, so that messages of two publishers come in one order everywhere.
            let frame = frame_of(message.kind(), message.bytes());
            for socket in members.sockets.values() {
                socket.send(&frame);
            }
            return;
        }
        if members.queue.len() >= MAX_QUEUED {
            members.queue.clear();
            drop(members);
            return self.gap();
        }
        members.queue.push_back(message.keep().clone());
        if !std::mem::replace(&mut members.is_delivering, true) {
            runtime::spawn(deliver_queue(self.0.clone()));
        }
    }

    fn gap(&self) {
        let members = lock(&self.0);
        let mut careful = members.sockets.values().cloned().collect::<Vec<_>>();
        careful.retain(|socket| !members.careless.contains(&socket.id()));
        drop(members);
        for socket in careful {
            socket.close(CloseCode::TRY_AGAIN, "Messages may have been missed");
        }
    }
}

async fn deliver_queue(group: Arc<Mutex<Members>>) {
    loop {
        let (payload, sockets) = {
            let mut members = lock(&group);
            let Some(payload) = members.queue.pop_front() else {
                members.is_delivering = false;
                return;
            };
            (payload, members.list())
        };
        let frame = frame_of(payload.kind, &payload.bytes);
        for_all(sockets, move |socket| {
            socket.send_now(&frame);
        })
        .await;
        tokio::task::yield_now().await;
    }
}

impl Members {
    fn list(&mut self) -> Arc<[SocketHandle]> {
        let sockets = &self.sockets;
        self.listed
            .get_or_insert_with(|| sockets.values().cloned().collect())
            .clone()
    }
}

/// A message of the hub for sockets; a JSON text goes as the text that it is.
fn frame_of(kind: Kind, bytes: &[u8]) -> Frame {
    match kind {
        Kind::Text | Kind::Json => Frame::text(&String::from_utf8_lossy(bytes)),
        Kind::Binary => Frame::binary(bytes),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}
