//! The task of a connection: it connects, reads, writes what the socket did not take, and tries again.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Interval, MissedTickBehavior};

use super::handle::Shared;
use super::work::{State, StateChange};
use crate::redis::config::Retry;
use crate::redis::connect::connect;
use crate::redis::error::Error;
use crate::stream::Stream;

/// How often time limits are looked at, at most and at least.
const TICK: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// Why a wait is over.
enum Waited<T> {
    Done(T),
    Closed,
}

/// Serves a connection until it ends.
pub(super) async fn drive(shared: Arc<Shared>) {
    // Whatever ends this task, also a panic: nobody waits in vain.
    let guard = EndGuard(shared);
    let shared = &guard.0;
    let mut ticker = ticker(shared);
    let mut attempt = 0;
    let mut offline_since = Instant::now();
    loop {
        shared.tell(State::Connecting, None, attempt, None);
        let connecting = connect(&shared.config);
        let error = match wait(shared, &mut ticker, offline_since, None, connecting).await {
            Waited::Closed => break,
            Waited::Done(Ok(stream)) => {
                attempt = 0;
                shared.begin(stream);
                let error = poll_fn(|context| serve(shared, &mut ticker, context)).await;
                offline_since = Instant::now();
                shared.lose(&error);
                if shared.mailbox().is_closed {
                    break;
                }
                error
            }
            Waited::Done(Err(error)) => error,
        };
        if matches!(error, Error::Auth(_)) {
            // Waiting does not help.
            shared.refuse(&error, true);
        }
        attempt += 1;
        let delay = match &shared.config.retry {
            Retry::Asks => None,
            Retry::Delays(_, Some(limit)) if attempt > *limit => {
                shared.mailbox().refusal = Some(error.clone());
                return shared.finish(&error);
            }
            Retry::Delays(delays, _) => {
                let index = (attempt as usize).min(delays.len()).saturating_sub(1);
                Some(delays.get(index).copied().unwrap_or_default())
            }
        };
        shared.mailbox().retry = None;
        shared.tell(State::Reconnecting, Some(&error), attempt, delay);
        let last = Some(&error);
        let delay = match delay {
            Some(delay) => Some(delay),
            None => match wait(shared, &mut ticker, offline_since, last, retry_of(shared)).await {
                Waited::Closed => break,
                Waited::Done(delay) => delay,
            },
        };
        let Some(delay) = delay else {
            shared.mailbox().refusal = Some(error.clone());
            return shared.finish(&error);
        };
        let pause = tokio::time::sleep(delay);
        if let Waited::Closed = wait(shared, &mut ticker, offline_since, last, pause).await {
            break;
        }
    }
    shared.finish(&Error::Ended);
}

struct EndGuard(Arc<Shared>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.finish(&Error::Protocol(
                "the task of the connection panicked".into(),
            ));
        }
    }
}

fn ticker(shared: &Shared) -> Interval {
    let shortest = [shared.config.command_timeout, shared.config.offline_wait]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(TICK.1);
    let mut ticker = tokio::time::interval((shortest / 4).clamp(TICK.0, TICK.1));
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}

async fn retry_of(shared: &Shared) -> Option<Duration> {
    // Polled again whenever the driver is woken.
    poll_fn(|_| match shared.mailbox().retry.take() {
        Some(delay) => Poll::Ready(delay),
        None => Poll::Pending,
    })
    .await
}

/// Waits for something while there is no session.
async fn wait<T>(
    shared: &Arc<Shared>,
    ticker: &mut Interval,
    offline_since: Instant,
    last: Option<&Error>,
    future: impl Future<Output = T>,
) -> Waited<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        shared.keep_waker(context);
        if shared.mailbox().is_closed {
            return Poll::Ready(Waited::Closed);
        }
        let mut wire = shared.wire();
        shared.take_work(&mut wire);
        drop(wire);
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Waited::Done(value));
        }
        while ticker.poll_tick(context).is_ready() {
            shared.expire_waiting(offline_since, last);
        }
        Poll::Pending
    })
    .await
}

