//! How calls cross from JavaScript and answers cross back.
//!
//! Each isolate (the main thread, a worker thread) makes one [`Boundary`]. A call carries an id that
//! JavaScript chose. Its answer is queued here by whatever thread of the runtime has it; the first
//! answer in an empty queue wakes the isolate once, and JavaScript then drains all that are there into
//! a buffer of its own.

mod completion;
mod deliveries;
mod failure;
mod hosted;
mod isolate;
mod operations;
mod sinks;
mod streams;
mod subscriptions;
mod task_workers;
mod wake_clock;

pub(crate) use completion::{Answer, Response};
pub(crate) use deliveries::{Delivery, Event};
pub(crate) use failure::to_json as failure_to_json;
pub(crate) use hosted::{HostedCaller, RouteClients};
pub use isolate::Boundary;
pub(crate) use isolate::Isolate;
pub(crate) use operations::{Running, ScriptOperation};
pub(crate) use sinks::{EventListener, RawSink, SimpleSink};
pub(crate) use streams::ResponseStream;
