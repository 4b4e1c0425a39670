//! What isolates are told.

use std::time::Duration;

use bytes::Bytes;

/// An isolate of JavaScript: the main thread of Node.js or one of its worker threads.
pub trait Isolate: Send + Sync {
    /// Hands a message over; never waits. An isolate that has ended drops it.
    fn send(&self, message: Message);

    /// How long its event loop took to turn when it was last woken.
    fn event_loop_delay(&self) -> Duration {
        Duration::ZERO
    }

    /// How long it has been woken for and has not turned; zero when nothing waits for it.
    fn stuck_for(&self) -> Duration {
        Duration::ZERO
    }
}

/// Something that an isolate is told; nobody waits for an answer.
pub struct Message {
    /// Who takes it in JavaScript.
    pub topic: Topic,
    /// What it is about: an exchange, a socket, a subscription.
    pub id: u32,
    /// As the topic says.
    pub numbers: [i32; 2],
    /// As the topic says.
    pub attachments: Vec<Attachment>,
}

/// A value that travels with a message.
pub enum Attachment {
    /// A string of UTF-8.
    Text(String),
    /// A string, a character per byte: cheaper, and what headers are.
    Latin1(Vec<u8>),
    /// A `Uint8Array` of its own.
    Bytes(Bytes),
}

/// Names what a message is, for the listeners in `packages/next-puff/src/boundary/messages.ts`.
///
/// Each area counts from its own ten: 1 HTTP, 10 WebSockets, 20 GraphQL, 30 pub/sub, 40 cache, 50 tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic(pub u8);

impl Topic {
    /// A request to answer; see `request_head.rs`.
    pub const REQUEST: Topic = Topic(1);
    /// More of a request's body: bytes.
    pub const REQUEST_BODY: Topic = Topic(2);
    /// A request's body has ended; the first number is 1 if it was cut off.
    pub const REQUEST_END: Topic = Topic(3);
    /// The client went away, or the answer was given up.
    pub const CLOSED: Topic = Topic(4);
    /// What was written of an answer has gone out: more may follow.
    pub const DRAINED: Topic = Topic(5);
    /// Something about the server as a whole: JSON.
    pub const SERVER: Topic = Topic(6);
    /// A client asks for a WebSocket; see `websocket/isolate_sockets.rs`.
    pub const SOCKET_REQUEST: Topic = Topic(10);
    /// A text came; the first number is what it costs until it is read.
    pub const SOCKET_TEXT: Topic = Topic(11);
    /// Bytes came; the first number is what they cost until they are read.
    pub const SOCKET_BINARY: Topic = Topic(12);
    /// A socket has ended: its code, 1 if both sides closed it, and the reason; also one that was asked
    /// for and not yet accepted.
    pub const SOCKET_CLOSED: Topic = Topic(13);
    /// What was sent has gone out: more may follow.
    pub const SOCKET_DRAINED: Topic = Topic(14);
    /// A pong came, with the bytes of a ping.
    pub const SOCKET_PONG: Topic = Topic(15);
    /// What became of GraphQL operations that did not begin in the isolate; see `boundary/hosted.rs`.
    pub const GRAPHQL: Topic = Topic(20);
    /// Jobs for a worker to run: JSON.
    pub const TASK_JOBS: Topic = Topic(50);
    /// Runs of a worker that count no more: why, and the ids as JSON.
    pub const TASK_ABORT: Topic = Topic(51);
    /// A worker cannot use its store, which is a failure's JSON, or can again.
    pub const TASK_TROUBLE: Topic = Topic(52);
}
