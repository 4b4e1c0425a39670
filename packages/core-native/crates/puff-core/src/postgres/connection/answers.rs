//! The receiving side: what the server's messages mean for what is in flight.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ending::MAX_ATTEMPTS;
use super::handle::Connection;
use super::state::State;
use super::work::{Cancelling, Delivery, InFlight, Owner, Phase, Work};
use crate::postgres::error::{Error, ServerError};
use crate::postgres::frontend::{self, Name};
use crate::postgres::message::{RowRef, next_frame};
use crate::postgres::pace::Pace;
use crate::postgres::packed::PackedLayout;
use crate::postgres::request::{Operation, Outcome, Request};
use crate::postgres::session::Event;
use crate::postgres::statement::{Prepared, Statement, parse_columns, parse_parameters};
use crate::postgres::types::Profile;

/// How late the signal of a cancel request can be.
const LATE_SIGNAL: Duration = Duration::from_secs(1);

impl State {
    pub(super) fn on_bytes(&mut self, connection: &Arc<Connection>) -> io::Result<()> {
        let mut read = std::mem::take(&mut self.read);
        let result = loop {
            match next_frame(read.filled()) {
                Ok(Some(frame)) => {
                    let (size, is_raw) = (frame.size, self.head_is_raw());
                    if is_raw
                        && let Some(InFlight {
                            work: Work::Request(request),
                            ..
                        }) = self.in_flight.front_mut()
                    {
                        request.sink.raw(&read.filled()[..size]);
                    }
                    let result = match is_raw {
                        true => self.on_raw_message(connection, frame.tag, frame.body),
                        false => self.on_message(connection, frame.tag, frame.body),
                    };
                    if let Err(what) = result {
                        break Err(what);
                    }
                    read.consume(size);
                }
                Ok(None) => break Ok(()),
                Err(what) => break Err(what),
            }
        };
        self.read = read;
        if self.head_is_raw()
            && let Some(InFlight {
                work: Work::Request(request),
                ..
            }) = self.in_flight.front_mut()
        {
            request.sink.pause();
        }
        result.map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what))
    }

    pub(super) fn head_is_raw(&self) -> bool {
        self.in_flight
            .front()
            .is_some_and(|head| head.work.is_raw())
    }

    /// The caller reads the messages itself; only the end of the exchange concerns the connection.
    pub(super) fn on_raw_message(
        &mut self,
        connection: &Arc<Connection>,
        tag: u8,
        body: &[u8],
    ) -> Result<(), &'static str> {
        match tag {
            b'Z' => self.on_ready(connection, body.first().copied().unwrap_or(b'I')),
            b'E' => {
                let error = ServerError::parse(body);
                if error.is_fatal() {
                    self.fatal = Some(error);
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn on_message(
        &mut self,
        connection: &Arc<Connection>,
        tag: u8,
        body: &[u8],
    ) -> Result<(), &'static str> {
        match tag {
            b'D' => self.on_row(body),
            b'Z' => self.on_ready(connection, body.first().copied().unwrap_or(b'I')),
            b'C' => self.on_command_complete(body),
            b'E' => self.on_error(body),
            b't' => {
                let parameters =
                    parse_parameters(body).ok_or("a malformed ParameterDescription")?;
                if let Some(InFlight {
                    phase:
                        Phase::Describing {
                            parameters: place, ..
                        },
                    ..
                }) = self.in_flight.front_mut()
                {
                    *place = Some(parameters);
                }
            }
            b'T' | b'n' if self.head_is_describing() => self.on_described(connection, tag, body)?,
            b's' => {
                if let Some(head) = self.in_flight.front_mut() {
                    head.outcome.is_suspended = true;
                }
            }
            b'G' => self.refuse_copy_in(),
            b'H' => self.set_error(Error::Unsupported(
                "COPY TO STDOUT cannot run here: its data would be lost",
            )),
            b'T' if self.head_is_simple() => self.on_simple_rows(body)?,
            b'I' if self.head_is_simple() => self.on_command_complete(b""),
            b'N' => self.on_notice(body),
            b'A' => {
                let event = Event::notification(body).ok_or("a malformed notification")?;
                self.notify(|| event);
            }
            b'S' => {
                let event = Event::parameter(body).ok_or("a malformed ParameterStatus")?;
                self.notify(|| event);
            }
            // Parse-, Bind- and CloseComplete, EmptyQueryResponse, NoData, descriptions of a
            // script's rows, COPY data that was refused.
            b'1' | b'2' | b'3' | b'I' | b'n' | b'T' | b'd' | b'c' => {}
            _ => return Err("a message of an unknown type"),
        }
        Ok(())
    }

    pub(super) fn on_notice(&mut self, body: &[u8]) {
        let notice = ServerError::parse(body);
        // The last words before a crash restart come as a warning.
        if notice.is_crash_of_another() {
            self.fatal = Some(notice.clone());
        }
        self.notify(|| Event::Notice(Box::new(notice)));
    }

    pub(super) fn notify(&mut self, event: impl FnOnce() -> Event) {
        if let Some(listener) = &self.listener {
            self.deliveries
                .push(Delivery::Event(listener.clone(), event()));
        }
    }

    pub(super) fn head_is_simple(&self) -> bool {
        self.in_flight
            .front()
            .is_some_and(|head| head.work.is_simple())
    }

    pub(super) fn on_simple_rows(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let columns = parse_columns(body).ok_or("a malformed RowDescription")?;
        let layout = PackedLayout::new(&columns, Profile::Text, self.pool.config.int8);
        if let Some(InFlight {
            work: Work::Request(request),
            ..
        }) = self.in_flight.front_mut()
        {
            request.sink.start(&Arc::new(layout));
        }
        Ok(())
    }

    pub(super) fn head_is_describing(&self) -> bool {
        self.in_flight
            .front()
            .is_some_and(|head| matches!(head.phase, Phase::Describing { .. }))
    }

    pub(super) fn on_row(&mut self, body: &[u8]) {
        let Some(head) = self.in_flight.front_mut() else {
            return;
        };
        head.has_rows = true;
        if head.error.is_none()
            && let Work::Request(request) = &mut head.work
            && !matches!(request.operation, Operation::Script { .. })
            && let Err(error) = request.sink.row(RowRef::new(body))
        {
            head.error = Some(error);
        }
    }

    pub(super) fn on_described(
        &mut self,
        connection: &Arc<Connection>,
        tag: u8,
        body: &[u8],
    ) -> Result<(), &'static str> {
        let columns = match tag {
            b'T' => parse_columns(body).ok_or("a malformed RowDescription")?,
            _ => Box::default(),
        };
        let Some(mut head) = self.in_flight.pop_front() else {
            return Ok(());
        };
        let phase = std::mem::replace(&mut head.phase, Phase::Executing);
        if let (Phase::Describing { name, parameters }, Work::Request(request)) =
            (phase, &mut head.work)
        {
            let parameters = parameters.unwrap_or_default();
            let statement = Arc::new(Statement::new(parameters, columns, self.pool.config.int8));
            let pace = Arc::new(Pace::new(request.sql().map_or("", |sql| sql)));
            let prepared = Prepared {
                name,
                statement,
                pace,
            };
            if let Operation::Query { sql, .. } | Operation::OpenCursor { sql, .. } =
                &request.operation
                && name != Name::UNNAMED
                && let Some(evicted) = self.statements.insert(sql.clone(), prepared.clone())
            {
                frontend::close_statement(&mut self.write, evicted);
            }
            let bound = match head.work.is_cancelled() {
                true => Err(Error::Cancelled),
                false => self.begin_rows(&mut head.work, &prepared),
            };
            if let Err(error) = bound {
                head.error = Some(error);
                frontend::sync(&mut self.write);
            }
            head.has_sync = !self.owes_sync;
        }
        self.in_flight.push_front(head);
        self.advance(connection);
        Ok(())
    }

    pub(super) fn begin_rows(&mut self, work: &mut Work, prepared: &Prepared) -> Result<(), Error> {
        self.put_bind(work, prepared)?;
        let Work::Request(request) = work else {
            return Ok(());
        };
        match request.operation {
            Operation::Query { profile, .. } => {
                request.sink.start(prepared.statement.layout(profile));
            }
            Operation::OpenCursor {
                cursor, profile, ..
            } => {
                let layout = prepared.statement.layout(profile);
                request.sink.start(layout);
                self.cursors.insert(cursor, layout.clone());
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn on_command_complete(&mut self, body: &[u8]) {
        let tag = String::from_utf8_lossy(body.strip_suffix(b"\0").unwrap_or(body));
        if matches!(&*tag, "DISCARD ALL" | "DEALLOCATE ALL") {
            self.statements.clear();
        }
        if self.status != b'I' && is_definition(&tag) {
            // A plan that the definition outdates would fail, and take the transaction with it.
            for name in self.statements.take_names() {
                frontend::close_statement(&mut self.write, name);
            }
        }
        let Some(head) = self.in_flight.front_mut() else {
            return;
        };
        let (command, row_count) = split_tag(&tag);
        head.outcome = Outcome {
            command: command.into(),
            row_count,
            is_suspended: false,
        };
        if let Work::Request(request) = &mut head.work
            && matches!(request.operation, Operation::Simple { .. })
            && head.error.is_none()
        {
            request.sink.end_statement(head.outcome.clone());
        }
        self.finish_without_sync();
    }

    pub(super) fn on_error(&mut self, body: &[u8]) {
        let error = ServerError::parse(body);
        if error.is_fatal() {
            self.fatal = Some(error);
            return;
        }
        if self.head_is_describing() {
            frontend::sync(&mut self.write);
            if let Some(head) = self.in_flight.front_mut() {
                head.phase = Phase::Executing;
            }
        }
        self.set_error(Error::Server(Box::new(error)));
    }

    pub(super) fn set_error(&mut self, error: Error) {
        if let Some(head) = self.in_flight.front_mut() {
            head.error.get_or_insert(error);
        }
    }

    pub(super) fn refuse_copy_in(&mut self) {
        let reason = "COPY FROM STDIN cannot run here: there is no data to send";
        frontend::copy_fail(&mut self.write, reason);
        // The server ignored the Sync that came while it waited for data.
        if let Some(InFlight {
            work: Work::Request(request),
            ..
        }) = self.in_flight.front()
            && !matches!(
                request.operation,
                Operation::Script { .. } | Operation::Simple { .. }
            )
        {
            frontend::sync(&mut self.write);
        }
        self.set_error(Error::Unsupported(reason));
    }

    pub(super) fn on_ready(&mut self, connection: &Arc<Connection>, status: u8) {
        self.status = status;
        if status == b'I' {
            self.cursors.clear();
        }
        if let Some(head) = self.in_flight.pop_front() {
            if !head.has_sync {
                self.take_back_skipped();
            }
            self.note_pace(&head);
            self.finish(head);
        }
        if let Cancelling::Waiting(_) = self.cancelling {
            self.cancelling = Cancelling::No;
        }
        self.check_cancelled();
        self.advance(connection);
    }

    /// Takes note of how long a statement ran whose answer is complete.
    pub(super) fn note_pace(&mut self, head: &InFlight) {
        let before = std::mem::replace(&mut self.answered, Instant::now());
        // Answers with one Sync come at once, whenever the server had them.
        if let Some(pace) = &head.pace
            && !head.work.shares_sync()
        {
            // It ran from when the one before it was done.
            pace.note(self.answered.duration_since(before.max(head.sent)));
        }
    }

    /// Hands a complete answer over.
    pub(super) fn finish(&mut self, mut head: InFlight) {
        match head.work {
            Work::Rollback => {}
            Work::Begin(checkout) => match head.error {
                None if checkout.is_cancelled() => self
                    .deliveries
                    .push(Delivery::Session(checkout, Err(Error::Cancelled))),
                None => self.lend(checkout),
                Some(error) => self
                    .deliveries
                    .push(Delivery::Session(checkout, Err(error))),
            },
            Work::Request(request) => {
                if let Some(Error::Server(error)) = &head.error {
                    if self.was_hit_by_mistake(&request, error) {
                        self.backlog.push_front(Work::Request(request));
                        return;
                    }
                    if self.is_stale(&request, error, head.was_cached)
                        && request.attempts < MAX_ATTEMPTS
                    {
                        let mut request = request;
                        request.attempts += 1;
                        self.backlog.push_front(Work::Request(request));
                        return;
                    }
                    if error.sqlstate == "57014" && request.is_cancelled() {
                        head.error = Some(Error::Cancelled);
                    }
                }
                if head.error.is_none() && self.status != b'I' && matches!(self.owner, Owner::Pool)
                {
                    head.error = Some(Error::Unsupported(
                        "the statement opened a transaction that nothing would end, it was rolled \
                         back: a transaction needs a connection of its own, as \
                         postgres.transaction(...) or a client of the pool has it",
                    ));
                }
                if head.error.is_none() && self.has_lost_transaction() && !request.is_end() {
                    head.error = Some(Error::Unsupported(
                        "the statement ended the transaction, which its function has to do: return \
                         to commit, throw to roll back",
                    ));
                }
                let outcome = match head.error {
                    Some(error) => Err(error),
                    None => Ok(head.outcome),
                };
                self.deliveries.push(Delivery::Answer(request, outcome));
            }
        }
    }

    /// Whether the signal of a cancel request, which the server sends its process before it answers,
    /// was delivered so late that it hit the statement after the one it was for. Outside of a
    /// transaction such a statement did nothing and can run again.
    pub(super) fn was_hit_by_mistake(&mut self, request: &Request, error: &ServerError) -> bool {
        error.sqlstate == "57014"
            && !request.is_cancelled()
            && matches!(self.owner, Owner::Pool)
            && self
                .cancelled
                .take()
                .is_some_and(|arrived| arrived.elapsed() < LATE_SIGNAL)
    }

    /// Whether a statement failed only because what we know of it is out of date: the schema changed,
    /// or the server forgot its name. Such a statement did nothing and can run again, except inside a
    /// transaction, which the error has aborted.
    pub(super) fn is_stale(
        &mut self,
        request: &Request,
        error: &ServerError,
        was_cached: bool,
    ) -> bool {
        let (Operation::Query { sql, .. } | Operation::OpenCursor { sql, .. }) = &request.operation
        else {
            return false;
        };
        let is_outdated = match error.sqlstate.as_str() {
            "0A000" => error.routine.as_deref() == Some("RevalidateCachedQuery"),
            "26000" => true,
            // Names or types do not fit any more: the schema changed under a statement that was
            // prepared before. One that was prepared just now has nothing to gain.
            state => state.starts_with("42") && was_cached,
        };
        if !is_outdated {
            return false;
        }
        if let Some(name) = self.statements.remove(sql) {
            frontend::close_statement(&mut self.write, name);
        }
        self.status == b'I'
    }
}

/// Whether a command changes what other statements mean.
fn is_definition(tag: &str) -> bool {
    ["ALTER ", "CREATE ", "DROP "]
        .iter()
        .any(|word| tag.starts_with(word))
}

/// Splits a command tag such as `INSERT 0 5` or `CREATE TABLE`.
fn split_tag(tag: &str) -> (&str, u64) {
    let (words, count) = match tag.rsplit_once(' ') {
        Some((words, last)) => match last.parse() {
            Ok(count) => (words, count),
            Err(_) => return (tag, 0),
        },
        None => return (tag, 0),
    };
    // INSERT has an OID before its count, always zero since PostgreSQL 12.
    (words.strip_suffix(" 0").unwrap_or(words), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_tags_split_into_words_and_count() {
        assert_eq!(split_tag("INSERT 0 5"), ("INSERT", 5));
        assert_eq!(split_tag("SELECT 12"), ("SELECT", 12));
        assert_eq!(split_tag("CREATE TABLE"), ("CREATE TABLE", 0));
        assert_eq!(split_tag("BEGIN"), ("BEGIN", 0));
    }
}
