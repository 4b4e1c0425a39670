//! An isolate's answer to a request, from its head to its last byte.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::ext::ReasonPhrase;
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};

use super::exchanges::Exchanges;
use super::message::{Attachment, Isolate, Message, Topic};
use crate::http::{BodyError, Response, ResponseBody};

/// Bytes of an answer that wait for the client before the isolate is asked to wait.
const HIGH_WATER: usize = 64 * 1024;
/// Bytes of a request's body that the isolate has not read before the client has to wait.
const UNREAD_LIMIT: usize = 256 * 1024;

/// The head of an answer.
pub struct OutgoingHead {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase, where it is not the usual one; HTTP/1 only.
    pub reason: Option<ReasonPhrase>,
    /// The headers, in their order.
    pub headers: HeaderMap,
}

/// What became of something that an isolate wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Nobody waits for it: the client is gone, or the answer has ended.
    Gone,
    /// More may follow.
    Taken,
    /// It was taken; [`Topic::DRAINED`] tells when more should follow.
    Full,
}

/// One request that an isolate answers.
pub struct AnswerHandle {
    id: u32,
    isolate: Arc<dyn Isolate>,
    exchanges: Arc<Exchanges>,
    state: Mutex<State>,
    /// Told when the isolate has read of the request's body, or when the answer is over.
    reading: Notify,
    /// Counts the request among those that isolates work on.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

struct State {
    /// Where the head goes; none once it was given.
    head: Option<oneshot::Sender<Response>>,
    frames: VecDeque<Bytes>,
    /// Bytes in `frames`.
    queued: usize,
    trailers: Option<HeaderMap>,
    stage: Stage,
    /// The isolate waits for room.
    wants_drain: bool,
    /// Of the connection, which waits for bytes.
    waker: Option<Waker>,
    /// Bytes of the request's body that the isolate was given and has not read.
    unread: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The isolate may write.
    Open,
    /// It has written everything.
    Ended,
    /// It gave up; the connection is closed.
    Aborted,
    /// Nobody listens any more.
    Gone,
}

impl AnswerHandle {
    pub(super) fn new(
        id: u32,
        isolate: Arc<dyn Isolate>,
        exchanges: Arc<Exchanges>,
        head: oneshot::Sender<Response>,
        permit: OwnedSemaphorePermit,
    ) -> AnswerHandle {
        AnswerHandle {
            id,
            isolate,
            exchanges,
            state: Mutex::new(State {
                head: Some(head),
                frames: VecDeque::new(),
                queued: 0,
                trailers: None,
                stage: Stage::Open,
                wants_drain: false,
                waker: None,
                unread: 0,
            }),
            reading: Notify::new(),
            permit: Mutex::new(Some(permit)),
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Gives the head, and with `body` the whole answer or its beginning.
    pub fn respond(
        self: &Arc<Self>,
        head: OutgoingHead,
        body: Option<Bytes>,
        is_end: bool,
    ) -> Written {
        let mut state = self.lock();
        let Some(sender) = state.head.take() else {
            return Written::Gone;
        };
        let response_body = if is_end {
            state.stage = Stage::Ended;
            ResponseBody::Full(body.filter(|body| !body.is_empty()))
        } else {
            if let Some(body) = body.filter(|body| !body.is_empty()) {
                state.push(body);
            }
            ResponseBody::stream(AnswerBody {
                answer: self.clone(),
                _client: ClientEnd::of(self.clone()),
                has_paused: false,
            })
        };
        let written = state.written();
        drop(state);
        if is_end {
            self.finish();
        }
        let mut response = Response::new(response_body);
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        if let Some(reason) = head.reason {
            response.extensions_mut().insert(reason);
        }
        match sender.send(response) {
            Ok(()) => written,
            // Its body may be what keeps this answer: dropping it tells the isolate.
            Err(_) => Written::Gone,
        }
    }

    /// Adds to the body.
    pub fn write(&self, bytes: Bytes) -> Written {
        let mut state = self.lock();
        if state.stage != Stage::Open || state.head.is_some() {
            return Written::Gone;
        }
        if !bytes.is_empty() {
            state.push(bytes);
        }
        let written = state.written();
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        written
    }

    /// Ends the body.
    pub fn end(&self, trailers: Option<HeaderMap>) {
        let mut state = self.lock();
        if state.stage != Stage::Open || state.head.is_some() {
            return;
        }
        state.stage = Stage::Ended;
        state.trailers = trailers;
        let waker = state.waker.take();
        drop(state);
        self.finish();
        wake(waker);
    }

    /// Gives the answer up: the client sees its connection end.
    pub fn abort(&self) {
        let mut state = self.lock();
        if state.stage != Stage::Open {
            return;
        }
        // What was written before still goes out.
        state.stage = Stage::Aborted;
        // Whoever waits for the head learns that there is none.
        let head = state.head.take();
        let waker = state.waker.take();
        drop(state);
        drop(head);
        self.finish();
        wake(waker);
    }

    /// The isolate has read so many bytes of the request's body.
    pub fn read(&self, bytes: usize) {
        let mut state = self.lock();
        state.unread = state.unread.saturating_sub(bytes);
        drop(state);
        self.reading.notify_one();
    }

    /// Gives the isolate more of the request's body, once it has read enough; false when it is over.
    pub(super) async fn give_body(&self, bytes: Bytes) -> bool {
        loop {
            match self.room_for(bytes.len()) {
                None => return false,
                Some(true) => break,
                Some(false) => self.reading.notified().await,
            }
        }
        self.send(Topic::REQUEST_BODY, 0, vec![Attachment::Bytes(bytes)]);
        true
    }

    /// Takes room for so many bytes of a body, if there is any; none when the answer is over.
    fn room_for(&self, bytes: usize) -> Option<bool> {
        let mut state = self.lock();
        if state.stage != Stage::Open {
            return None;
        }
        let has_room = state.unread < UNREAD_LIMIT;
        if has_room {
            state.unread += bytes;
        }
        Some(has_room)
    }

    /// Resolves when the isolate has no more to do with the request.
    pub(super) async fn over(&self) {
        loop {
            let notified = self.reading.notified();
            if self.lock().stage != Stage::Open {
                return;
            }
            notified.await;
        }
    }

    /// Notes the beginning of a body, which came with the request.
    pub(super) fn begin_body(&self, bytes: usize) {
        self.lock().unread += bytes;
    }

    /// Tells the isolate that the request's body has ended.
    pub(super) fn end_body(&self, is_cut_off: bool) {
        self.send(Topic::REQUEST_END, i32::from(is_cut_off), Vec::new());
    }

    /// The client is gone, or nobody wants the rest.
    fn disconnect(&self) {
        let mut state = self.lock();
        if state.stage != Stage::Open {
            // What the isolate wrote is dropped with the body.
            state.frames.clear();
            return;
        }
        state.stage = Stage::Gone;
        state.frames.clear();
        state.head = None;
        drop(state);
        self.finish();
        self.send(Topic::CLOSED, 0, Vec::new());
    }

    /// No longer counts the request among those that isolates work on.
    pub(super) fn release_permit(&self) {
        let permit = self
            .permit
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .take();
        drop(permit);
    }

    /// The isolate has nothing more to say.
    fn finish(&self) {
        self.exchanges.remove(self.id);
        self.release_permit();
        self.reading.notify_waiters();
        self.reading.notify_one();
    }

    fn send(&self, topic: Topic, number: i32, attachments: Vec<Attachment>) {
        self.isolate.send(Message {
            topic,
            id: self.id,
            numbers: [number, 0],
            attachments,
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl State {
    fn push(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        self.frames.push_back(bytes);
    }

    fn written(&mut self) -> Written {
        self.wants_drain = self.queued >= HIGH_WATER;
        if self.wants_drain {
            Written::Full
        } else {
            Written::Taken
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The client's end of an answer: dropped before the answer's end, it tells the isolate.
pub(super) struct ClientEnd(Option<Arc<AnswerHandle>>);

impl ClientEnd {
    pub(super) fn of(answer: Arc<AnswerHandle>) -> ClientEnd {
        ClientEnd(Some(answer))
    }

    /// Leaves the client to the answer's body.
    pub(super) fn hand_over(mut self) {
        self.0 = None;
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        if let Some(answer) = self.0.take() {
            answer.disconnect();
        }
    }
}

/// The body of an answer that is written by and by.
struct AnswerBody {
    answer: Arc<AnswerHandle>,
    _client: ClientEnd,
    /// The connection had an occasion to send what came before the end of an answer that was given up.
    has_paused: bool,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let AnswerBody {
            answer, has_paused, ..
        } = self.get_mut();
        let mut state = answer.lock();
        if let Some(bytes) = state.frames.pop_front() {
            state.queued -= bytes.len();
            if state.wants_drain && state.queued < HIGH_WATER / 2 {
                state.wants_drain = false;
                drop(state);
                answer.send(Topic::DRAINED, 0, Vec::new());
            }
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match state.stage {
            Stage::Open => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
            Stage::Ended => Poll::Ready(
                state
                    .trailers
                    .take()
                    .map(|trailers| Ok(Frame::trailers(trailers))),
            ),
            // A connection drops what it has not sent yet when a body fails.
            Stage::Aborted if !*has_paused => {
                drop(state);
                *has_paused = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Stage::Aborted | Stage::Gone => {
                Poll::Ready(Some(Err("the answer was given up before its end".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = self.answer.lock();
        state.stage == Stage::Ended && state.frames.is_empty() && state.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
