//! Streams that clients share among their operations ("single connection mode").
//!
//! A client reserves a stream, which gives it a token, opens it once, and names it in the requests of its
//! operations.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use puff_core::runtime;
use puff_graphql::Request;
use serde_json::Value as Json;
use tokio::time::sleep;

use super::events;
use super::stream::{EventStream, Owner};
use crate::graphql::caller::Caller;
use crate::graphql::schema::Schema;
use crate::graphql::subscriptions::{Operation, Outbox, Responses};

/// A reservation that nobody has fulfilled by then is void.
const RESERVED_FOR: Duration = Duration::from_secs(60);

/// Reservations and open streams; more are refused.
const MAX_STREAMS: usize = 100_000;

/// The shared streams of a schema, by their tokens.
#[derive(Default)]
pub struct SharedStreams(Mutex<HashMap<Box<str>, Arc<SharedStream>>>);

/// One client's.
struct SharedStream {
    outbox: Arc<Outbox>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_open: bool,
    operations: HashMap<Box<str>, Entry>,
}

struct Entry {
    responses: Arc<SharedResponses>,
    /// None while it is being started.
    operation: Option<Operation>,
}

/// Why a request for a shared stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamRefusal {
    /// No stream has this token.
    NotFound,
    /// The stream is open already.
    AlreadyOpen,
    /// The request does not say which operation it is.
    NoOperationId,
    /// There is an operation with this id.
    OperationExists,
    /// There are as many operations as there may be, or as many streams.
    TooMany,
}

impl StreamRefusal {
    /// The status code of HTTP, and a message.
    pub fn describe(self) -> (u16, &'static str) {
        match self {
            StreamRefusal::NotFound => (404, "Stream not found"),
            StreamRefusal::AlreadyOpen => (409, "Stream already open"),
            StreamRefusal::NoOperationId => (400, "Operation ID is missing"),
            StreamRefusal::OperationExists => (409, "Operation with ID already exists"),
            StreamRefusal::TooMany => (429, "Too many operations or streams"),
        }
    }
}

impl SharedStreams {
    /// Reserves a stream and returns its token.
    pub fn reserve(&self, schema: &Arc<Schema>) -> Result<String, StreamRefusal> {
        let token = new_token().ok_or(StreamRefusal::TooMany)?;
        let mut streams = self.lock();
        if streams.len() >= MAX_STREAMS {
            return Err(StreamRefusal::TooMany);
        }
        let max_bytes = schema.endpoint().options().subscriptions.max_buffered_bytes;
        let stream = Arc::new(SharedStream {
            outbox: Arc::new(Outbox::new(max_bytes)),
            state: Mutex::default(),
        });
        streams.insert(token.as_str().into(), stream);
        drop(streams);
        let (schema, reserved) = (schema.clone(), token.clone());
        runtime::spawn(async move {
            sleep(RESERVED_FOR).await;
            schema.streams().expire(&reserved);
        });
        Ok(token)
    }

    /// Opens the stream of a reservation.
    pub fn open(&self, schema: &Arc<Schema>, token: &str) -> Result<EventStream, StreamRefusal> {
        let stream = self.find(token)?;
        if std::mem::replace(&mut stream.lock().is_open, true) {
            return Err(StreamRefusal::AlreadyOpen);
        }
        let outbox = stream.outbox.clone();
        let opened = Opened {
            schema: schema.clone(),
            token: token.into(),
        };
        let (owner, name) = (Arc::downgrade(schema), token.to_owned());
        outbox.on_overflow(move || {
            if let Some(schema) = owner.upgrade() {
                schema.streams().close(&name);
            }
        });
        // Something has to be sent at once: browsers take a stream for open only then.
        outbox.write(Bytes::from_static(events::COMMENT));
        let owner = Owner::Shared { _opened: opened };
        Ok(EventStream::new(schema, outbox, owner))
    }

