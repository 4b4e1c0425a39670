//! The one Tokio runtime of the process.
//!
//! It starts with the first use, belongs to no thread of JavaScript and lives until the process ends:
//! worker threads come and go without taking the connections of the others with them.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::task::JoinHandle;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The environment variable that sets the number of runtime threads.
pub const THREADS_VARIABLE: &str = "PUFF_RUNTIME_THREADS";

fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(thread_count())
            .thread_name("puff-runtime")
            .enable_all()
            .build()
            .expect("the operating system refused to start the runtime threads of next-puff")
    })
}

fn thread_count() -> usize {
    let configured = std::env::var(THREADS_VARIABLE)
        .ok()
        .and_then(|text| text.parse().ok());
    configured
        .or_else(|| std::thread::available_parallelism().ok().map(usize::from))
        .unwrap_or(1)
        .clamp(1, 64)
}

/// Runs a future on the shared runtime.
///
/// Tokio catches a panic inside it: that future alone ends, whatever it owned is dropped, and the
/// owners' `Drop` reports the loss to whoever waits.
pub fn spawn<F>(future: F) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime().spawn(future)
}

/// Lets the calling thread register sockets and timers with the runtime while the guard lives.
pub(crate) fn enter() -> EnterGuard<'static> {
    runtime().enter()
}

/// A future that the calling thread begins and the runtime goes on with.
///
/// Where the beginning does the work and the rest only waits for an answer from elsewhere, no thread
/// has to be woken for the beginning; whoever has the answer wakes the rest. A thread whose answer leaves little
/// to do can go on with it by [`go_on_here`].
pub struct Begun(Mutex<Stage>);

type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

enum Stage {
    /// A thread has it; whether it was woken meanwhile.
    Running {
        is_woken: bool,
    },
    /// Nothing has happened yet that it waits for.
    Waiting(Rest),
    Over,
}

/// A future with something to do, and where it belongs.
type Woken = (Arc<Begun>, Rest);

thread_local! {
    /// What the calling thread's [`go_on_here`] has woken.
    static WOKEN_HERE: RefCell<Option<Vec<Woken>>> = const { RefCell::new(None) };
}

/// Calls a function and then goes on, on this thread, with each [`Begun`] future that it has woken.
pub fn go_on_here(wake: impl FnOnce()) {
    let outer = WOKEN_HERE.replace(Some(Vec::new()));
    let woken = catch_unwind(AssertUnwindSafe(wake));
    let here = WOKEN_HERE.replace(outer);
    for (begun, rest) in here.into_iter().flatten() {
        begun.run(rest);
    }
    if let Err(panic) = woken {
        resume_unwind(panic);
    }
}

impl Begun {
    /// A future that has not begun; it can be aborted from now on.
    pub fn new() -> Arc<Begun> {
        Arc::new(Begun(Mutex::new(Stage::Running { is_woken: false })))
    }

    /// Begins it here. A panic is caught: the future is dropped, as in a task.
    pub fn begin(self: &Arc<Self>, future: impl Future<Output = ()> + Send + 'static) {
        self.run(Box::pin(future));
    }

