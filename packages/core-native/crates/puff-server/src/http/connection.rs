//! One connection, from its first byte to its last.
//!
//! hyper speaks HTTP on it; around hyper, a driver watches over time: clients that send or take
//! nothing, and connections that are idle or not wanted any more. An idle connection of HTTP/1 is
//! never closed while there may be something to read: it is told that its client has ended, at a
//! moment when the socket has nothing for it. So no request that has arrived is lost.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

use ::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::config::Timeouts;
use super::connections::Registration;
use super::exchange::Client;
use super::guarded_io::GuardedIo;
use super::protocol::Protocol;
use super::service::Service;
use super::transport::Transport;

/// How long a client may go on sending what nobody reads, so that it reads its answer first.
const LINGER: Duration = Duration::from_secs(2);
/// How often a connection is looked after at least.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// What the parts of a connection know of each other.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Whether it came in where only the server's own numbers are given.
    pub(super) is_admin: bool,
    began: Instant,
    /// Requests whose answers have not gone out.
    in_flight: AtomicU32,
    /// Bytes of answers that hyper has taken, and bytes that were written (HTTP/2).
    taken: AtomicU64,
    written: AtomicU64,
    has_served: AtomicBool,
    is_http2: AtomicBool,
    /// Somebody else has it: a WebSocket, or an isolate.
    is_upgraded: AtomicBool,
    wish: AtomicU8,
    /// When the last answer ended.
    idle_since: AtomicU64,
    /// When the head began that is not complete; 0 for none.
    head_since: AtomicU64,
    /// When the client ceased to take what is written; 0 if it does not.
    blocked_since: AtomicU64,
    /// When something was written the last time (HTTP/2).
    written_at: AtomicU64,
    /// When the answers were all out and the client had not finished sending; 0 before.
    lingering_since: AtomicU64,
    /// Of the driver, while there is one: it would keep the memory of the driver's task.
    waker: Mutex<Option<Waker>>,
}

/// What shall become of a connection, each more urgent than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Wish {
    /// It stays.
    Stay,
    /// It ends as soon as nothing is left to answer.
    EndWhenIdle,
    /// The client was too slow to send a head, and is told so.
    EndWith408,
    /// It ends at once.
    Abort,
}

impl Connection {
    pub(super) fn new(client: Client, is_admin: bool) -> Connection {
        Connection {
            client,
            is_admin,
            began: Instant::now(),
            in_flight: AtomicU32::new(0),
            taken: AtomicU64::new(0),
            written: AtomicU64::new(0),
            has_served: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            wish: AtomicU8::new(Wish::Stay as u8),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
            written_at: AtomicU64::new(0),
            lingering_since: AtomicU64::new(0),
            waker: Mutex::default(),
        }
    }

    /// A request has come.
    pub(super) fn begin_request(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.has_served.store(true, Ordering::Relaxed);
    }

