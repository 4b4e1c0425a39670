//! A connection as others see it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::task::Waker;
use std::time::Duration;

use super::driver;
use super::state::Wire;
use super::work::{Batch, Listener, Work};
use crate::redis::config::Config;
use crate::redis::error::Error;
use crate::redis::numbers::{Counters, counters_of};
use crate::runtime;

/// One connection to a server; cheap to clone. It opens nothing before its first use, reconnects after losses and ends
/// when it is closed or its retries are used up.
#[derive(Clone)]
pub struct Connection(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) counters: Arc<Counters>,
    pub(super) listener: Arc<dyn Listener>,
    pub(super) mailbox: Mutex<Mailbox>,
    pub(super) wire: Mutex<Wire>,
}

/// What senders and the driver share; locked for moments only.
#[derive(Default)]
pub(super) struct Mailbox {
    pub(super) work: VecDeque<Work>,
    /// Commands without an answer.
    pub(super) outstanding: usize,
    /// Why nothing is taken now.
    pub(super) refusal: Option<Error>,
    pub(super) has_begun: bool,
    pub(super) is_ready: bool,
    pub(super) is_closed: bool,
    /// The session must be given up.
    pub(super) is_broken: bool,
    /// The listener's answer to when the next attempt is: none for never.
    pub(super) retry: Option<Option<Duration>>,
    /// Of the driver, since it was last polled.
    pub(super) waker: Option<Waker>,
}

impl Connection {
    /// A connection that has not begun.
    pub fn new(config: Config, listener: Arc<dyn Listener>) -> Connection {
        let counters = counters_of(&config.server());
        let wire = Mutex::new(Wire::new(config.resends, counters.clone()));
        Connection(Arc::new(Shared {
            config,
            counters,
            listener,
            mailbox: Mutex::default(),
            wire,
        }))
    }

    /// Begins to connect, unless it has begun.
    pub fn connect(&self) {
        let mut mailbox = self.0.mailbox();
        if !mailbox.has_begun && !mailbox.is_closed {
            mailbox.has_begun = true;
            drop(mailbox);
            runtime::spawn(driver::drive(self.0.clone()));
        }
    }

    /// Sends a batch, from this thread where the socket takes it; otherwise it waits its turn.
    ///
    /// # Errors
    /// Nothing of the batch was or will be sent: the connection is closed, has been away for too long, or
    /// too many commands wait.
    pub fn send(&self, batch: Batch) -> Result<(), Error> {
        let commands = batch.commands as usize;
        {
            let mut mailbox = self.0.mailbox();
            if let Some(refusal) = &mailbox.refusal {
                return Err(refusal.clone());
            }
            if !mailbox.is_ready && !self.0.config.has_offline_queue {
                return Err(Error::Connect {
                    address: self.0.config.address(),
                    reason: "there is no connection, and commands do not wait for one".into(),
                    system_code: None,
                });
            }
            if mailbox.outstanding >= self.0.config.max_waiting {
                return Err(Error::TooManyWaiting(mailbox.outstanding));
            }
            mailbox.outstanding += commands;
            self.0.counters.taken(commands);
            mailbox.work.push_back(Work::new(batch));
        }
        self.connect();
        let mut wire = match self.0.wire.try_lock() {
            Ok(wire) => wire,
            // The driver has it and may have looked at the mailbox already.
            Err(TryLockError::WouldBlock) => {
                self.0.wake();
                return Ok(());
            }
            Err(TryLockError::Poisoned(_)) => return Ok(()),
        };
        if wire.stream.is_none() {
            drop(wire);
            self.0.wake();
            return Ok(());
        }
        self.0.take_work(&mut wire);
        let has_unwritten = wire.has_unwritten();
        drop(wire);
        if has_unwritten {
            self.0.wake();
        }
        Ok(())
    }

    /// Answers [`StateChange`](super::StateChange)s without a delay: when to try again, none for never.
    pub fn retry(&self, delay: Option<Duration>) {
        self.0.mailbox().retry = Some(delay);
        self.0.wake();
    }

    /// Gives the session up and opens another one.
    pub fn reconnect(&self) {
        self.0.mailbox().is_broken = true;
        self.0.wake();
    }

    /// Ends it: what is under way or waits fails.
    pub fn close(&self) {
        {
            let mut mailbox = self.0.mailbox();
            mailbox.is_closed = true;
            mailbox.refusal = Some(Error::Ended);
            if !mailbox.has_begun {
                mailbox.has_begun = true;
                drop(mailbox);
                // Nothing was sent, so that nobody waits; the listener hears of the end.
                self.0.finish(&Error::Ended);
                return;
            }
        }
        self.0.wake();
    }

    /// Whether commands go out at once.
    pub fn is_ready(&self) -> bool {
        self.0.mailbox().is_ready
    }

    /// Whether it has ended for good.
    pub fn is_closed(&self) -> bool {
        self.0.mailbox().is_closed
    }

    /// Commands without an answer.
    pub fn outstanding(&self) -> usize {
        self.0.mailbox().outstanding
    }

    /// What it was made of.
    pub fn config(&self) -> &Config {
        &self.0.config
    }
}

impl Shared {
    pub(super) fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    pub(super) fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    pub(super) fn wake(&self) {
        let waker = self.mailbox().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn take_work(&self, wire: &mut Wire) {
        loop {
            let work = self.mailbox().work.pop_front();
            match work {
                Some(work) => wire.accept(work),
                None => return,
            }
        }
    }

    /// Commands have got their answers.
    pub(super) fn settle(&self, commands: usize) {
        if commands > 0 {
            self.counters.ended(commands);
            let mut mailbox = self.mailbox();
            mailbox.outstanding = mailbox.outstanding.saturating_sub(commands);
        }
    }
}
