//! The hub of the process for JavaScript.

use std::sync::Arc;

use napi::bindgen_prelude::Object;
use napi::sys::{napi_callback_info, napi_env, napi_value};
use napi::{Env, Error, Result};
use napi_derive::napi;
use puff_core::pubsub::{
    Interest, Kind, Message, PostgresTransport, RedisTransport, Refusal, Subscriber, hub,
};
use puff_core::redis::{Config, Options};

use crate::boundary::direct::{self, Arguments, text_at};
use crate::boundary::{Answer, Boundary, Delivery, Event, Isolate, News};
use crate::postgres::pool;

/// An isolate that listens to a channel or a pattern.
struct Listening {
    isolate: Arc<Isolate>,
    id: u32,
    is_pattern: bool,
}

impl Listening {
    fn tell(&self, event: Event<'_>) {
        self.isolate.deliver(&Delivery {
            subscription: self.id,
            event,
        });
    }
}

impl Subscriber for Listening {
    fn deliver(&self, channel: &Arc<str>, message: &Message<'_>) {
        self.tell(Event::Message {
            channel: self.is_pattern.then_some(&**channel),
            message,
        });
    }

    fn gap(&self) {
        self.tell(Event::Gap);
    }

    fn refuse(&self, refusal: &Refusal) {
        self.tell(Event::News(News::Refused(refusal_json(refusal).into())));
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
        self.isolate.deliver(&Delivery {
            subscription: id,
            event: Event::News(News::Ended),
        });
    }
}

/// Gives JavaScript what napi-derive does not.
#[napi(module_exports)]
pub fn export_pubsub(mut exports: Object<'_>, env: Env) -> Result<()> {
    direct::export(&mut exports, env, "pubsubPublish", publish)
}

/// Publishes a message: channel, kind (0 text, 1 bytes, 2 JSON), content and, if it has one, the id of its sender. Returns how
/// many of this process took it.
unsafe extern "C" fn publish(env: napi_env, info: napi_callback_info) -> napi_value {
    let body = |arguments: &Arguments<4>, texts: &mut Vec<u8>| {
        let kind = match arguments.number(1)? {
            0 => Kind::Text,
            1 => Kind::Binary,
            2 => Kind::Json,
            other => return Err(Error::from_reason(format!("no kind of message: {other}"))),
        };
        let channel = arguments.text(0, texts)?;
        let content = match kind {
            Kind::Binary => None,
            Kind::Text | Kind::Json => Some(arguments.text(2, texts)?),
        };
        let sender = match arguments.is_given(3)? {
            true => Some(arguments.text(3, texts)?),
            false => None,
        };
        let bytes = match content {
            Some(content) => &texts[content],
            None => arguments.bytes(2)?,
        };
        let sender = sender.map(|sender| text_at(texts, sender).into());
        let message = Message::new(kind, bytes, sender);
        match hub().publish(text_at(texts, channel), message) {
            Ok(taken) => Ok(taken as u32),
            Err(overflow) => Err(Error::from_reason(format!(
                "PUFF_PUBSUB_OVERFLOW: {overflow}"
            ))),
        }
    };
    // SAFETY: they are what Node-API gave; publishing only queues, and runs no JavaScript.
    unsafe { direct::call(env, info, body) }
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
