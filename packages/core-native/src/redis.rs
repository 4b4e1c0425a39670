//! Connections to Redis for JavaScript.
//!
//! What comes back on a connection crosses in its order, as records of `puff_core::redis::packed`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use napi::{Error, Result};
use napi_derive::napi;
use puff_core::redis::packed::{Record, error_json};
use puff_core::redis::{
    Answers, Batch, Config, Connection, Error as RedisError, Expects, Listener, Options, State,
    StateChange,
};

use crate::boundary::{Answer, Boundary, Isolate};

/// An isolate's connections by the ids that it gave them.
#[derive(Default)]
pub(crate) struct Connections(Mutex<HashMap<u32, Connection>>);

impl Connections {
    fn get(&self, id: u32) -> Option<Connection> {
        self.lock().get(&id).cloned()
    }

    /// Closes all.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.lock());
        for connection in all.into_values() {
            connection.close();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Connection>> {
        self.0.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

/// Passes on to an isolate what a connection hears.
struct Ear {
    isolate: Arc<Isolate>,
    id: u32,
    record: Mutex<Record>,
}

impl Ear {
    fn add(&self, add: impl FnOnce(&mut Record)) {
        let mut record = self
            .record
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        add(&mut record);
        if record.is_full() {
            self.cross(&mut record);
        }
    }

    fn cross(&self, record: &mut Record) {
        let record = std::mem::take(record);
        self.isolate
            .push(self.id, Answer::Replies(Box::new(record)));
    }
}

impl Listener for Ear {
    fn reply(&self, mode: u8, frame: &[u8]) {
        self.add(|record| record.reply(mode, frame));
    }

    fn fail(&self, commands: u32, error: &RedisError) {
        self.add(|record| record.failure(commands, error));
    }

    fn push(&self, frame: &[u8]) {
        self.add(|record| record.push(frame));
    }

    fn state(&self, change: &StateChange) {
        let state = match change.state {
            State::Connecting => "connecting",
            State::Ready => "ready",
            State::Reconnecting => "reconnecting",
            State::Ended => "end",
        };
        let json = serde_json::json!({
            "state": state,
            "error": change.error.as_ref().map(error_json),
            "attempt": change.attempt,
            "delayMs": change.delay.map(|delay| delay.as_millis() as u64),
        });
        self.add(|record| record.state(&json.to_string()));
    }

    fn pause(&self) {
        let mut record = self
            .record
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        if !record.is_empty() {
            self.cross(&mut record);
        }
    }
}

#[napi]
impl Boundary {
    /// Makes a connection with these options (JSON); it connects with its first use. What comes of it crosses with
    /// this id.
    ///
    /// Throws a message that begins with `PUFF_REDIS_CONFIG: ` when the options make no sense.
    #[napi(catch_unwind)]
    pub fn redis_open(&self, id: u32, options: String) -> Result<()> {
        let refuse = |error: &dyn std::fmt::Display| {
            Error::from_reason(format!("PUFF_REDIS_CONFIG: {error}"))
        };
        let options = Options::from_json(&options).map_err(|error| refuse(&error))?;
        let config = Config::new(options).map_err(|error| refuse(&error))?;
        let ear = Ear {
            isolate: self.isolate.clone(),
            id,
            record: Mutex::default(),
        };
        let connection = Connection::new(config, Arc::new(ear));
        self.isolate.redis.lock().insert(id, connection);
        Ok(())
    }

    /// Sends the commands in the first `length` of `bytes`; returns why none of them was or will be sent, as JSON.
    ///
    /// `mode` is 0 for strings as text, 1 for bytes. Where `confirmations` is not negative, they are one command that
    /// changes so many subscriptions, 0 for all.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "one crossing per batch, without objects"
    )]
    pub fn redis_send(
        &self,
        id: u32,
        bytes: &[u8],
        length: u32,
        commands: u32,
        mode: u32,
        confirmations: i32,
        has_timeout: bool,
    ) -> Option<String> {
        let sent = match self.isolate.redis.get(id) {
            None => Err(RedisError::Ended),
            Some(connection) => connection.send(Batch {
                bytes: Bytes::copy_from_slice(&bytes[..bytes.len().min(length as usize)]),
                commands,
                expects: match u32::try_from(confirmations) {
                    Ok(channels) => Expects::Confirmations(channels),
                    Err(_) => Expects::Reply,
                },
                answers: Answers::Listener(mode as u8),
                has_timeout,
            }),
        };
        sent.err().map(|error| error_json(&error).to_string())
    }

    /// Begins to connect.
    #[napi(catch_unwind)]
    pub fn redis_connect(&self, id: u32) {
        if let Some(connection) = self.isolate.redis.get(id) {
            connection.connect();
        }
    }

    /// Says when a connection that asked tries again, in milliseconds; negative for never.
    #[napi(catch_unwind)]
    pub fn redis_retry(&self, id: u32, delay_ms: f64) {
        if let Some(connection) = self.isolate.redis.get(id) {
            let delay = Duration::try_from_secs_f64(delay_ms / 1000.0).ok();
            connection.retry(delay);
        }
    }

    /// Gives the session up and opens another one.
    #[napi(catch_unwind)]
    pub fn redis_reconnect(&self, id: u32) {
        if let Some(connection) = self.isolate.redis.get(id) {
            connection.reconnect();
        }
    }

    /// Ends a connection: what is under way or waits fails.
    #[napi(catch_unwind)]
    pub fn redis_close(&self, id: u32) {
        let connection = self.isolate.redis.lock().remove(&id);
        if let Some(connection) = connection {
            connection.close();
        }
    }
}
