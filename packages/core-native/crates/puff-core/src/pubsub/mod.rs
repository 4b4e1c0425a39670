//! Messages on named channels, to whoever listens at that moment.
//!
//! The [`Hub`] of the process delivers to all its subscribers: isolates, WebSockets, GraphQL
//! subscriptions. A message is copied once for all who keep it, and not at all where nobody does; nobody waits
//! for anybody. A [`Transport`] brings
//! messages to the hubs of other processes.

mod hub;
mod interest;
mod node;
mod outbox;
mod pattern;
mod payload;
mod places;
mod postgres;
mod redis;
mod transport;

pub use hub::{Hub, Subscriber, Subscription, hub};
pub use interest::Interest;
pub use pattern::Pattern;
pub use payload::{Kind, Message, Payload};
pub use postgres::PostgresTransport;
pub use redis::RedisTransport;
pub use transport::{Overflow, Refusal, Transport, Wait};