    /// Its answer is out, or was given up.
    pub(super) fn end_request(&self, now: Instant) {
        self.idle_since.store(self.time(now), Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Hyper has taken bytes of an answer.
    pub(super) fn note_taken(&self, bytes: usize) {
        if self.is_http2() {
            self.taken.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// It speaks another protocol from now on.
    pub(super) fn note_upgrade(&self) {
        self.is_upgraded.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.is_upgraded.load(Ordering::Relaxed)
    }

    /// Requests whose answers have not gone out.
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn note_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
    }

    fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// What was read ends within a head, or not.
    pub(super) fn note_head(&self, is_in_head: bool) {
        let since = self.head_since.load(Ordering::Relaxed);
        match (is_in_head, since) {
            (true, 0) => self.head_since.store(self.now(), Ordering::Relaxed),
            (false, 1..) => self.head_since.store(0, Ordering::Relaxed),
            _ => {}
        }
    }

    /// The client took bytes that are written to it, or (none) it takes nothing for the moment.
    pub(super) fn note_write(&self, bytes: Option<usize>) {
        let since = self.blocked_since.load(Ordering::Relaxed);
        match (bytes, since) {
            (None, 0) => self.blocked_since.store(self.now(), Ordering::Relaxed),
            (Some(_), 1..) => {
                self.blocked_since.store(0, Ordering::Relaxed);
                self.idle_since.store(self.now(), Ordering::Relaxed);
            }
            _ => {}
        }
        // With HTTP/2, answers are out of hyper's hands before they are out of the connection's.
        if let Some(bytes) = bytes
            && self.is_http2()
        {
            self.written.fetch_add(bytes as u64, Ordering::Relaxed);
            self.written_at.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Whether there are bytes of answers for which a client of HTTP/2 has given no room.
    fn is_stalled(&self) -> bool {
        self.taken.load(Ordering::Relaxed) > self.written.load(Ordering::Relaxed)
    }

    /// All answers are out, and the client is still sending.
    pub(super) fn note_lingering(&self) {
        if self.lingering_since.load(Ordering::Relaxed) == 0 {
            self.lingering_since.store(self.now(), Ordering::Relaxed);
            // The driver waits for the end of a pause that is too long for this.
            self.wake();
        }
    }

    /// Whether it is to end when nothing is left to read and to answer.
    pub(super) fn is_to_end(&self) -> bool {
        self.wish() >= Wish::EndWhenIdle
            && self.in_flight() == 0
            && self.blocked_since.load(Ordering::Relaxed) == 0
    }

    /// Whether the client is to be told that it was too slow.
    pub(super) fn is_late(&self) -> bool {
        self.wish() == Wish::EndWith408
    }

    /// Whether no more requests are wanted on it.
    pub(super) fn is_unwanted(&self) -> bool {
        self.wish() >= Wish::EndWhenIdle
    }

    /// Ends it as soon as nothing is left to answer.
    pub(super) fn end_when_idle(&self) {
        self.raise(Wish::EndWhenIdle);
        self.wake();
    }

    /// Ends it now.
    pub(super) fn abort(&self) {
        self.raise(Wish::Abort);
        self.wake();
    }

    /// Has its driver look at it.
    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker() {
            waker.wake_by_ref();
        }
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn wish(&self) -> Wish {
        match self.wish.load(Ordering::Relaxed) {
            0 => Wish::Stay,
            1 => Wish::EndWhenIdle,
            2 => Wish::EndWith408,
            _ => Wish::Abort,
        }
    }

    fn raise(&self, wish: Wish) {
        self.wish.fetch_max(wish as u8, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.time(Instant::now())
    }

    /// Milliseconds since the connection began; never 0, which stands for no time at all.
    fn time(&self, now: Instant) -> u64 {
        (now - self.began).as_millis() as u64 + 1
    }

    /// What is to be done about a connection that has waited for a while.
    fn check(&self, timeouts: &Timeouts) -> Check {
        let now = self.now();
        let since = |time: &AtomicU64| match time.load(Ordering::Relaxed) {
            0 => None,
            since => Some(now.saturating_sub(since)),
        };
        let left = |passed: u64, bound: Option<Duration>| {
            bound.map(|bound| (bound.as_millis() as u64).saturating_sub(passed))
        };
        let pause = |milliseconds: u64| {
            let pause = Duration::from_millis(milliseconds).min(MAX_PAUSE);
            Check::Later(pause.max(Duration::from_millis(1)))
        };
        if let Some(passed) = since(&self.lingering_since) {
            return match left(passed, Some(LINGER)) {
                Some(0) => Check::Abort,
                left => pause(left.unwrap_or(0)),
            };
        }
        if let Some(passed) = since(&self.blocked_since) {
            return match left(passed, timeouts.write_progress) {
                Some(0) => Check::Abort,
                Some(left) => pause(left),
                None => Check::Later(MAX_PAUSE),
            };
        }
        if self.in_flight() > 0 {
            let bounds = [
                timeouts.keep_alive,
                timeouts.headers,
                timeouts.write_progress,
            ];
            let shortest = bounds.into_iter().flatten().min().unwrap_or(MAX_PAUSE);
            return match left(
                since(&self.written_at).unwrap_or(0),
                timeouts.write_progress,
            ) {
                Some(0) if self.is_stalled() => Check::Abort,
                _ => Check::Later(shortest.min(MAX_PAUSE)),
            };
        }
        let last = |time: &AtomicU64| time.load(Ordering::Relaxed);
        let idle = now.saturating_sub(last(&self.idle_since).max(last(&self.written_at)));
        let (passed, bound, verdict) = match since(&self.head_since) {
            Some(passed) => (passed.min(idle), timeouts.headers, Wish::EndWith408),
            None if self.is_http2() => (idle, timeouts.http2_idle, Wish::EndWhenIdle),
            None if self.has_served.load(Ordering::Relaxed) => {
                (idle, timeouts.keep_alive, Wish::EndWhenIdle)
            }
            // As in Node.js, the first request may take as long as its head.
            None => (idle, timeouts.headers, Wish::EndWhenIdle),
        };
        match left(passed, bound) {
            Some(0) => Check::End(verdict),
            Some(left) => pause(left),
            None => Check::Later(MAX_PAUSE),
        }
    }
}

enum Check {
    Later(Duration),
    End(Wish),
    Abort,
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    transport: Transport,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    registration: Registration,
) {
    let connection = registration.connection().clone();
    let transport = match tls {
        None => transport,
        Some(acceptor) => {
            let patience = service.timeouts.headers.unwrap_or(Duration::MAX);
            match timeout(patience, transport.secure(acceptor)).await {
                Ok(Ok(transport)) => transport,
                // A client that cannot or will not speak TLS.
                _ => return,
            }
        }
    };
    let io = GuardedIo::new(transport, registration, service.limits.header_bytes);
    let answer = service_fn({
        let (service, connection) = (service.clone(), connection.clone());
        move |request: Request<Incoming>| {
            let (service, connection) = (service.clone(), connection.clone());
            async move { Ok::<_, Infallible>(service.answer(request, connection).await) }
        }
    });
    let mut protocol = Protocol::new(io, answer, service.limits.clone());
    let mut timer = pin!(sleep_until(Instant::now()));
    let mut has_said_goodbye = false;
    // A task has one waker for all its life.
    let mut has_waker = false;
    poll_fn(|context| {
        if !std::mem::replace(&mut has_waker, true) {
            *connection.waker() = Some(context.waker().clone());
        }
        loop {
            if protocol.poll(context).is_ready() || connection.wish() == Wish::Abort {
                return Poll::Ready(());
            }
            let is_unwanted = connection.is_unwanted() || service.is_closing();
            if connection.is_http2() && is_unwanted && !has_said_goodbye {
                has_said_goodbye = true;
                protocol.say_goodbye();
                continue;
            }
            let lingers = connection.lingering_since.load(Ordering::Relaxed) > 0;
            if lingers && timer.deadline() > Instant::now() + LINGER {
                timer.as_mut().reset(Instant::now() + LINGER);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            match connection.check(&service.timeouts) {
                Check::Later(pause) => timer.as_mut().reset(Instant::now() + pause),
                Check::Abort => return Poll::Ready(()),
                // It was asked to end before, and has not.
                Check::End(wish) if connection.wish() >= wish || has_said_goodbye => {
                    return Poll::Ready(());
                }
                Check::End(wish) => {
                    connection.raise(wish);
                    timer.as_mut().reset(Instant::now() + LINGER);
                }
            }
        }
    })
    .await;
    drop(protocol);
    *connection.waker() = None;
    service.connections.note_ended();
}
