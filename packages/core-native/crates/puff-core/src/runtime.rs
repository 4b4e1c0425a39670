//! The one Tokio runtime of the process.
//!
//! It starts with the first use, belongs to no thread of JavaScript and lives until the process ends:
//! worker threads come and go without taking the connections of the others with them.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};
pub use tokio::task::AbortHandle;
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
