//! The hub of the process for JavaScript.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use napi::bindgen_prelude::{Either, Uint8Array};
use napi::{Error, Result};
use napi_derive::napi;
use puff_core::pubsub::{Kind, Payload, PostgresTransport, Subscriber, hub};
use puff_server::script::{Attachment, Isolate as _, Message, Topic};

use crate::boundary::{Answer, Boundary, Isolate};
use crate::postgres::pool;

/// An isolate that listens: message [`Topic::PUBSUB`] has the subscription's id, the message's kind, and the channel,
/// the content and the sender as attachments.
struct Listening {
    isolate: Arc<Isolate>,
    id: u32,
}

impl Subscriber for Listening {
    fn deliver(&self, channel: &Arc<str>, payload: &Arc<Payload>) {
        let content = match payload.kind {
            Kind::Binary => Attachment::Bytes(payload.bytes.clone()),
            Kind::Text | Kind::Json => {
                Attachment::Text(String::from_utf8_lossy(&payload.bytes).into_owned())
            }
        };
        let mut attachments = vec![Attachment::Text(channel.to_string()), content];
        if let Some(sender) = &payload.sender {
            attachments.push(Attachment::Text(sender.to_string()));
        }
        self.isolate.send(Message {
            topic: Topic::PUBSUB,
            id: self.id,
            numbers: [code(payload.kind), 0],
            attachments,
        });
    }

    fn gap(&self) {
        self.isolate.send(Message {
            topic: Topic::PUBSUB,
            id: self.id,
            numbers: [GAP, 0],
            attachments: Vec::new(),
        });
    }
}

/// Stands where a message's kind does: messages of other processes may have been missed.
const GAP: i32 = 3;

#[napi]
impl Boundary {
    /// Subscribes to a channel; messages come with this id until `pubsubUnsubscribe`. The same id may
    /// subscribe to several channels.
    #[napi(catch_unwind)]
    pub fn pubsub_subscribe(&self, id: u32, channel: String) {
        let isolate = self.isolate.clone();
        let subscription = hub().subscribe(&channel, Arc::new(Listening { isolate, id }));
        self.isolate.subscriptions.add(id, subscription);
    }

    /// Answers with nothing when messages of other processes arrive; at once when there are none.
    #[napi(catch_unwind)]
    pub fn pubsub_ready(&self, call: u32) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            if let Some(transport) = TRANSPORT.get() {
                transport.listening().await;
            }
            isolate.complete(call, Answer::Nothing);
        });
    }

    /// Answers with nothing when what was published until now has left for other processes.
    #[napi(catch_unwind)]
    pub fn pubsub_flush(&self, call: u32) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            if let Some(transport) = TRANSPORT.get() {
                transport.flushed().await;
            }
            isolate.complete(call, Answer::Nothing);
        });
    }

    /// Ends a subscription to a channel, or to all without one.
    #[napi(catch_unwind)]
    pub fn pubsub_unsubscribe(&self, id: u32, channel: Option<String>) {
        self.isolate.subscriptions.remove(id, channel.as_deref());
    }
}

/// Publishes a message (kind 0 text, 1 bytes, 2 JSON) and returns how many of this process took it.
#[napi(catch_unwind)]
pub fn pubsub_publish(
    channel: String,
    kind: u32,
    content: Either<String, Uint8Array>,
    sender: Option<String>,
) -> Result<u32> {
    let kind = match kind {
        0 => Kind::Text,
        1 => Kind::Binary,
        2 => Kind::Json,
        _ => return Err(Error::from_reason(format!("no kind of message: {kind}"))),
    };
    let bytes = match content {
        Either::A(text) => Bytes::from(text),
        Either::B(bytes) => Bytes::copy_from_slice(&bytes),
    };
    let sender = sender.map(String::into_boxed_str);
    let payload = Payload {
        kind,
        bytes,
        sender,
    };
    let taken = hub()
        .publish(&channel, payload)
        .map_err(|overflow| Error::from_reason(format!("PUFF_PUBSUB_OVERFLOW: {overflow}")))?;
    Ok(taken as u32)
}

/// The hub's way to other processes, once there is one.
static TRANSPORT: OnceLock<Arc<PostgresTransport>> = OnceLock::new();

/// Connects the hub with those of other processes by the database of a pool; the first call counts.
#[napi(catch_unwind)]
pub fn pubsub_connect(pool_id: u32) -> Result<()> {
    if TRANSPORT.get().is_some() {
        return Ok(());
    }
    let transport = PostgresTransport::new(hub(), &pool(pool_id)?)
        .map_err(|error| Error::from_reason(format!("PUFF_POSTGRES_CONFIG: {error}")))?;
    hub().connect(TRANSPORT.get_or_init(|| transport).clone());
    Ok(())
}

fn code(kind: Kind) -> i32 {
    match kind {
        Kind::Text => 0,
        Kind::Binary => 1,
        Kind::Json => 2,
    }
}
