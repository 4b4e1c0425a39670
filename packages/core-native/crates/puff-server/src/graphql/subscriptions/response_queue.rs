//! The responses of one operation for somebody who takes them one by one.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use puff_graphql::Request;

use super::operation::Operation;
use super::outbox::{End, Outbox};
use super::responses::Responses;
use crate::graphql::caller::Caller;
use crate::graphql::failure::{response_of, too_slow};
use crate::graphql::schema::Schema;

/// An operation whose responses wait to be taken; dropping it stops the operation.
pub struct ResponseQueue {
    outbox: Arc<Outbox>,
    _operation: Operation,
    is_over: bool,
}

struct Queued(Arc<Outbox>);

impl ResponseQueue {
    /// Begins an operation.
    pub fn start(schema: Arc<Schema>, caller: Arc<dyn Caller>, request: Request) -> ResponseQueue {
        let max_bytes = schema.endpoint().options().subscriptions.max_buffered_bytes;
        let outbox = Arc::new(Outbox::new(max_bytes));
        let responses = Arc::new(Queued(outbox.clone()));
        let operation = Operation::start(schema, caller, request, responses);
        outbox.on_overflow(operation.stopper());
        ResponseQueue {
            outbox,
            _operation: operation,
            is_over: false,
        }
    }

    /// The next response, or none after the last one; before the first of a subscription comes an empty
    /// one, when the source of its events is there.
    pub async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        match poll_fn(|context| self.outbox.poll_read(context)).await {
            Ok(response) => Some(response),
            Err(end) => {
                self.is_over = true;
                (end == End::TooSlow).then(|| response_of(&too_slow()))
            }
        }
    }
}

impl Responses for Queued {
    fn subscribed(&self) {
        self.0.write(Bytes::new());
    }

    fn next(&self, response: &Bytes) {
        self.0.write(response.clone());
    }

    fn fail(&self, response: &Bytes) {
        self.0.write(response.clone());
        self.0.end();
    }

    fn complete(&self) {
        self.0.end();
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.room()
    }
}
