//! The socket, and what waits for it or for an answer from it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::work::{Answers, Expects, Listener, Work};
use crate::redis::error::Error;
use crate::redis::frame::{Item, Scan, next_item};
use crate::redis::numbers::Counters;
use crate::redis::read_buffer::ReadBuffer;
use crate::stream::Stream;

/// A write buffer that grew beyond this is not kept.
const WRITE_BUFFER: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct Wire {
    /// None while there is no session.
    pub(super) stream: Option<Stream>,
    /// What the socket did not take yet.
    write: BytesMut,
    read: ReadBuffer,
    scan: Scan,
    /// Sent, wholly or partly, in order.
    in_flight: VecDeque<Work>,
    /// Not sent.
    waiting: VecDeque<Work>,
    /// The channels of each kind that this session is subscribed to.
    subscribed: HashMap<Kind, HashSet<Box<[u8]>>>,
    last_read: Option<Instant>,
    /// When the socket last gave or took something.
    last_progress: Option<Instant>,
    /// Whether what is in flight is sent again on the next session.
    resends: bool,
    counters: Arc<Counters>,
    has_had_session: bool,
}

/// Kinds of subscriptions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Channel,
    Pattern,
    Shard,
}

/// What a frame is that may have come unasked.
enum Push {
    Message,
    Confirmation,
    Other,
}

impl Wire {
    pub(super) fn new(resends: bool, counters: Arc<Counters>) -> Wire {
        Wire {
            resends,
            counters,
            ..Wire::default()
        }
    }

    /// Begins a session: sends what has waited.
    pub(super) fn begin(&mut self, stream: Stream) {
        self.stream = Some(stream);
        self.counters.connected(self.has_had_session);
        self.has_had_session = true;
        self.last_read = None;
        for work in std::mem::take(&mut self.waiting) {
            self.send(work);
        }
    }

    pub(super) fn accept(&mut self, work: Work) {
        match self.stream {
            Some(_) => self.send(work),
            None => self.waiting.push_back(work),
        }
    }

    fn send(&mut self, mut work: Work) {
        let bytes = match self.resends {
            true => work.batch.bytes.clone(),
            false => std::mem::take(&mut work.batch.bytes),
        };
        let mut taken = 0;
        if self.write.is_empty()
            && let Some(stream) = &self.stream
        {
            // An error is left for the driver to meet.
            while let Ok(count) = stream.try_write(&bytes[taken..]) {
                taken += count;
                if count == 0 || taken == bytes.len() {
                    break;
                }
            }
        }
        self.write.extend_from_slice(&bytes[taken..]);
        self.in_flight.push_back(work);
    }

    pub(super) fn has_unwritten(&self) -> bool {
        !self.write.is_empty()
    }

    pub(super) fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        if self.write.is_empty() {
            return Ok(());
        }
        while !self.write.is_empty() {
            match Pin::new(&mut *stream).poll_write(context, &self.write) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.write.advance(count);
                    self.last_progress = Some(Instant::now());
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        if let Poll::Ready(Err(error)) = Pin::new(stream).poll_flush(context) {
            return Err(error);
        }
        if self.write.capacity() > WRITE_BUFFER {
            self.write = BytesMut::new();
        } else {
            self.write.clear();
        }
        Ok(())
    }

