//! Limits of one process.

use std::num::NonZeroUsize;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::limit::{Decision, Limit};

/// Keys that are remembered.
const MAX_KEYS: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// Parts with a lock each, so that threads rarely wait for each other.
const PARTS: usize = 16;

static MEMORY: LazyLock<Memory> = LazyLock::new(|| Memory::new(MAX_KEYS));

/// The limits of the process, which all isolates share.
pub fn memory() -> &'static Memory {
    &MEMORY
}

/// When all units of a key are back, in milliseconds since 1970.
type Part = LruCache<Box<str>, f64>;

/// What was taken under each key, as long as it counts.
///
/// Bounded by keys: with more of them, what was not asked for longest is forgotten, as if nothing had been taken.
pub struct Memory {
    parts: Box<[Mutex<Part>]>,
}

impl Memory {
    /// Remembers about so many keys.
    pub fn new(max_keys: NonZeroUsize) -> Memory {
        let of_part = NonZeroUsize::MIN.saturating_add(max_keys.get() / PARTS);
        let part = || Mutex::new(LruCache::new(of_part));
        Memory {
            parts: std::iter::repeat_with(part).take(PARTS).collect(),
        }
    }

    /// Takes `cost` units if there are that many.
    pub fn take(&self, key: &str, limit: Limit, cost: f64, now_ms: f64) -> Decision {
        let mut part = self.part(key);
        let busy_ms = part.get(key).map_or(0.0, |reset_ms| reset_ms - now_ms);
        let (decision, busy_ms) = limit.decide(busy_ms, cost);
        if decision.is_allowed && cost > 0.0 {
            part.put(key.into(), now_ms + busy_ms);
        }
        decision
    }

    /// Forgets what was taken; whether anything was.
    pub fn reset(&self, key: &str) -> bool {
        self.part(key).pop(key).is_some()
    }

    /// Keys that are remembered.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| lock(part).len()).sum()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, key: &str) -> MutexGuard<'_, Part> {
        // FNV-1a: keys that clients choose can at worst share one lock.
        let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        lock(&self.parts[(hash >> 32) as usize % PARTS])
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