    /// Starts an operation, whose responses go to a stream.
    pub fn start(
        &self,
        token: &str,
        operation_id: Option<&str>,
        schema: &Arc<Schema>,
        caller: Arc<dyn Caller>,
        request: Request,
    ) -> Result<(), StreamRefusal> {
        let stream = self.find(token)?;
        let id = operation_id.ok_or(StreamRefusal::NoOperationId)?;
        let max = schema.endpoint().options().subscriptions.max_operations;
        let responses = stream.reserve(id, max)?;
        let operation = Operation::start(schema.clone(), caller, request, responses.clone());
        let mut state = stream.lock();
        match state.operations.get_mut(id) {
            Some(entry) if Arc::ptr_eq(&entry.responses, &responses) => {
                entry.operation = Some(operation);
            }
            // It has ended already.
            _ => {
                drop(state);
                drop(operation);
            }
        }
        Ok(())
    }

    /// Stops an operation; it may be over.
    pub fn stop(&self, token: &str, operation_id: Option<&str>) -> Result<(), StreamRefusal> {
        let stream = self.find(token)?;
        let id = operation_id.ok_or(StreamRefusal::NoOperationId)?;
        let entry = stream.lock().operations.remove(id);
        if let Some(entry) = &entry {
            *entry.responses.lock() = true;
            stream
                .outbox
                .write(events::complete_of(&entry.responses.id));
        }
        // The operation is dropped after the locks.
        drop(entry);
        Ok(())
    }

    fn find(&self, token: &str) -> Result<Arc<SharedStream>, StreamRefusal> {
        let stream = self.lock().get(token).cloned();
        stream.ok_or(StreamRefusal::NotFound)
    }

    /// Makes a reservation void that nobody has fulfilled.
    fn expire(&self, token: &str) {
        let is_open = self.find(token).is_ok_and(|stream| stream.lock().is_open);
        if !is_open {
            self.close(token);
        }
    }

    fn close(&self, token: &str) {
        let stream = self.lock().remove(token);
        if let Some(stream) = stream {
            stream.outbox.end();
            let operations = std::mem::take(&mut stream.lock().operations);
            for entry in operations.values() {
                *entry.responses.lock() = true;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<SharedStream>>> {
        self.0.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

impl SharedStream {
    fn reserve(
        self: &Arc<Self>,
        id: &str,
        max: usize,
    ) -> Result<Arc<SharedResponses>, StreamRefusal> {
        let mut state = self.lock();
        if state.operations.contains_key(id) {
            return Err(StreamRefusal::OperationExists);
        }
        if state.operations.len() >= max {
            return Err(StreamRefusal::TooMany);
        }
        let responses = Arc::new(SharedResponses {
            key: id.into(),
            id: Json::from(id).to_string().into(),
            stream: self.clone(),
            is_over: Mutex::new(false),
        });
        let entry = Entry {
            responses: responses.clone(),
            operation: None,
        };
        state.operations.insert(id.into(), entry);
        Ok(responses)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

/// What nobody can guess; nothing if the operating system has no random numbers.
fn new_token() -> Option<String> {
    let mut bytes = [0; 24];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut bytes).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// An open stream; its operations end with it.
pub(super) struct Opened {
    schema: Arc<Schema>,
    token: Box<str>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.schema.streams().close(&self.token);
    }
}

/// Writes the responses of one operation of a stream.
struct SharedResponses {
    key: Box<str>,
    /// As JSON.
    id: Box<str>,
    stream: Arc<SharedStream>,
    /// Nothing is written any more. Held while something is: the id may belong to another operation after.
    is_over: Mutex<bool>,
}

impl SharedResponses {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_over
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn end(&self) {
        let mut is_over = self.lock();
        if std::mem::replace(&mut *is_over, true) {
            return;
        }
        let mut state = self.stream.lock();
        let is_same = |entry: &Entry| std::ptr::eq(&*entry.responses, self);
        let entry = match state.operations.get(&self.key).is_some_and(is_same) {
            true => state.operations.remove(&self.key),
            false => None,
        };
        drop(state);
        drop(entry);
        self.stream.outbox.write(events::complete_of(&self.id));
    }
}

impl Responses for SharedResponses {
    fn next(&self, response: &Bytes) {
        let is_over = self.lock();
        if !*is_over {
            self.stream
                .outbox
                .write(events::next_of(&self.id, response));
        }
    }

    fn fail(&self, response: &Bytes) {
        self.next(response);
        self.end();
    }

    fn complete(&self) {
        self.end();
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.stream.outbox.room()
    }
}
