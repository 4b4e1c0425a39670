//! The hub of the process for JavaScript.

use std::sync::Arc;

use bytes::Bytes;
use napi::bindgen_prelude::{Either, Uint8Array};
use napi::{Error, Result};
use napi_derive::napi;
use puff_core::pubsub::{
    Interest, Kind, Payload, PostgresTransport, RedisTransport, Refusal, Subscriber, hub,
};
use puff_core::redis::{Config, Options};

use crate::boundary::{Answer, Boundary, Delivery, Event, Isolate};
use crate::postgres::pool;

/// An isolate that listens to a channel or a pattern.
struct Listening {
    isolate: Arc<Isolate>,
    id: u32,
    is_pattern: bool,
}

impl Listening {
    fn tell(&self, event: Event) {
        self.isolate.deliver(Delivery {
            subscription: self.id,
            event,
        });
    }
}

impl Subscriber for Listening {
    fn deliver(&self, channel: &Arc<str>, payload: &Arc<Payload>) {
        self.tell(Event::Message {
            channel: self.is_pattern.then(|| channel.clone()),
            payload: payload.clone(),
        });
    }

    fn gap(&self) {
        self.tell(Event::Gap);
    }

    fn refuse(&self, refusal: &Refusal) {
        self.tell(Event::Refused(refusal_json(refusal).into()));
    }
}

/// A refusal as the JSON that `packages/next-puff/src/boundary/failures.ts` makes an error of.
fn refusal_json(refusal: &Refusal) -> String {
    let Refusal { reason, hint } = refusal;
    serde_json::json!({ "code": "PUFF_PUBSUB_REFUSED", "message": reason, "hint": hint })
        .to_string()
}

#[napi]
impl Boundary {
    /// Subscribes to a channel, or to all channels that a pattern matches; messages come with this id, which
    /// nothing else has, until `pubsubUnsubscribe`.
    #[napi(catch_unwind)]
    pub fn pubsub_subscribe(&self, id: u32, name: String, is_pattern: bool) {
        let listening = Listening {
            isolate: self.isolate.clone(),
            id,
            is_pattern,
        };
        let interest = match is_pattern {
            true => Interest::pattern(&name),
            false => Interest::channel(&name),
        };
        let subscription = hub().listen(interest, Arc::new(listening));
        self.isolate.subscriptions.add(id, subscription);
    }

    /// Answers with nothing when messages of other processes arrive; at once when there are none. Fails where those for one of
    /// these channels or patterns are refused.
    #[napi(catch_unwind)]
    pub fn pubsub_ready(&self, call: u32, channels: Vec<String>, patterns: Vec<String>) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            let mut refusal = None;
            if let Some(transport) = hub().transport() {
                transport.ready().await;
                let channels = channels.iter().map(|name| Interest::channel(name));
                let patterns = patterns.iter().map(|text| Interest::pattern(text));
                refusal = channels
                    .chain(patterns)
                    .find_map(|interest| transport.refusal(&interest));
            }
            let answer = match refusal {
                Some(refusal) => Answer::Fault(refusal_json(&refusal)),
                None => Answer::Nothing,
            };
            isolate.complete(call, answer);
        });
    }

    /// Answers with nothing when what was published until now has left for other processes.
    #[napi(catch_unwind)]
    pub fn pubsub_flush(&self, call: u32) {
        let isolate = self.isolate.clone();
        self.isolate.spawn(call, async move {
            if let Some(transport) = hub().transport() {
                transport.flushed().await;
            }
            isolate.complete(call, Answer::Nothing);
        });
    }

    /// Ends a subscription: after what has come already it is told that nothing comes any more.
    #[napi(catch_unwind)]
    pub fn pubsub_unsubscribe(&self, id: u32) {
        self.isolate.subscriptions.remove(id);
        self.isolate.deliver(Delivery {
            subscription: id,
            event: Event::Ended,
        });
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

/// Connects the hub with those of other processes by the database of a pool; the first connection counts.
#[napi(catch_unwind)]
pub fn pubsub_connect_postgres(pool_id: u32) -> Result<()> {
    if hub().transport().is_some() {
        return Ok(());
    }
    let transport = PostgresTransport::new(hub(), &pool(pool_id)?)
        .map_err(|error| Error::from_reason(format!("PUFF_POSTGRES_CONFIG: {error}")))?;
    hub().connect(transport);
    Ok(())
}

/// The same by a Redis server, with the options (JSON) of a connection.
///
/// Throws a message that begins with `PUFF_REDIS_CONFIG: ` when they make no sense.
#[napi(catch_unwind)]
pub fn pubsub_connect_redis(options: String) -> Result<()> {
    if hub().transport().is_some() {
        return Ok(());
    }
    let refuse =
        |error: &dyn std::fmt::Display| Error::from_reason(format!("PUFF_REDIS_CONFIG: {error}"));
    let options = Options::from_json(&options).map_err(|error| refuse(&error))?;
    let config = Config::new(options).map_err(|error| refuse(&error))?;
    hub().connect(RedisTransport::new(hub(), config));
    Ok(())
}
