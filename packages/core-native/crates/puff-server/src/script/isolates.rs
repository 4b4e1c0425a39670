//! The isolates that answer a server's requests.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use puff_core::runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::answer::{AnswerHandle, ClientEnd};
use super::exchanges::Exchanges;
use super::message::{Isolate, Message};
use super::request_head::{self, Following, ScriptRoute};
use crate::http::{Exchange, RequestBody, Response};
use crate::websocket::{Handshake, IsolateSockets, Refusal};

/// How much the isolates may be given at a time.
#[derive(Clone, Copy, Debug)]
pub struct IsolateLimits {
    /// Requests that one isolate works on at a time.
    pub max_requests: usize,
    /// Requests that wait for an isolate.
    pub max_queued: usize,
    /// How long one waits.
    pub queue_timeout: Duration,
    /// An isolate whose event loop has not turned for so long gets no more requests until it does.
    pub max_event_loop_delay: Option<Duration>,
}

/// Why no isolate answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// They have too much to do.
    Busy,
    /// The isolate gave up, or ended.
    Lost,
}

/// An isolate that answers a server's requests.
pub struct Member {
    isolate: Arc<dyn Isolate>,
    exchanges: Arc<Exchanges>,
    sockets: Arc<IsolateSockets>,
}

impl Member {
    /// Tells the isolate something.
    pub fn send(&self, message: Message) {
        self.isolate.send(message);
    }

    /// Begins an exchange, whose head goes to `head`.
    pub(super) fn begin(
        &self,
        head: oneshot::Sender<Response>,
        permit: OwnedSemaphorePermit,
    ) -> Arc<AnswerHandle> {
        self.exchanges.insert(|id| {
            let (isolate, exchanges) = (self.isolate.clone(), self.exchanges.clone());
            Arc::new(AnswerHandle::new(id, isolate, exchanges, head, permit))
        })
    }

    /// Requests that it is answering.
    pub fn in_flight(&self) -> usize {
        self.exchanges.len()
    }

    /// How long its event loop took to turn, or has not turned by now.
    pub fn event_loop_delay(&self) -> Duration {
        self.isolate
            .event_loop_delay()
            .max(self.isolate.stuck_for())
    }
}

/// The isolates that answer a server's requests; each request goes to the one that has least to do.
pub struct Isolates {
    members: RwLock<Vec<Arc<Member>>>,
    limits: IsolateLimits,
    permits: Arc<Semaphore>,
    queued: AtomicUsize,
}

impl Isolates {
    /// Without any isolate yet.
    pub fn new(limits: IsolateLimits) -> Isolates {
        Isolates {
            members: RwLock::default(),
            limits,
            permits: Arc::new(Semaphore::new(0)),
            queued: AtomicUsize::new(0),
        }
    }

    /// Lets an isolate answer requests from now on.
    pub fn attach(
        &self,
        isolate: Arc<dyn Isolate>,
        exchanges: Arc<Exchanges>,
        sockets: Arc<IsolateSockets>,
    ) {
        let member = Arc::new(Member {
            isolate,
            exchanges,
            sockets,
        });
        self.write().push(member);
        self.permits.add_permits(self.limits.max_requests);
    }

    /// Gives the isolate that has these exchanges no more; those go on.
    pub fn detach(&self, exchanges: &Arc<Exchanges>) {
        let mut members = self.write();
        let before = members.len();
        members.retain(|member| !Arc::ptr_eq(&member.exchanges, exchanges));
        let removed = before - members.len();
        drop(members);
        for _ in 0..removed {
            let permits = self.permits.clone();
            let count = self.limits.max_requests as u32;
            // Permits that are in use are taken away when they come back.
            runtime::spawn(async move {
                if let Ok(permit) = permits.acquire_many_owned(count).await {
                    permit.forget();
                }
            });
        }
    }

    /// The isolates, at this moment.
    pub fn members(&self) -> Vec<Arc<Member>> {
        self.read().clone()
    }

