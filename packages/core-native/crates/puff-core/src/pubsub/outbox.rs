//! Messages on their way to other processes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use super::transport::Overflow;

/// Messages and bytes that wait at most.
const MAX_WAITING: usize = 50_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Messages that go to the server at once.
#[derive(Default)]
pub(super) struct Parcel<Contents> {
    /// The messages as they are sent, in their order.
    pub(super) contents: Contents,
    /// How many they are.
    pub(super) messages: usize,
    /// Their lengths together.
    pub(super) bytes: usize,
}

/// A message that is put into a parcel.
pub(super) trait Outgoing {
    /// What it becomes a part of.
    type Contents;

    /// Its length in bytes.
    fn len(&self) -> usize;

    /// Whether it may be sent together with those.
    fn fits(&self, parcel: &Parcel<Self::Contents>) -> bool;

    /// Adds it.
    fn put_into(self, contents: &mut Self::Contents);
}

/// A bounded queue that one task empties.
pub(super) struct Outbox<Contents> {
    /// What to look at when too many wait.
    reason: &'static str,
    waiting: Mutex<Waiting<Contents>>,
    /// Told when something waits.
    pushed: Notify,
    /// Told when something was sent.
    sent: Notify,
    /// Messages that were taken since the beginning, and those that are done with.
    taken: AtomicUsize,
    done: AtomicUsize,
}

#[derive(Default)]
struct Waiting<Contents> {
    parcels: VecDeque<Parcel<Contents>>,
    messages: usize,
    bytes: usize,
}

impl<Contents: Default> Outbox<Contents> {
    pub(super) fn new(reason: &'static str) -> Outbox<Contents> {
        Outbox {
            reason,
            waiting: Mutex::default(),
            pushed: Notify::new(),
            sent: Notify::new(),
            taken: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
        }
    }

    /// Takes a message; never waits.
    pub(super) fn push(&self, message: impl Outgoing<Contents = Contents>) -> Result<(), Overflow> {
        let mut waiting = self.lock();
        if waiting.messages >= MAX_WAITING || waiting.bytes + message.len() > MAX_BYTES {
            return Err(Overflow {
                waiting: waiting.messages,
                reason: self.reason,
            });
        }
        let was_empty = waiting.messages == 0;
        waiting.add(message);
        // Under the lock, so that nobody can be done with it before.
        self.taken.fetch_add(1, Ordering::SeqCst);
        drop(waiting);
        if was_empty {
            self.pushed.notify_one();
        }
        Ok(())
    }

    /// The next messages; waits until there are any.
    pub(super) async fn next(&self) -> Parcel<Contents> {
        loop {
            let pushed = self.pushed.notified();
            if let Some(parcel) = self.lock().take() {
                return parcel;
            }
            pushed.await;
        }
    }

    /// So many were sent, or given up.
    pub(super) fn finish(&self, count: usize) {
        self.done.fetch_add(count, Ordering::SeqCst);
        self.sent.notify_waiters();
    }

    /// Resolves when everything that was pushed until now is done with.
    pub(super) async fn flushed(&self) {
        let target = self.taken.load(Ordering::SeqCst);
        loop {
            let sent = self.sent.notified();
            if self.done.load(Ordering::SeqCst) >= target {
                return;
            }
            sent.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<Contents>> {
        self.waiting
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl<Contents: Default> Waiting<Contents> {
    fn add(&mut self, message: impl Outgoing<Contents = Contents>) {
        let len = message.len();
        self.messages += 1;
        self.bytes += len;
        if self.parcels.back().is_none_or(|last| !message.fits(last)) {
            self.parcels.push_back(Parcel::default());
        }
        if let Some(last) = self.parcels.back_mut() {
            message.put_into(&mut last.contents);
            last.messages += 1;
            last.bytes += len;
        }
    }

    fn take(&mut self) -> Option<Parcel<Contents>> {
        let parcel = self.parcels.pop_front()?;
        self.messages -= parcel.messages;
        self.bytes -= parcel.bytes;
        Some(parcel)
    }
}