    /// Goes on with it here, as far as it comes.
    fn run(self: &Arc<Self>, mut rest: Rest) {
        if matches!(*self.lock(), Stage::Over) {
            return;
        }
        let waker = Waker::from(self.clone());
        let _context = enter();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            rest.as_mut().poll(&mut Context::from_waker(&waker))
        }));
        let mut stage = self.lock();
        match (&*stage, polled) {
            (Stage::Running { is_woken: true }, Ok(Poll::Pending)) => {
                *stage = Stage::Running { is_woken: false };
                drop(stage);
                self.go_on(rest);
            }
            (Stage::Running { is_woken: false }, Ok(Poll::Pending)) => {
                *stage = Stage::Waiting(rest);
            }
            // Done, panicked or aborted.
            _ => {
                *stage = Stage::Over;
                drop(stage);
                drop(rest);
            }
        }
    }

    /// Goes on with it on the runtime.
    fn go_on(self: &Arc<Self>, rest: Rest) {
        let begun = self.clone();
        spawn(async move { begun.run(rest) });
    }

    /// Drops the future: at once where it waits, else as soon as it waits again.
    pub fn abort(&self) {
        let stage = std::mem::replace(&mut *self.lock(), Stage::Over);
        // Dropped after the lock: what it owns may wake it.
        drop(stage);
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Wake for Begun {
    fn wake(self: Arc<Self>) {
        let rest = {
            let mut stage = self.lock();
            match std::mem::replace(&mut *stage, Stage::Running { is_woken: true }) {
                Stage::Waiting(rest) => {
                    *stage = Stage::Running { is_woken: false };
                    rest
                }
                Stage::Running { .. } => return,
                Stage::Over => {
                    *stage = Stage::Over;
                    return;
                }
            }
        };
        // A thread that ends may have no list any more.
        let is_here = WOKEN_HERE.try_with(|here| here.borrow().is_some());
        match is_here {
            Ok(true) => WOKEN_HERE.with_borrow_mut(|here| {
                here.get_or_insert_default().push((self, rest));
            }),
            _ => self.go_on(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    struct Dropped(std::sync::mpsc::Sender<&'static str>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            // The test may be over.
            let _ = self.0.send("dropped");
        }
    }

    fn next(events: &Receiver<&'static str>) -> Option<&'static str> {
        events.recv_timeout(Duration::from_secs(10)).ok()
    }

    #[test]
    fn a_future_begins_here_and_goes_on_elsewhere() {
        let (sender, events) = channel();
        let (answer, question) = oneshot::channel();
        let here = std::thread::current().id();
        Begun::new().begin(async move {
            let _dropped = Dropped(sender.clone());
            assert_eq!(std::thread::current().id(), here);
            sender.send("begun").unwrap();
            let text = question.await.unwrap();
            assert_ne!(std::thread::current().id(), here);
            sender.send(text).unwrap();
        });
        assert_eq!(events.try_recv(), Ok("begun"));
        answer.send("answered").unwrap();
        assert_eq!(next(&events), Some("answered"));
        assert_eq!(next(&events), Some("dropped"));
    }

    #[test]
    fn who_answers_can_go_on_with_it_as_often_as_it_waits() {
        let (sender, events) = channel();
        let (first_answer, first) = oneshot::channel();
        let (second_answer, second) = oneshot::channel();
        let here = std::thread::current().id();
        Begun::new().begin(async move {
            sender.send(first.await.unwrap()).unwrap();
            assert_eq!(std::thread::current().id(), here);
            sender.send(second.await.unwrap()).unwrap();
            assert_eq!(std::thread::current().id(), here);
        });
        for (answer, text) in [(first_answer, "first"), (second_answer, "second")] {
            go_on_here(|| {
                answer.send(text).unwrap();
                assert!(events.try_recv().is_err());
            });
            assert_eq!(events.try_recv(), Ok(text));
        }
    }

    #[test]
    fn an_answer_during_the_beginning_is_not_lost() {
        let (sender, events) = channel();
        Begun::new().begin(async move {
            tokio::task::yield_now().await;
            sender.send("went on").unwrap();
        });
        assert_eq!(next(&events), Some("went on"));
    }

    #[test]
    fn aborting_drops_it_wherever_it_is() {
        let (sender, events) = channel();
        for is_spawned in [false, true] {
            let dropped = Dropped(sender.clone());
            let begun = Begun::new();
            begun.begin(async move {
                let _dropped = dropped;
                if is_spawned {
                    tokio::task::yield_now().await;
                }
                std::future::pending::<()>().await;
            });
            assert!(events.try_recv().is_err());
            begun.abort();
            assert_eq!(next(&events), Some("dropped"), "spawned: {is_spawned}");
        }
        // Before its beginning as well.
        let dropped = Dropped(sender);
        let begun = Begun::new();
        begun.abort();
        begun.begin(async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        });
        assert_eq!(next(&events), Some("dropped"));
    }

    #[test]
    fn a_panic_drops_it_and_nothing_else() {
        let (sender, events) = channel();
        let dropped = Dropped(sender);
        Begun::new().begin(async move {
            let _dropped = dropped;
            panic!("on purpose");
        });
        assert_eq!(next(&events), Some("dropped"));
    }
}