    /// Requests that wait for an isolate.
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.read().is_empty()
    }

    /// The isolate that has least to do; none when all are stuck.
    pub fn pick(&self) -> Option<Arc<Member>> {
        self.pick_by(Member::in_flight)
    }

    fn pick_by(&self, load: impl Fn(&Member) -> usize) -> Option<Arc<Member>> {
        let members = self.read();
        let is_moving = |member: &&Arc<Member>| {
            let bound = self.limits.max_event_loop_delay;
            bound.is_none_or(|bound| member.isolate.stuck_for() < bound)
        };
        match &members[..] {
            [only] => Some(only).filter(is_moving).cloned(),
            _ => members
                .iter()
                .filter(is_moving)
                .min_by_key(|member| load(member))
                .cloned(),
        }
    }

    /// Has the isolate that has fewest sockets accept or refuse another one.
    ///
    /// # Errors
    /// No isolate had room in time, or the one that was asked gave it up.
    pub async fn open_socket(
        &self,
        exchange: Exchange,
        handshake: Handshake,
        route: &ScriptRoute,
    ) -> Result<Response, Refusal> {
        let _permit = self.admit().await.map_err(|_| Refusal::Busy)?;
        let member = self.pick_by(|member| member.sockets.len());
        let member = member.ok_or(Refusal::Busy)?;
        let isolate = member.isolate.clone();
        let asking = member.sockets.ask(isolate, exchange, handshake, route);
        asking.await
    }

    /// Has an isolate answer a request. When this future or the answer's body is dropped before its
    /// end, the isolate learns that the client is gone.
    ///
    /// # Errors
    /// No isolate had room in time, or the one that had the request gave it up.
    pub async fn answer(
        &self,
        exchange: Exchange,
        route: &ScriptRoute,
    ) -> Result<Response, Unanswered> {
        let permit = self.admit().await?;
        let member = self.pick().ok_or(Unanswered::Busy)?;
        let Exchange {
            parts,
            mut body,
            client,
            ..
        } = exchange;
        let (sender, head) = oneshot::channel();
        let answer = member.begin(sender, permit);
        let waiting = ClientEnd::of(answer.clone());
        let arrived = available(&mut body).await;
        let first = match &arrived {
            Arrived::Bytes(bytes) => Some(bytes.clone()),
            Arrived::Nothing | Arrived::CutOff => None,
        };
        // Also a body that was cut off has something to tell: its end.
        let has_more = matches!(arrived, Arrived::CutOff) || !body.is_end_stream();
        if has_more {
            answer.begin_body(first.as_ref().map_or(0, Bytes::len));
        }
        let following = if has_more {
            Following::Body
        } else {
            Following::Nothing
        };
        let message = request_head::message(answer.id(), &parts, &client, route, first, following);
        member.isolate.send(message);
        match arrived {
            Arrived::CutOff => answer.end_body(true),
            _ if has_more => drop(runtime::spawn(pump(body, answer))),
            _ => {}
        }
        let response = head.await.map_err(|_| Unanswered::Lost)?;
        // Where there is more to come, its body watches over the client from here on.
        waiting.hand_over();
        Ok(response)
    }

    pub(super) async fn admit(&self) -> Result<OwnedSemaphorePermit, Unanswered> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Place::take(&self.queued, self.limits.max_queued).ok_or(Unanswered::Busy)?;
        match timeout(
            self.limits.queue_timeout,
            self.permits.clone().acquire_owned(),
        )
        .await
        {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Unanswered::Busy),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Vec<Arc<Member>>> {
        self.members
            .read()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Arc<Member>>> {
        self.members
            .write()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

/// A place in the queue; given up when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Place<'_> {
    fn take(queued: &AtomicUsize, limit: usize) -> Option<Place<'_>> {
        let place = Place(queued);
        (queued.fetch_add(1, Ordering::Relaxed) < limit).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What has arrived of a body by now.
enum Arrived {
    Bytes(Bytes),
    Nothing,
    /// It will not come.
    CutOff,
}

async fn available(body: &mut RequestBody) -> Arrived {
    if body.is_end_stream() {
        return Arrived::Nothing;
    }
    poll_fn(|context| {
        Poll::Ready(match Pin::new(&mut *body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                frame.into_data().map_or(Arrived::Nothing, Arrived::Bytes)
            }
            Poll::Ready(Some(Err(_))) => Arrived::CutOff,
            Poll::Ready(None) | Poll::Pending => Arrived::Nothing,
        })
    })
    .await
}

/// Gives an isolate the rest of a body.
async fn pump(mut body: RequestBody, answer: Arc<AnswerHandle>) {
    loop {
        let frame = tokio::select! {
            biased;
            () = answer.over() => return,
            frame = body.frame() => frame,
        };
        match frame {
            None => return answer.end_body(false),
            Some(Err(_)) => return answer.end_body(true),
            Some(Ok(frame)) => {
                let Ok(bytes) = frame.into_data() else {
                    continue;
                };
                if !answer.give_body(bytes).await {
                    return;
                }
            }
        }
    }
}
