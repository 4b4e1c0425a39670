//! GraphQL over Server-Sent Events, as <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>
//! has it: one stream for each operation ("distinct connections mode"), or one stream for all of a client
//! ("single connection mode").
//!
//! A client that reads more slowly than events come is cut off when `subscriptions.maxBufferedBytes` wait
//! for it.

mod events;
mod shared;
mod stream;

pub use shared::{SharedStreams, StreamRefusal};
pub use stream::EventStream;
