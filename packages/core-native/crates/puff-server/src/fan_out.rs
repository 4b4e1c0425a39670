//! Doing the same for many, on all threads of the runtime.

use std::sync::Arc;

use puff_core::runtime;

/// How many a thread serves before it looks for other work.
const PART: usize = 128;

/// Does something for all of a list, and resolves when it is done. Few are served on this thread.
///
/// # Panics
/// If it panics for one of them; the others of its part may be left out then.
pub(crate) async fn for_all<T: Send + Sync + 'static>(
    all: Arc<[T]>,
    each: impl Fn(&T) + Send + Sync + 'static,
) {
    let each = Arc::new(each);
    let parts: Vec<_> = (PART..all.len())
        .step_by(PART)
        .map(|begin| {
            let (all, each) = (all.clone(), each.clone());
            runtime::spawn(async move {
                all[begin..].iter().take(PART).for_each(&*each);
            })
        })
        .collect();
    all.iter().take(PART).for_each(&*each);
    for part in parts {
        if let Err(error) = part.await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_is_served_once() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for count in [0, 1, PART, PART + 1, 10 * PART - 1] {
            let all: Arc<[AtomicUsize]> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            runtime.block_on(for_all(all.clone(), |one| {
                one.fetch_add(1, Ordering::Relaxed);
            }));
            assert!(all.iter().all(|one| one.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    #[should_panic(expected = "the last")]
    fn a_panic_comes_through() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let all: Arc<[usize]> = (0..=3 * PART).collect();
        runtime.block_on(for_all(all, |one| assert_ne!(*one, 3 * PART, "the last")));
    }
}
