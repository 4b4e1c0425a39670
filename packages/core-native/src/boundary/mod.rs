//! How calls cross from JavaScript and answers cross back.
//!
//! Each isolate (the main thread, a worker thread) makes one [`Boundary`]. A call carries an id that
//! JavaScript chose. Its answer is queued here by whatever thread of the runtime has it; the first
//! answer in an empty queue wakes the isolate once, and JavaScript then drains all that are there into
//! a buffer of its own. Where an isolate runs one statement at a time, its own event loop reads the
//! answer from the socket (`socket_loop`): nobody else has to be woken.

mod completion;
mod deliveries;
pub(crate) mod direct;
mod failure;
mod hosted;
mod isolate;
mod operations;
mod single_statements;
mod sinks;
#[cfg_attr(not(target_os = "linux"), path = "socket_loop_elsewhere.rs")]
mod socket_loop;
mod streams;
mod subscriptions;
mod task_workers;
#[cfg(target_os = "linux")]
mod uv;
mod wake_clock;

pub(crate) use completion::{Answer, Response};
pub(crate) use deliveries::{Delivery, Event, News};
pub(crate) use failure::to_json as failure_to_json;
pub(crate) use hosted::{HostedCaller, RouteClients};
pub use isolate::Boundary;
pub(crate) use isolate::Isolate;
pub(crate) use operations::{Running, ScriptOperation};
pub(crate) use sinks::{EventListener, RawSink, SimpleSink};
pub(crate) use streams::ResponseStream;
