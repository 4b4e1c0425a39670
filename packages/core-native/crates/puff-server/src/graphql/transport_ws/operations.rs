//! The operations of one socket.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use puff_graphql::Request;
use tokio::sync::Notify;

use super::messages::OperationMessages;
use crate::graphql::caller::Caller;
use crate::graphql::schema::Schema;
use crate::graphql::subscriptions::{Operation, Responses};
use crate::websocket::{Sent, SocketHandle};

/// The operations of one socket, by the ids that the client gave them.
#[derive(Default)]
pub(super) struct Operations {
    by_id: Mutex<HashMap<Box<str>, Entry>>,
    /// The client has to read before more is sent.
    is_full: AtomicBool,
    drained: Notify,
}

struct Entry {
    responses: Arc<SocketResponses>,
    /// None while it is being started.
    operation: Option<Operation>,
}

/// Why an operation cannot be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotStarted {
    /// There is one with this id.
    AlreadyExists,
    /// There are as many as there may be.
    TooMany,
}

impl Operations {
    /// Takes the place of an operation.
    pub(super) fn reserve(
        self: &Arc<Self>,
        socket: &SocketHandle,
        id: &str,
        max: usize,
    ) -> Result<Arc<SocketResponses>, NotStarted> {
        let mut by_id = self.lock();
        if by_id.contains_key(id) {
            return Err(NotStarted::AlreadyExists);
        }
        if by_id.len() >= max {
            return Err(NotStarted::TooMany);
        }
        let responses = Arc::new(SocketResponses {
            messages: OperationMessages::new(id),
            id: id.into(),
            socket: socket.clone(),
            operations: self.clone(),
            is_over: Mutex::new(false),
        });
        let entry = Entry {
            responses: responses.clone(),
            operation: None,
        };
        by_id.insert(id.into(), entry);
        Ok(responses)
    }

    /// Starts the operation of a reserved place.
    pub(super) fn start(
        &self,
        responses: Arc<SocketResponses>,
        schema: Arc<Schema>,
        caller: Arc<dyn Caller>,
        request: Request,
    ) {
        let operation = Operation::start(schema, caller, request, responses.clone());
        let mut by_id = self.lock();
        match by_id.get_mut(&responses.id) {
            Some(entry) if Arc::ptr_eq(&entry.responses, &responses) => {
                entry.operation = Some(operation);
            }
            // It has ended already.
            _ => {
                drop(by_id);
                drop(operation);
            }
        }
    }

    /// Ends an operation that the client does not want any more; it may be over.
    pub(super) fn stop(&self, id: &str) {
        let entry = self.lock().remove(id);
        if let Some(entry) = entry {
            *entry.responses.lock() = true;
            // The operation is dropped after the lock.
        }
    }

    /// Ends all.
    pub(super) fn stop_all(&self) {
        let all = std::mem::take(&mut *self.lock());
        for entry in all.values() {
            *entry.responses.lock() = true;
        }
        self.drained();
    }

    /// The client has read.
    pub(super) fn drained(&self) {
        self.is_full.store(false, Ordering::SeqCst);
        self.drained.notify_waiters();
    }

    fn remove(&self, responses: &SocketResponses) {
        let mut by_id = self.lock();
        let is_same = |entry: &Entry| std::ptr::eq(&*entry.responses, responses);
        let entry = match by_id.get(&responses.id).is_some_and(is_same) {
            true => by_id.remove(&responses.id),
            false => None,
        };
        drop(by_id);
        drop(entry);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Entry>> {
        self.by_id
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

/// Sends the responses of one operation.
pub(super) struct SocketResponses {
    id: Box<str>,
    messages: OperationMessages,
    socket: SocketHandle,
    operations: Arc<Operations>,
    /// Nothing is sent any more. Held while something is: the id may belong to another operation after.
    is_over: Mutex<bool>,
}

impl SocketResponses {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_over
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    fn end(&self, frame: &crate::websocket::Frame) {
        let mut is_over = self.lock();
        if std::mem::replace(&mut *is_over, true) {
            return;
        }
        // Before the client learns of it: it may use the id again.
        self.operations.remove(self);
        self.socket.send(frame);
    }
}

impl Responses for SocketResponses {
    fn next(&self, response: &Bytes) {
        let is_over = self.lock();
        if *is_over {
            return;
        }
        let sent = self
            .messages
            .with_next(response, |text| self.socket.send_text_now(text));
        if sent == Sent::Full {
            self.operations.is_full.store(true, Ordering::SeqCst);
        }
    }

    fn fail(&self, response: &Bytes) {
        self.end(&self.messages.error(response));
    }

    fn complete(&self) {
        self.end(&self.messages.complete());
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            loop {
                let drained = self.operations.drained.notified();
                tokio::pin!(drained);
                // Registered before the look, so that nothing is missed between.
                drained.as_mut().enable();
                if !self.operations.is_full.load(Ordering::SeqCst) {
                    return;
                }
                drained.await;
            }
        })
    }
}
