//! Whether Redis is asked at all, and what is said about it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::cache::now_ms;
use crate::redis::{Error, Reply};

/// How long Redis is left alone after a failure.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// What is known of a Redis: it answers, it answers but takes nothing new, or it fails.
#[derive(Debug)]
pub(super) struct Health {
    /// How long an answer is waited for.
    timeout: Duration,
    asking: Pause,
    writing: Pause,
    reported_damage: AtomicBool,
}

/// A time in which something is not tried.
#[derive(Debug, Default)]
struct Pause {
    /// In milliseconds since 1970.
    until_ms: AtomicU64,
    is_reported: AtomicBool,
}

impl Health {
    pub(super) fn new(timeout: Duration) -> Health {
        Health {
            timeout,
            asking: Pause::default(),
            writing: Pause::default(),
            reported_damage: AtomicBool::new(false),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.asking.lasts()
    }

    pub(super) fn takes_nothing(&self) -> bool {
        self.asking.lasts() || self.writing.lasts()
    }

    /// The reply, if it comes in time; a failure is reported once until there is a reply again.
    pub(super) async fn read(
        &self,
        run: impl Future<Output = Result<Reply, Error>>,
    ) -> Option<Reply> {
        let result = self.in_time(run).await;
        self.judge(result)
    }

    /// The same for what changes something: a Redis that refuses that, because it is full or a replica, can be read still.
    pub(super) async fn write(
        &self,
        run: impl Future<Output = Result<Reply, Error>>,
    ) -> Option<Reply> {
        let result = self.in_time(run).await;
        match &result {
            Err(error @ (Error::OutOfMemory(_) | Error::ReadOnly(_))) => {
                if self.writing.begin() {
                    eprintln!(
                        "[next-puff] Redis takes no entries of the cache: every process keeps new ones to itself. {error} ({})",
                        error.code()
                    );
                }
                None
            }
            Ok(_) => {
                if self.writing.end() {
                    eprintln!("[next-puff] Redis takes entries of the cache again.");
                }
                self.judge(result)
            }
            Err(_) => self.judge(result),
        }
    }

    async fn in_time(
        &self,
        run: impl Future<Output = Result<Reply, Error>>,
    ) -> Result<Reply, Error> {
        match tokio::time::timeout(self.timeout, run).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout(self.timeout)),
        }
    }

    fn judge(&self, result: Result<Reply, Error>) -> Option<Reply> {
        match result {
            Ok(reply) => {
                if self.asking.end() {
                    eprintln!("[next-puff] the cache shares its entries by Redis again.");
                }
                Some(reply)
            }
            Err(error) => {
                if self.asking.begin() {
                    eprintln!(
                        "[next-puff] every process keeps its cache to itself until Redis answers. {error} ({})",
                        error.code()
                    );
                }
                None
            }
        }
    }

    /// Says, the first time, that there was something else in an entry's place.
    pub(super) fn report_damage(&self, key: &str) {
        if !self.reported_damage.swap(true, Ordering::AcqRel) {
            eprintln!(
                "[next-puff] an entry of the cache in Redis is damaged, or of another version: it is made anew. It was {key}; \
                 others are not reported."
            );
        }
    }
}

impl Pause {
    fn lasts(&self) -> bool {
        (now_ms() as u64) < self.until_ms.load(Ordering::Acquire)
    }

    /// Whether it was not reported yet.
    fn begin(&self) -> bool {
        let until = now_ms() + PAUSE.as_millis() as f64;
        self.until_ms.store(until as u64, Ordering::Release);
        !self.is_reported.swap(true, Ordering::AcqRel)
    }

    /// Whether its begin was reported.
    fn end(&self) -> bool {
        self.is_reported.swap(false, Ordering::AcqRel)
    }
}
