//! How long and how large a request's body may be.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use super::config::{Limits, Timeouts};

/// Why a body was not taken to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyFault {
    /// More bytes than are allowed.
    #[error("the body is larger than the server allows")]
    TooLarge,
    /// Too few bytes in too long a time.
    #[error("the body came too slowly")]
    TooSlow,
    /// Chunks that are none, or a connection that ended.
    #[error("the body is malformed or was cut off")]
    Malformed,
}

/// The bounds of a body that is being read.
pub(super) struct BodyBounds {
    /// Bytes that may still come.
    left: Option<u64>,
    progress: Option<Duration>,
    /// When all of it has to be there.
    deadline: Option<Instant>,
    /// Runs while the next bytes are waited for.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    pub(super) fate: Arc<BodyFate>,
}

impl BodyBounds {
    pub(super) fn new(limits: &Limits, timeouts: &Timeouts) -> BodyBounds {
        BodyBounds {
            left: limits.body_bytes,
            progress: timeouts.body_progress,
            deadline: timeouts.request.map(|bound| Instant::now() + bound),
            timer: None,
            is_waiting: false,
            fate: Arc::default(),
        }
    }

    /// Bytes have come.
    pub(super) fn take(&mut self, bytes: u64) -> Result<(), BodyFault> {
        self.is_waiting = false;
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(bytes).ok_or(BodyFault::TooLarge)?;
        }
        Ok(())
    }

    /// Nothing has come; ready once that has lasted too long.
    pub(super) fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<BodyFault> {
        if !self.is_waiting {
            let progress = self.progress.map(|bound| Instant::now() + bound);
            let Some(deadline) = progress.into_iter().chain(self.deadline).min() else {
                return Poll::Pending;
            };
            self.is_waiting = true;
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(deadline),
                None => self.timer = Some(Box::pin(sleep_until(deadline))),
            }
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(context).map(|()| BodyFault::TooSlow),
            None => Poll::Pending,
        }
    }
}

/// Tells whoever answers a request what has become of its body.
#[derive(Default)]
pub(super) struct BodyFate {
    fault: OnceLock<BodyFault>,
    told: Notify,
    is_read: AtomicBool,
}

impl BodyFate {
    /// It has failed.
    pub(super) fn fail(&self, fault: BodyFault) {
        // The first one counts.
        let _ = self.fault.set(fault);
        self.told.notify_one();
    }

    /// It was read to its end.
    pub(super) fn note_end(&self) {
        self.is_read.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_read(&self) -> bool {
        self.is_read.load(Ordering::Relaxed)
    }

    /// Why it has failed, if it has.
    pub(super) fn fault(&self) -> Option<BodyFault> {
        self.fault.get().copied()
    }

    /// Resolves when it has failed.
    pub(super) async fn failed(&self) -> BodyFault {
        loop {
            if let Some(fault) = self.fault() {
                return fault;
            }
            self.told.notified().await;
        }
    }
}
