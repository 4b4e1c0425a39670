//! Messages on their way to other processes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use super::transport::Overflow;

/// Messages and bytes that wait at most.
const MAX_WAITING: usize = 50_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A message as it will be sent.
pub(super) trait Outgoing {
    /// Its length in bytes.
    fn len(&self) -> usize;
}

/// A bounded queue that one task empties.
pub(super) struct Outbox<Item> {
    /// What to look at when too many wait.
    reason: &'static str,
    waiting: Mutex<Waiting<Item>>,
    /// Told when something waits.
    pushed: Notify,
    /// Told when something was sent.
    sent: Notify,
    /// Messages that were taken since the beginning, and those that are done with.
    taken: AtomicUsize,
    done: AtomicUsize,
}

struct Waiting<Item> {
    items: VecDeque<Item>,
    bytes: usize,
}

impl<Item: Outgoing> Outbox<Item> {
    pub(super) fn new(reason: &'static str) -> Outbox<Item> {
        Outbox {
            reason,
            waiting: Mutex::new(Waiting {
                items: VecDeque::new(),
                bytes: 0,
            }),
            pushed: Notify::new(),
            sent: Notify::new(),
            taken: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
        }
    }

    /// Takes a message; never waits.
    pub(super) fn push(&self, item: Item) -> Result<(), Overflow> {
        let mut waiting = self.lock();
        if waiting.items.len() >= MAX_WAITING || waiting.bytes + item.len() > MAX_BYTES {
            return Err(Overflow {
                waiting: waiting.items.len(),
                reason: self.reason,
            });
        }
        waiting.bytes += item.len();
        waiting.items.push_back(item);
        // Under the lock, so that nobody can be done with it before.
        self.taken.fetch_add(1, Ordering::SeqCst);
        drop(waiting);
        self.pushed.notify_one();
        Ok(())
    }

    /// The next messages, as many as `count` says; waits until there are any.
    pub(super) async fn next(&self, count: impl Fn(&VecDeque<Item>) -> usize) -> Vec<Item> {
        loop {
            let pushed = self.pushed.notified();
            {
                let mut waiting = self.lock();
                if !waiting.items.is_empty() {
                    let count = count(&waiting.items).clamp(1, waiting.items.len());
                    let next: Vec<_> = waiting.items.drain(..count).collect();
                    waiting.bytes -= next.iter().map(Item::len).sum::<usize>();
                    return next;
                }
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

    fn lock(&self) -> MutexGuard<'_, Waiting<Item>> {
        self.waiting
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}
