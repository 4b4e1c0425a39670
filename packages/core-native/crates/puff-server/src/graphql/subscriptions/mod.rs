//! Operations of clients that stay connected: queries and mutations with one response, subscriptions with
//! one for each event.
//!
//! An [`Operation`] runs by itself and gives its [`Responses`] to a transport. Subscriptions to a channel
//! that need no JavaScript are executed once per event for all subscribers that would get the same
//! (`feed`); all others are executed one by one, at the pace of their client.

mod channel_events;
mod feed;
mod operation;
mod outbox;
mod response_queue;
mod responses;
mod root_value;

pub(super) use feed::Feeds;
pub use operation::Operation;
pub use outbox::{End, Outbox};
pub use response_queue::ResponseQueue;
pub use responses::Responses;
