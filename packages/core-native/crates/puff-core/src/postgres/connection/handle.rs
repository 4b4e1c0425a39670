//! A connection as others see it, and the task that drives it.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::BytesMut;

use super::read_buffer::ReadBuffer;
use super::state::State;
use super::work::{Cancelling, Command, Delivery, Owner, Step};
use crate::event_loop::Readable;
use crate::postgres::connect::Established;
use crate::postgres::pool::Shared;
use crate::postgres::session::Session;
use crate::postgres::statement::StatementCache;

/// A connection as others see it: they send commands.
pub(crate) struct Connection {
    pool: Arc<Shared>,
    /// Of the server process at the other end.
    process_id: i32,
    mailbox: Mutex<Mailbox>,
    state: Mutex<State>,
}

#[derive(Default)]
struct Mailbox {
    commands: VecDeque<Command>,
    is_closed: bool,
    /// Of the task, since it was last polled.
    waker: Option<Waker>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Connection")
    }
}

impl Connection {
    pub(crate) fn new(pool: Arc<Shared>, established: Established) -> Arc<Connection> {
        let statements = StatementCache::new(pool.config.statement_cache_size);
        Arc::new(Connection {
            pool: pool.clone(),
            process_id: established.cancel_key.process_id,
            mailbox: Mutex::default(),
            state: Mutex::new(State {
                pool,
                stream: established.stream,
                read: ReadBuffer::with(&established.read),
                write: BytesMut::new(),
                written: 0,
                cancel_key: established.cancel_key,
                statements,
                cursors: HashMap::new(),
                in_flight: VecDeque::new(),
                owes_sync: false,
                backlog: VecDeque::new(),
                deliveries: Vec::new(),
                owner: Owner::Pool,
                is_transaction: false,
                listener: None,
                status: b'I',
                cancelling: Cancelling::No,
                cancelled: None,
                reader: None,
                unlendable: 0,
                read_error: None,
                fatal: None,
                is_closing: false,
                opened: Instant::now(),
                answered: Instant::now(),
            }),
        })
    }

    /// Gives the connection a command and does as much of it as can be done here and now.
    ///
    /// # Errors
    /// The command, when the connection has ended.
    pub(crate) fn send(self: &Arc<Self>, command: Command) -> Result<(), Command> {
        {
            let mut mailbox = self.mailbox();
            if mailbox.is_closed {
                return Err(command);
            }
            mailbox.commands.push_back(command);
        }
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            // The task has it and may have looked at the mailbox already.
            Err(TryLockError::WouldBlock) => {
                self.wake();
                return Ok(());
            }
            Err(TryLockError::Poisoned(_)) => return Ok(()),
        };
        self.take_commands(&mut state);
        self.end_turn(state);
        Ok(())
    }

    /// Writes what can be written, leaves the rest to the task and hands over what is done.
    fn end_turn(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let is_written = state.try_write();
        let is_read_by_runtime = state.choose_reader(self, is_written);
        let is_done = is_written && !state.is_closing && !state.has_new_cancelling();
        let deliveries = std::mem::take(&mut state.deliveries);
        drop(state);
        if !is_done || is_read_by_runtime {
            self.wake();
        }
        self.deliver(deliveries);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.mailbox().is_closed
    }

    pub(crate) fn transaction_status(&self) -> char {
        self.lock().status.into()
    }

    /// Serves the pool until the connection ends.
    pub(crate) async fn run(self: Arc<Self>) {
        let guard = EndGuard(self.clone());
        {
            let mut state = self.lock();
            state.advance(&self);
            let deliveries = std::mem::take(&mut state.deliveries);
            drop(state);
            self.deliver(deliveries);
        }
        let end = poll_fn(|context| self.poll(context)).await;
        guard.0.give_up(end);
    }

    fn poll(self: &Arc<Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.is_closed() {
                return Poll::Ready(Ok(()));
            }
            let mut state = self.lock();
            self.keep_waker(context.waker());
            self.take_commands(&mut state);
            state.choose_reader(self, false);
            let step = state.step(self, context);
            let deliveries = std::mem::take(&mut state.deliveries);
            drop(state);
            self.deliver(deliveries);
            match step {
                Ok(Step::Progress) => {}
                Ok(Step::Waiting) => return Poll::Pending,
                Ok(Step::Closed) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn keep_waker(&self, waker: &Waker) {
        let mut mailbox = self.mailbox();
        if !mailbox
            .waker
            .as_ref()
            .is_some_and(|kept| kept.will_wake(waker))
        {
            mailbox.waker = Some(waker.clone());
        }
    }

    fn take_commands(self: &Arc<Self>, state: &mut State) {
        loop {
            let command = self.mailbox().commands.pop_front();
            match command {
                Some(command) => state.on_command(self, command),
                None => return,
            }
        }
    }

    fn deliver(self: &Arc<Self>, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            match delivery {
                Delivery::Answer(request, outcome) => request.finish(outcome),
                Delivery::Session(checkout, result) => {
                    let process_id = self.process_id;
                    checkout.finish(result.map(|()| Session::new(self.clone(), process_id)));
                }
                Delivery::Requeue(job) => self.pool.requeue(job),
                Delivery::Event(listener, event) => listener.notify(event),
            }
        }
    }

    /// Settles everything that is left when the connection has ended.
    fn give_up(self: &Arc<Self>, end: io::Result<()>) {
        let commands = {
            let mut mailbox = self.mailbox();
            if mailbox.is_closed {
                return;
            }
            mailbox.is_closed = true;
            std::mem::take(&mut mailbox.commands)
        };
        let deliveries = {
            let mut state = self.lock();
            state.return_to_runtime();
            state.settle_all(commands, end);
            std::mem::take(&mut state.deliveries)
        };
        self.deliver(deliveries);
    }

    fn wake(&self) {
        let waker = self.mailbox().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Readable for Connection {
    fn read_here(self: Arc<Self>) {
        let read = catch_unwind(AssertUnwindSafe(|| {
            // Where the task has it, the loop calls again as long as there is something to read.
            if let Ok(mut state) = self.state.try_lock() {
                state.read_lent(&self);
                self.take_commands(&mut state);
                self.end_turn(state);
            }
        }));
        if read.is_err() {
            self.give_up(Err(io::Error::other("reading an answer panicked")));
            self.wake();
        }
    }

    fn return_to_runtime(self: Arc<Self>) {
        self.lock().return_to_runtime();
        self.wake();
    }
}

/// Settles what is left even if the task panics.
struct EndGuard(Arc<Connection>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0
            .give_up(Err(io::Error::other("the task of the connection panicked")));
    }
}
