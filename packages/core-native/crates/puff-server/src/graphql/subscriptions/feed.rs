//! Subscriptions that have the same responses: each event is executed once, and its response shared.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use puff_core::pubsub::{self, Message, Payload, Subscriber, hub};
use puff_core::runtime;
use puff_graphql::host::Failure;
use puff_graphql::{EventSource, Identity, Subscription};

use super::channel_events::MAX_WAITING;
use super::responses::Responses;
use super::root_value::event_of;
use crate::fan_out::for_all;
use crate::graphql::caller::{Caller, Reporter};
use crate::graphql::failure::{lost, response_of, too_slow};
use crate::graphql::schema::Schema;
use crate::graphql::script::Script;

/// The feeds of a schema that somebody listens to.
#[derive(Default)]
pub(in crate::graphql) struct Feeds(Mutex<HashMap<Identity, Arc<Feed>>>);

/// All subscribers with the same operation, variables and channel.
struct Feed {
    schema: Arc<Schema>,
    subscription: Subscription,
    /// Takes the failures of statements.
    reporter: Arc<dyn Script>,
    members: Mutex<Members>,
    queue: Mutex<Queue>,
    /// None after the last member has left.
    channel: Mutex<Option<pubsub::Subscription>>,
}

#[derive(Default)]
struct Members {
    by_id: HashMap<u64, Arc<dyn Responses>>,
    last_id: u64,
    /// As the last event saw them; none after a change.
    listed: Option<Arc<[Arc<dyn Responses>]>>,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Arc<Payload>>,
    /// The event that came last.
    last: Option<Arc<Payload>>,
    /// A task executes the events that are there.
    is_running: bool,
}

/// A subscriber's place in a feed; it leaves when this is dropped.
pub(super) struct Membership {
    feed: Arc<Feed>,
    identity: Identity,
    id: u64,
}

impl Feeds {
    /// Lets a subscriber have the responses of a subscription to a channel that needs no JavaScript.
    pub(super) fn join(
        &self,
        schema: &Arc<Schema>,
        caller: &Arc<dyn Caller>,
        subscription: Subscription,
        responses: Arc<dyn Responses>,
    ) -> Membership {
        let identity = subscription.identity();
        let mut feeds = self.lock();
        let feed = match feeds.get(&identity) {
            Some(feed) => feed.clone(),
            None => {
                let feed = Feed::open(schema.clone(), caller.clone(), subscription);
                feeds.insert(identity.clone(), feed.clone());
                feed
            }
        };
        let id = feed.members().add(responses);
        Membership { feed, identity, id }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identity, Arc<Feed>>> {
        lock(&self.0)
    }
}

impl Feed {
    fn open(schema: Arc<Schema>, caller: Arc<dyn Caller>, subscription: Subscription) -> Arc<Feed> {
        let feed = Arc::new(Feed {
            schema,
            subscription,
            reporter: Arc::new(Reporter(caller)),
            members: Mutex::default(),
            queue: Mutex::default(),
            channel: Mutex::default(),
        });
        if let EventSource::Channel(name) = feed.subscription.source() {
            *lock(&feed.channel) =
                Some(hub().subscribe(name, Arc::new(Incoming(Arc::downgrade(&feed)))));
        }
        feed
    }

    fn take(self: Arc<Self>, payload: &Arc<Payload>) {
        let mut queue = lock(&self.queue);
        if queue.events.len() >= MAX_WAITING {
            queue.events.clear();
            drop(queue);
            return self.give_up(&too_slow());
        }
        queue.events.push_back(payload.clone());
        queue.last = Some(payload.clone());
        if !std::mem::replace(&mut queue.is_running, true) {
            drop(queue);
            runtime::spawn(Run(Some(self)).run());
        }
    }

    fn next(&self) -> Option<Arc<Payload>> {
        let mut queue = lock(&self.queue);
        let next = queue.events.pop_front();
        queue.is_running = next.is_some();
        next
    }

    async fn execute(&self, payload: &Payload) {
        let host = self.schema.host(Some(self.reporter.clone()));
        let event = event_of(payload);
        let response = self
            .schema
            .execute_event(&self.subscription, event, &host)
            .await;
        let response = Bytes::from(response.body);
        let members = self.members().list();
        for_all(members, move |member| member.next(&response)).await;
    }

    /// Ends all subscriptions.
    fn give_up(&self, failure: &Failure) {
        let response = response_of(failure);
        // One that fails leaves.
        let members = self.members().list();
        for member in &*members {
            member.fail(&response);
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        lock(&self.members)
    }
}

impl Members {
    fn add(&mut self, responses: Arc<dyn Responses>) -> u64 {
        self.last_id += 1;
        self.by_id.insert(self.last_id, responses);
        self.listed = None;
        self.last_id
    }

    fn list(&mut self) -> Arc<[Arc<dyn Responses>]> {
        let members = &self.by_id;
        let listed = self
            .listed
            .get_or_insert_with(|| members.values().cloned().collect());
        listed.clone()
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut feeds = self.feed.schema.feeds().lock();
        let (member, is_empty) = {
            let mut members = self.feed.members();
            members.listed = None;
            (members.by_id.remove(&self.id), members.by_id.is_empty())
        };
        let closed = if is_empty {
            let same = |feed: &&mut Arc<Feed>| Arc::ptr_eq(feed, &self.feed);
            if feeds.get_mut(&self.identity).as_ref().is_some_and(same) {
                feeds.remove(&self.identity);
            }
            lock(&self.feed.channel).take()
        } else {
            None
        };
        // What they own is dropped after the lock.
        drop(feeds);
        drop((member, closed));
    }
}

/// The task that executes a feed's events, one after the other.
struct Run(Option<Arc<Feed>>);

impl Run {
    async fn run(mut self) {
        if let Some(feed) = &self.0 {
            while let Some(payload) = feed.next() {
                feed.execute(&payload).await;
            }
        }
        self.0 = None;
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It is still here if the execution panicked: nobody knows what the subscribers have missed.
        if let Some(feed) = self.0.take() {
            lock(&feed.queue).is_running = false;
            feed.give_up(&lost());
        }
    }
}

/// The hub keeps this one, and not the feed.
struct Incoming(std::sync::Weak<Feed>);

impl Subscriber for Incoming {
    fn deliver(&self, _channel: &Arc<str>, message: &Message<'_>) {
        if let Some(feed) = self.0.upgrade() {
            feed.take(message.keep());
        }
    }

    /// Executes the last event again: what is read for it shows what the missed ones have changed.
    fn gap(&self) {
        if let Some(feed) = self.0.upgrade() {
            let last = lock(&feed.queue).last.clone();
            if let Some(last) = last {
                feed.take(&last);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}
