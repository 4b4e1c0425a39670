//! GraphQL over HTTP (the working draft of <https://graphql.github.io/graphql-over-http/>), without
//! any transport: requests in, what to execute or what to answer out.
//!
//! A server calls [`Endpoint::accept`] with what it received. It sends an [`Accepted::Respond`] as it
//! is; it runs an [`Accepted::Execute`] and sends what [`respond`] makes of the engine's response.

mod csrf;
mod endpoint;
mod media_type;
mod options;
mod parameters;
mod persisted;
mod playground;
mod refusal;
mod response;

pub use endpoint::{Accepted, Endpoint, HttpRequest, REQUEST_HEADERS, STREAM_TOKEN, Streaming};
pub use media_type::accepts_event_stream;
pub use options::{HttpOptions, Method, PersistedOptions, Playground, SubscriptionOptions};
pub use response::{HttpResponse, ResponseFormat, respond};
