//! JavaScript isolates, as the server sees them.
//!
//! An isolate takes [`Message`]s and never makes anybody wait; what it has to say in return comes by
//! calls on the object that the message's id names. The addon is the one implementation of
//! [`Isolate`].

mod answer;
mod exchanges;
mod isolates;
mod message;
mod request_head;
mod tunnel;

pub use answer::{AnswerHandle, OutgoingHead, Written};
pub use exchanges::Exchanges;
pub use isolates::{IsolateLimits, Isolates, Member, Unanswered};
pub use message::{Attachment, Isolate, Message, Topic};
pub use request_head::ScriptRoute;
pub(crate) use request_head::socket_head;
