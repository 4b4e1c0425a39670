//! Statements of one caller that have one Sync, hence one transaction and one answer on the wire.
//!
//! That saves the server a transaction and a write for each. When one fails the server skips those after it
//! and undoes what those before it did: so only plain reads have a Sync in common, and what was skipped is
//! sent again.

use super::state::State;
use super::work::Work;
use crate::postgres::frontend;
use crate::postgres::request::Request;

impl State {
    /// Takes requests that go to the server together.
    pub(super) fn accept_all(&mut self, requests: Vec<Request>) {
        for mut request in requests {
            request.shares_sync = true;
            self.backlog.push_back(Work::Request(Box::new(request)));
        }
    }

    /// Whether a statement can follow the last in flight without a Sync between them: the server must know it,
    /// for what it makes of a new one has to be waited for.
    pub(super) fn can_share_sync(&self, work: &Work) -> bool {
        match work {
            Work::Request(request) if request.shares_sync => request
                .sql()
                .is_some_and(|sql| self.statements.has_plain_read(sql)),
            _ => false,
        }
    }

    /// Writes the Sync that the last in flight has in common with those before it.
    pub(super) fn put_owed_sync(&mut self) {
        if !std::mem::take(&mut self.owes_sync) {
            return;
        }
        frontend::sync(&mut self.write);
        if let Some(last) = self.in_flight.back_mut() {
            last.has_sync = true;
        }
    }

    /// Hands over the answer that is complete, if its Sync comes later.
    pub(super) fn finish_without_sync(&mut self) {
        let is_ended = self.in_flight.front().is_some_and(|head| !head.has_sync);
        if is_ended && let Some(head) = self.in_flight.pop_front() {
            self.note_pace(&head);
            self.finish(head);
            self.check_cancelled();
        }
    }

    /// Lets those run again, each by itself, that the server skipped after the error of one before them.
    pub(super) fn take_back_skipped(&mut self) {
        let mut skipped = Vec::new();
        while let Some(next) = self.in_flight.pop_front() {
            let is_last = next.has_sync;
            skipped.push(next.work);
            if is_last {
                break;
            }
        }
        for mut work in skipped.into_iter().rev() {
            if let Work::Request(request) = &mut work {
                request.shares_sync = false;
            }
            self.backlog.push_front(work);
        }
    }
}