    /// Reads once and hands out the replies that are complete; tells how many commands they ended.
    pub(super) fn poll_read(
        &mut self,
        listener: &dyn Listener,
        context: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Pending;
        };
        match self.read.poll_fill(stream, context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => {
                let reason = match error.kind() {
                    io::ErrorKind::UnexpectedEof => "the server closed it".into(),
                    _ => error.to_string(),
                };
                return Poll::Ready(Err(Error::Closed(reason)));
            }
            Poll::Ready(Ok(())) => {}
        }
        self.last_read = Some(Instant::now());
        self.last_progress = self.last_read;
        let mut read = std::mem::take(&mut self.read);
        let mut ended = 0;
        let result = loop {
            match self.scan.advance(read.filled()) {
                Ok(Some(size)) => {
                    match self.on_frame(&read.filled()[..size], listener) {
                        Ok(commands) => ended += commands,
                        Err(error) => break Err(error),
                    }
                    read.consume(size);
                }
                Ok(None) => break Ok(ended),
                Err(error) => break Err(error),
            }
        };
        self.read = read;
        Poll::Ready(result)
    }

    fn on_frame(&mut self, frame: &[u8], listener: &dyn Listener) -> Result<usize, Error> {
        let is_push = frame[0] == b'>';
        let confirms = matches!(
            self.in_flight.front(),
            Some(Work { batch, .. }) if batch.expects != Expects::Reply
        );
        let is_subscriber = self
            .subscribed
            .values()
            .any(|channels| !channels.is_empty());
        if is_push || (frame[0] == b'*' && (confirms || is_subscriber)) {
            match self.push_of(frame)? {
                Push::Confirmation if confirms => return Ok(self.confirm(frame, listener)),
                Push::Other if !is_push => {}
                Push::Message | Push::Confirmation | Push::Other => {
                    listener.push(frame);
                    return Ok(0);
                }
            }
        }
        if self.in_flight.is_empty() {
            return Err(Error::Protocol("a reply that nobody asked for".into()));
        }
        self.reply(frame, listener);
        Ok(1)
    }

    /// Keeps count of subscriptions.
    fn push_of(&mut self, frame: &[u8]) -> Result<Push, Error> {
        let mut at = 0;
        let mut next = || next_item(frame, &mut at);
        let (_, Some(Item::Bulk(name)), second) = (next()?, next()?, next()?) else {
            return Ok(Push::Other);
        };
        let (kind, begins) = match name {
            b"message" | b"pmessage" | b"smessage" => return Ok(Push::Message),
            b"subscribe" => (Kind::Channel, true),
            b"psubscribe" => (Kind::Pattern, true),
            b"ssubscribe" => (Kind::Shard, true),
            b"unsubscribe" => (Kind::Channel, false),
            b"punsubscribe" => (Kind::Pattern, false),
            b"sunsubscribe" => (Kind::Shard, false),
            _ => return Ok(Push::Other),
        };
        let channels = self.subscribed.entry(kind).or_default();
        if let Some(head) = self.in_flight.front_mut()
            && let Expects::Confirmations(count) = head.batch.expects
            && head.confirmations.is_none()
        {
            let all = channels.len().max(1) as u32;
            head.confirmations = Some(if count == 0 { all } else { count });
        }
        if let Some(Item::Bulk(channel)) = second {
            match begins {
                true => channels.insert(channel.into()),
                false => channels.remove(channel),
            };
        }
        Ok(Push::Confirmation)
    }

    fn confirm(&mut self, frame: &[u8], listener: &dyn Listener) -> usize {
        let Some(head) = self.in_flight.front_mut() else {
            return 0;
        };
        let left = head.confirmations.unwrap_or(1).saturating_sub(1);
        head.confirmations = Some(left);
        match left {
            0 => {
                self.reply(frame, listener);
                1
            }
            _ => 0,
        }
    }

    /// Gives the first command in flight its reply.
    fn reply(&mut self, frame: &[u8], listener: &dyn Listener) {
        let Some(head) = self.in_flight.front_mut() else {
            return;
        };
        self.counters.replied(frame);
        match &mut head.batch.answers {
            Answers::Listener(mode) => listener.reply(*mode, frame),
            Answers::Own(replies) => replies.reply(frame),
            Answers::Abandoned => {}
        }
        head.left -= 1;
        if head.left == 0 {
            if let (true, Some(read)) = (head.batch.has_timeout, self.last_read) {
                self.counters
                    .took(read.saturating_duration_since(head.begun));
            }
            self.in_flight.pop_front();
        }
    }

    /// Ends the session. What was in flight fails, or waits for the next one.
    ///
    /// Returns how many commands have ended.
    pub(super) fn end(&mut self, error: &Error, keeps: bool, listener: &dyn Listener) -> usize {
        if self.stream.take().is_some() {
            self.counters.lost();
        }
        self.write = BytesMut::new();
        self.read = ReadBuffer::default();
        self.scan = Scan::default();
        self.subscribed.clear();
        let mut ended = 0;
        let lost = std::mem::take(&mut self.in_flight);
        // A reply that could not be read would be the same the next time.
        if keeps && self.resends && !matches!(error, Error::Protocol(_)) {
            let kept = lost.into_iter().filter(|work| {
                ended += if work.is_abandoned() {
                    work.left as usize
                } else {
                    0
                };
                !work.is_abandoned()
            });
            let mut kept: VecDeque<_> = kept.map(unanswered).collect();
            kept.append(&mut self.waiting);
            self.waiting = kept;
            return ended;
        }
        for mut work in lost {
            ended += work.left as usize;
            self.fail(&mut work, listener, error);
        }
        ended
    }

    /// Fails what has no reply yet, and counts it.
    fn fail(&self, work: &mut Work, listener: &dyn Listener, error: &Error) {
        if !work.is_abandoned() {
            self.counters.failed(work.left, error);
        }
        work.fail(listener, error);
    }

    /// Fails what waits; returns how many commands have ended.
    pub(super) fn fail_waiting(&mut self, error: &Error, listener: &dyn Listener) -> usize {
        let mut ended = 0;
        for mut work in std::mem::take(&mut self.waiting) {
            self.fail(&mut work, listener, error);
            ended += work.left as usize;
        }
        ended
    }

    /// Fails what has been under way for too long; an error when the server seems to be gone.
    pub(super) fn expire(
        &mut self,
        timeout: Duration,
        listener: &dyn Listener,
    ) -> Result<(), Error> {
        let is_partial = !self.write.is_empty() || !self.read.filled().is_empty();
        if is_partial
            && self
                .last_progress
                .is_some_and(|last| last.elapsed() < timeout)
        {
            // Something large is on its way.
            return Ok(());
        }
        for work in &mut self.in_flight {
            if !work.batch.has_timeout || work.begun.elapsed() < timeout {
                break;
            }
            // Its replies are still to come: it keeps its place.
            let error = Error::Timeout(timeout);
            if !work.is_abandoned() {
                self.counters.failed(work.left, &error);
            }
            work.fail(listener, &error);
        }
        match self.in_flight.front() {
            Some(head)
                if head.is_abandoned()
                    && head.begun.elapsed() > timeout * 2
                    && self.last_read.is_none_or(|read| read < head.begun) =>
            {
                Err(Error::Closed("the server does not answer".into()))
            }
            _ => Ok(()),
        }
    }
}

/// A batch that was partly answered, without the commands that were.
fn unanswered(mut work: Work) -> Work {
    let (mut scan, mut bytes) = (Scan::default(), work.batch.bytes.clone());
    for _ in work.left..work.batch.commands {
        // Commands are framed as replies are.
        if let Ok(Some(size)) = scan.advance(&bytes) {
            bytes.advance(size);
        }
    }
    work.batch.commands = work.left;
    work.batch.bytes = Bytes::from(bytes.to_vec());
    work.confirmations = None;
    work
}
