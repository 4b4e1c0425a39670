//! One operation of a client that stays connected.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use puff_core::runtime;
use puff_graphql::host::OperationKind;
use puff_graphql::{Event, EventSource, Outcome, Prepared, Request, Response, Subscription};
use tokio::task::AbortHandle;

use super::channel_events::ChannelEvents;
use super::feed::Membership;
use super::responses::Responses;
use super::root_value::event_of;
use crate::graphql::caller::{Caller, Execution};
use crate::graphql::failure::{response_of, too_slow};
use crate::graphql::schema::Schema;

/// An operation that runs until it has ended, or until it is stopped or dropped.
pub struct Operation(Arc<Mutex<Stage>>);

enum Stage {
    /// Its task is about to begin.
    New,
    /// A task of its own.
    Task(AbortHandle),
    /// It waits for events that others wait for too. The memory is there for its end.
    Member {
        _membership: Membership,
    },
    Over,
}

impl Operation {
    /// Begins an operation.
    pub fn start(
        schema: Arc<Schema>,
        caller: Arc<dyn Caller>,
        request: Request,
        responses: Arc<dyn Responses>,
    ) -> Operation {
        let stage = Arc::new(Mutex::new(Stage::New));
        let run = Run {
            schema,
            caller,
            responses,
            stage: stage.clone(),
        };
        let task = runtime::spawn(run.run(request)).abort_handle();
        let mut now = lock(&stage);
        match &*now {
            Stage::New => *now = Stage::Task(task),
            Stage::Task(_) | Stage::Member { .. } | Stage::Over => {}
        }
        drop(now);
        Operation(stage)
    }

    /// Ends it: what runs is cancelled, the source of its events ended.
    pub fn stop(&self) {
        stop(&self.0);
    }

    /// Ends it from elsewhere, if it is still there.
    pub fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let stage = Arc::downgrade(&self.0);
        move || {
            if let Some(stage) = stage.upgrade() {
                stop(&stage);
            }
        }
    }
}

fn stop(stage: &Mutex<Stage>) {
    let stage = std::mem::replace(&mut *lock(stage), Stage::Over);
    if let Stage::Task(task) = &stage {
        task.abort();
    }
    // A membership is dropped here, after the lock.
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the operation's task has.
struct Run {
    schema: Arc<Schema>,
    caller: Arc<dyn Caller>,
    responses: Arc<dyn Responses>,
    stage: Arc<Mutex<Stage>>,
}

impl Run {
    async fn run(self, request: Request) {
        match self.schema.engine().prepare(&request) {
            Err(response) => self.fail(response),
            Ok(prepared) if prepared.kind() == OperationKind::Subscription => {
                self.subscribe(&request, prepared).await;
            }
            Ok(prepared) => {
                let execution = Execution::begin(&self.schema, self.caller.operation(&request));
                let response = self.schema.run(&prepared, execution.host()).await;
                drop(execution);
                match response.outcome {
                    Outcome::Executed { .. } => {
                        self.responses.next(&Bytes::from(response.body));
                        self.responses.complete();
                    }
                    _ => self.fail(response),
                }
            }
        }
    }

    async fn subscribe(self, request: &Request, prepared: Prepared) {
        let execution = Execution::begin(&self.schema, self.caller.operation(request));
        let subscription = match self.schema.subscribe(prepared, execution.host()).await {
            Ok(subscription) => subscription,
            Err(response) => return self.fail(response),
        };
        match subscription.source().clone() {
            EventSource::Script => self.pull(&subscription, &execution).await,
            EventSource::Channel(name) => {
                let engine = self.schema.engine();
                if engine.execution_needs_script(subscription.prepared()) {
                    self.listen(&name, &subscription, &execution).await;
                } else {
                    drop(execution);
                    self.join(subscription);
                }
            }
        }
    }

    /// Shares the responses with others.
    fn join(self, subscription: Subscription) {
        let mut stage = lock(&self.stage);
        if matches!(*stage, Stage::Over) {
            return;
        }
        let feeds = self.schema.feeds();
        let responses = self.responses.clone();
        let membership = feeds.join(&self.schema, &self.caller, subscription, responses);
        self.responses.subscribed();
        *stage = Stage::Member {
            _membership: membership,
        };
    }

    /// Takes the messages of a channel.
    async fn listen(self, channel: &str, subscription: &Subscription, execution: &Execution) {
        let events = ChannelEvents::subscribe(channel);
        self.responses.subscribed();
        loop {
            self.responses.ready().await;
            let Ok(payload) = events.next().await else {
                return self.responses.fail(&response_of(&too_slow()));
            };
            self.execute(subscription, event_of(&payload), execution)
                .await;
        }
    }

    /// Asks JavaScript for one event after the other.
    async fn pull(self, subscription: &Subscription, execution: &Execution) {
        let host = execution.host();
        self.responses.subscribed();
        loop {
            // Its source goes on only when the client has taken what there is.
            self.responses.ready().await;
            match host.next_event().await {
                Ok(true) => self.execute(subscription, Event::Script, execution).await,
                Ok(false) => return self.responses.complete(),
                Err(failure) => {
                    let engine = self.schema.engine();
                    return self.fail(engine.source_failure(subscription, &failure, host));
                }
            }
        }
    }

    async fn execute(&self, subscription: &Subscription, event: Event, source: &Execution) {
        let execution = Execution::begin(&self.schema, source.script().event());
        let host = execution.host();
        let response = self.schema.execute_event(subscription, event, host).await;
        self.responses.next(&Bytes::from(response.body));
    }

    fn fail(&self, response: Response) {
        self.responses.fail(&Bytes::from(response.body));
    }
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(|poison| poison.into_inner())
}
