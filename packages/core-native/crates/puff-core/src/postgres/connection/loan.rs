//! Who reads the socket: the runtime, or the event loop of whoever waits for the answer.
//!
//! A socket is lent while one statement at a time runs on it for the same event loop. Anything else
//! brings it back to the runtime: another caller, a second statement in flight, a cancel request, a
//! socket that does not take what is written, an answer that is more than a buffer, the end.

use std::sync::Arc;

use super::handle::Connection;
use super::state::State;
use super::work::{Cancelling, Work};
use crate::event_loop::EventLoop;

/// For how many statements a connection stays with the runtime after an answer that JavaScript's thread
/// should not have read.
const REST: u32 = 64;

/// The event loop that a socket is lent to.
pub(super) struct Reader {
    event_loop: Arc<dyn EventLoop>,
    watch: u32,
}

impl State {
    /// Lends the socket or brings it back, as what is in flight wants it; true if the task has to read
    /// from now on.
    pub(super) fn choose_reader(&mut self, connection: &Arc<Connection>, is_written: bool) -> bool {
        let is_idle = self.in_flight.is_empty() && self.backlog.is_empty();
        if is_idle && !self.is_closing && self.read_error.is_none() {
            return false;
        }
        match (&self.reader, self.wanted_reader()) {
            (None, None) => false,
            (None, Some(_)) if self.unlendable > 0 => {
                self.unlendable -= 1;
                false
            }
            (None, Some(event_loop)) => {
                if is_written && event_loop.is_current() {
                    self.lend_socket(connection, event_loop.clone());
                }
                // Where that failed the task has to see to it.
                self.reader.is_none() && is_written
            }
            (Some(reader), Some(event_loop))
                if Arc::ptr_eq(&reader.event_loop, event_loop) && self.write.is_empty() =>
            {
                false
            }
            (Some(_), _) => {
                self.return_to_runtime();
                true
            }
        }
    }

    /// The event loop that waits for the only statement in flight.
    fn wanted_reader(&self) -> Option<&Arc<dyn EventLoop>> {
        let is_plain = self.in_flight.len() == 1
            && self.backlog.is_empty()
            && !self.is_closing
            && self.read_error.is_none()
            && (self.reader.is_none() || self.unlendable == 0)
            && matches!(self.cancelling, Cancelling::No);
        match self.in_flight.front() {
            Some(head) if is_plain => match &head.work {
                Work::Request(request) => request.event_loop.as_ref(),
                _ => None,
            },
            _ => None,
        }
    }

    fn lend_socket(&mut self, connection: &Arc<Connection>, event_loop: Arc<dyn EventLoop>) {
        match self.stream.lend() {
            Ok(true) => {}
            Ok(false) => self.unlendable = REST,
            Err(error) => self.read_error = Some(error),
        }
        let Some(socket) = self.stream.lent() else {
            return;
        };
        let connection = Arc::downgrade(connection);
        match event_loop.watch(socket, connection) {
            Some(watch) => self.reader = Some(Reader { event_loop, watch }),
            None => {
                self.unlendable = REST;
                self.take_back();
            }
        }
    }

    /// Lets the runtime read again; its task has to be woken.
    pub(super) fn return_to_runtime(&mut self) {
        let Some(reader) = self.reader.take() else {
            return;
        };
        reader.event_loop.unwatch(reader.watch);
        self.take_back();
    }

    fn take_back(&mut self) {
        if let Err(error) = self.stream.take_back() {
            self.read_error.get_or_insert(error);
        }
    }

    /// Reads a lent socket once; errors, and answers that fill the buffer, are left to the task.
    pub(super) fn read_lent(&mut self, connection: &Arc<Connection>) {
        if self.reader.is_none() {
            return;
        }
        let read = self.read.fill_lent(&self.stream);
        let result = match read {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return,
            Err(error) => Err(error),
            Ok(is_all) => self.on_bytes(connection).map(|()| is_all),
        };
        match result {
            Ok(true) => {}
            Ok(false) => self.unlendable = REST,
            Err(error) => self.read_error = Some(error),
        }
    }
}
