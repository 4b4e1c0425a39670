//! One socket that speaks the protocol.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use puff_core::runtime;
use puff_graphql::http::SubscriptionOptions;
use serde_json::{Map, Value as Json};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::code;
use super::messages::{Incoming, connection_ack, pong};
use super::operations::{NotStarted, Operations};
use crate::graphql::caller::{Caller, Execution};
use crate::graphql::client::{Client, Clients};
use crate::graphql::failure::{response_of, too_many_operations};
use crate::graphql::routes::Place;
use crate::graphql::schema::Schema;
use crate::graphql::subscriptions::Responses;
use crate::websocket::{CloseCode, Closed, Listener, Message, SocketHandle};

/// The listener of one socket.
pub struct Connection {
    schema: Arc<Schema>,
    clients: Arc<dyn Clients>,
    client: Client,
    stage: Arc<Mutex<Stage>>,
    operations: Arc<Operations>,
    /// With the isolate; given up when the socket has ended.
    place: Option<Place>,
}

enum Stage {
    /// The client has not sent `connection_init`.
    Opened {
        _timer: Option<Timer>,
    },
    /// JavaScript is asked whether it may connect.
    Connecting {
        _task: Timer,
    },
    /// Operations may begin.
    Acknowledged {
        caller: Arc<dyn Caller>,
    },
    Closed,
}

/// A task that ends when this is dropped.
struct Timer(AbortHandle);

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// A connection of a client to a schema; the isolate behind `clients` is asked for what JavaScript
    /// knows.
    pub fn new(schema: Arc<Schema>, clients: Arc<dyn Clients>, client: Client) -> Connection {
        Connection {
            schema,
            clients,
            client,
            stage: Arc::new(Mutex::new(Stage::Opened { _timer: None })),
            operations: Arc::default(),
            place: None,
        }
    }

    /// With a place among the sockets of an isolate.
    pub(in crate::graphql) fn at(mut self, place: Place) -> Connection {
        self.place = Some(place);
        self
    }

    fn options(&self) -> &SubscriptionOptions {
        &self.schema.endpoint().options().subscriptions
    }

    fn take(&mut self, socket: &SocketHandle, message: Incoming) {
        match message {
            Incoming::Ping { payload } => {
                socket.send(&pong(payload));
            }
            Incoming::Pong => {}
            Incoming::ConnectionInit { payload } => self.init(socket, payload),
            Incoming::Subscribe { id, payload } => self.subscribe(socket, &id, payload),
            Incoming::Complete { id } => self.operations.stop(&id),
        }
    }

    fn init(&mut self, socket: &SocketHandle, payload: Option<Map<String, Json>>) {
        let mut stage = lock(&self.stage);
        if !matches!(*stage, Stage::Opened { .. }) {
            let reason = "Too many initialisation requests";
            return socket.close(code::TOO_MANY_INITIALISATIONS, reason);
        }
        let mut client = self.client.clone();
        client.connection_params = payload.map(Arc::new);
        let caller = self.clients.caller(client);
        let question = match self.options().checks_connections {
            true => caller.connection(),
            false => None,
        };
        let Some(script) = question else {
            *stage = Stage::Acknowledged { caller };
            socket.send(&connection_ack());
            return;
        };
        let execution = Execution::begin(&self.schema, script);
        let (socket, shared) = (socket.clone(), self.stage.clone());
        let (schema, asked) = (self.schema.clone(), execution);
        let task = runtime::spawn(async move {
            let answer = asked.host().within_time(asked.host().connect()).await;
            drop((asked, schema));
            if !matches!(answer, Some(Ok(()))) {
                return socket.close(code::FORBIDDEN, "Forbidden");
            }
            let mut stage = lock(&shared);
            if matches!(*stage, Stage::Connecting { .. }) {
                *stage = Stage::Acknowledged { caller };
                socket.send(&connection_ack());
            }
        });
        *stage = Stage::Connecting {
            _task: Timer(task.abort_handle()),
        };
    }

    fn subscribe(&mut self, socket: &SocketHandle, id: &str, payload: Map<String, Json>) {
        let caller = match &*lock(&self.stage) {
            Stage::Acknowledged { caller } => caller.clone(),
            _ => return socket.close(code::UNAUTHORIZED, "Unauthorized"),
        };
        let max = self.options().max_operations;
        let responses = match self.operations.reserve(socket, id, max) {
            Ok(responses) => responses,
            Err(NotStarted::AlreadyExists) => {
                let reason = format!("Subscriber for {id} already exists");
                return socket.close(code::ALREADY_EXISTS, &reason);
            }
            Err(NotStarted::TooMany) => {
                let messages = super::messages::OperationMessages::new(id);
                socket.send(&messages.error(&response_of(&too_many_operations(max))));
                return;
            }
        };
        match self.schema.endpoint().read_message(payload) {
            Ok(request) => {
                self.operations
                    .start(responses, self.schema.clone(), caller, request);
            }
            Err(response) => responses.fail(&response.into()),
        }
    }
}

impl Listener for Connection {
    fn opened(&mut self, socket: &SocketHandle) {
        if let Some(place) = &mut self.place {
            place.open(socket);
        }
        let socket = socket.clone();
        let wait = Duration::from_millis(self.options().init_timeout_ms);
        if wait.is_zero() {
            return;
        }
        let timer = runtime::spawn(async move {
            sleep(wait).await;
            socket.close(code::NOT_INITIALISED, "Connection initialisation timeout");
        });
        *lock(&self.stage) = Stage::Opened {
            _timer: Some(Timer(timer.abort_handle())),
        };
    }

    fn message(&mut self, socket: &SocketHandle, message: Message) {
        let Message::Text(text) = message else {
            return socket.close(code::BAD_REQUEST, "Invalid message: it is no text");
        };
        if text.len() > self.schema.endpoint().options().max_body_bytes {
            return socket.close(CloseCode::TOO_BIG, "The message is too long");
        }
        match Incoming::read(&text) {
            Ok(message) => self.take(socket, message),
            Err(invalid) => socket.close(code::BAD_REQUEST, &invalid.0),
        }
    }

    fn drained(&mut self, _socket: &SocketHandle) {
        self.operations.drained();
    }

    fn closed(&mut self, _socket: &SocketHandle, _closed: Closed) {
        let stage = std::mem::replace(&mut *lock(&self.stage), Stage::Closed);
        drop(stage);
        self.operations.stop_all();
        self.place = None;
    }
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(|poison| poison.into_inner())
}
