//! What becomes of unfinished work when a connection has ended.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use super::state::State;
use super::work::{Command, Delivery, Owner, Work};
use crate::postgres::error::{Error, ServerError};
use crate::postgres::pool::Job;
use crate::postgres::session::Event;

/// A statement that was terminated before this time can hardly have begun to run: it was on its way
/// when the server shut down, and is repeated. Later ones were stopped on purpose.
const UNSTARTED: Duration = Duration::from_millis(100);

/// How often a request is repeated beside what dead connections cost it: every one of the pool may have
/// died and not know it yet.
pub(super) const MAX_ATTEMPTS: usize = 5;

impl State {
    /// Settles everything that is left when the connection has ended.
    pub(super) fn settle_all(&mut self, commands: VecDeque<Command>, end: io::Result<()>) {
        // The server may close its side before we have seen that ours is done.
        let is_orderly = end.is_ok() || self.is_closing;
        // A process that ends with something unread in its socket resets the connection, and its last
        // words are lost: what it had not read has not begun.
        let was_reset = matches!(
            &end,
            Err(error) if matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            )
        );
        let reason = match (&self.fatal, end) {
            (Some(fatal), _) => format!("{} (SQLSTATE {})", fatal.message, fatal.sqlstate),
            (None, Err(error)) if error.kind() != io::ErrorKind::UnexpectedEof => error.to_string(),
            (None, _) => "the server closed the connection".into(),
        };
        let last_words = self.fatal.as_ref();
        let was_terminated = last_words.is_some_and(ServerError::is_orderly_termination);
        let has_crashed = last_words.is_some_and(ServerError::is_crash_of_another);
        let is_unsent = self.written == 0 && !self.write.is_empty();
        let is_pooled = matches!(self.owner, Owner::Pool);
        for (index, item) in std::mem::take(&mut self.in_flight).into_iter().enumerate() {
            // Behind one that was not answered: it can hardly have run, and would have changed nothing.
            let is_waiting_read = index > 0 && item.pace.is_some_and(|pace| pace.is_plain_read());
            let is_untouched = is_unsent
                || is_waiting_read
                || was_terminated && !item.has_rows && item.sent.elapsed() < UNSTARTED
                || (has_crashed || was_reset) && item.work.is_read();
            self.settle(item.work, is_pooled && is_untouched, &reason);
        }
        for work in std::mem::take(&mut self.backlog) {
            self.settle(work, is_pooled, &reason);
        }
        let error = self.fatal.clone().map(Box::new);
        self.notify(|| Event::Lost {
            is_orderly,
            reason: reason.clone(),
            error,
        });
        for command in commands {
            match command {
                Command::Start(Job::Run(request)) => {
                    self.settle(Work::Request(request), true, &reason);
                }
                Command::Start(Job::RunAll(requests)) => {
                    for request in requests {
                        self.settle(Work::Request(Box::new(request)), true, &reason);
                    }
                }
                Command::Start(Job::Checkout(checkout)) => {
                    self.settle(Work::Begin(checkout), true, &reason);
                }
                Command::Run(request) => self.settle(Work::Request(request), false, &reason),
                Command::RawWrite(_)
                | Command::CheckCancelled
                | Command::Release
                | Command::Close => {}
            }
        }
    }

    pub(super) fn settle(&mut self, work: Work, did_nothing: bool, reason: &str) {
        let most = self.pool.config.max_connections + MAX_ATTEMPTS;
        match work {
            // A transaction that never came to be can always begin elsewhere.
            Work::Begin(mut checkout) if checkout.attempts < most => {
                checkout.attempts += 1;
                self.deliveries
                    .push(Delivery::Requeue(Job::Checkout(checkout)));
            }
            Work::Request(mut request) if did_nothing && request.attempts < most => {
                request.attempts += 1;
                self.deliveries.push(Delivery::Requeue(Job::Run(request)));
            }
            work => self.fail(
                work,
                Error::ConnectionLost {
                    reason: reason.into(),
                    server: self.fatal.clone().map(Box::new),
                },
            ),
        }
    }

    pub(super) fn fail(&mut self, work: Work, error: Error) {
        match work {
            Work::Request(request) => self.deliveries.push(Delivery::Answer(request, Err(error))),
            Work::Begin(checkout) => self
                .deliveries
                .push(Delivery::Session(checkout, Err(error))),
            Work::Rollback => {}
        }
    }
}