/// Serves the session until it is lost.
fn serve(shared: &Arc<Shared>, ticker: &mut Interval, context: &mut Context<'_>) -> Poll<Error> {
    loop {
        shared.keep_waker(context);
        {
            let mailbox = shared.mailbox();
            if mailbox.is_closed {
                return Poll::Ready(Error::Ended);
            }
            if mailbox.is_broken {
                return Poll::Ready(Error::Closed("it was given up".into()));
            }
        }
        let listener = &*shared.listener;
        let mut wire = shared.wire();
        shared.take_work(&mut wire);
        let read = wire.poll_read(listener, context);
        let written = wire.poll_write(context);
        let mut expired = Ok(());
        while ticker.poll_tick(context).is_ready() {
            if let Some(timeout) = shared.config.command_timeout {
                expired = wire.expire(timeout, listener);
            }
        }
        drop(wire);
        if let Poll::Ready(Ok(ended)) = read {
            shared.settle(ended);
        }
        listener.pause();
        match read {
            Poll::Ready(Err(error)) => return Poll::Ready(error),
            Poll::Ready(Ok(_)) => {}
            Poll::Pending => {
                return match (written, expired) {
                    (Err(error), _) => Poll::Ready(Error::Closed(error.to_string())),
                    (_, Err(error)) => Poll::Ready(error),
                    _ => Poll::Pending,
                };
            }
        }
    }
}

impl Shared {
    fn keep_waker(&self, context: &Context<'_>) {
        let mut mailbox = self.mailbox();
        let waker = context.waker();
        if !mailbox
            .waker
            .as_ref()
            .is_some_and(|kept| kept.will_wake(waker))
        {
            mailbox.waker = Some(waker.clone());
        }
    }

    fn begin(&self, stream: Stream) {
        let mut wire = self.wire();
        // Before what has waited: whoever hears of it may send at once.
        self.state(State::Ready, None, 0, None);
        wire.begin(stream);
        self.take_work(&mut wire);
        drop(wire);
        let mut mailbox = self.mailbox();
        mailbox.is_ready = true;
        mailbox.is_broken = false;
        if !mailbox.is_closed {
            mailbox.refusal = None;
        }
        drop(mailbox);
        self.listener.pause();
    }

    /// The session is over.
    fn lose(&self, error: &Error) {
        let keeps = {
            let mut mailbox = self.mailbox();
            mailbox.is_ready = false;
            !mailbox.is_closed
        };
        let ended = self.wire().end(error, keeps, &*self.listener);
        self.settle(ended);
        self.listener.pause();
    }

    /// Fails what has waited for a session for too long; after that long, nothing waits any more.
    fn expire_waiting(&self, offline_since: Instant, last: Option<&Error>) {
        let Some(limit) = self.config.offline_wait else {
            return;
        };
        if offline_since.elapsed() < limit {
            return;
        }
        let error = match last {
            Some(error @ Error::Closed(_)) => Error::Connect {
                address: self.config.address(),
                reason: error.to_string(),
                system_code: None,
            },
            Some(error) => error.clone(),
            None => Error::Connect {
                address: self.config.address(),
                reason: format!("no connection for {} ms", limit.as_millis()),
                system_code: None,
            },
        };
        self.refuse(&error, last.is_some());
    }

    /// Fails what waits, and what comes until there is a session.
    fn refuse(&self, error: &Error, is_news: bool) {
        let mut wire = self.wire();
        {
            let mut mailbox = self.mailbox();
            // The last attempt's error says more than the next one's silence.
            if mailbox.refusal.is_none() || is_news {
                mailbox.refusal = Some(error.clone());
            }
        }
        self.take_work(&mut wire);
        let ended = wire.fail_waiting(error, &*self.listener);
        drop(wire);
        self.settle(ended);
        self.listener.pause();
    }

    /// The connection is over.
    pub(super) fn finish(&self, error: &Error) {
        {
            let mut mailbox = self.mailbox();
            mailbox.is_closed = true;
            mailbox.is_ready = false;
            mailbox.refusal.get_or_insert_with(|| error.clone());
        }
        let listener = &*self.listener;
        let mut wire = self.wire();
        self.take_work(&mut wire);
        let ended = wire.end(error, false, listener) + wire.fail_waiting(error, listener);
        self.state(State::Ended, Some(error), 0, None);
        drop(wire);
        self.settle(ended);
        listener.pause();
    }

    fn tell(&self, state: State, error: Option<&Error>, attempt: u32, delay: Option<Duration>) {
        self.state(state, error, attempt, delay);
        self.listener.pause();
    }

    fn state(&self, state: State, error: Option<&Error>, attempt: u32, delay: Option<Duration>) {
        self.listener.state(&StateChange {
            state,
            error: error.cloned(),
            attempt,
            delay,
        });
    }
}
