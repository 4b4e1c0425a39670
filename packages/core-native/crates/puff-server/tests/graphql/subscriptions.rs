//! Operations of clients that stay connected, without JavaScript.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use puff_core::pubsub::{Kind, Payload, hub};
use puff_graphql::Request;
use puff_graphql::host::Failure;
use puff_graphql::http::HttpOptions;
use puff_graphql::schema::SchemaSpec;
use puff_server::graphql::subscriptions::{Operation, ResponseQueue, Responses};
use puff_server::graphql::{Caller, OperationScript, PoolHost, Schema, Script, ScriptAsk};
use serde_json::{Value as Json, json};
use tokio::sync::Notify;
use tokio::time::timeout;

/// A client whom nothing is to be asked about; counts its operations that have ended.
#[derive(Default)]
struct NoScript {
    ended: Arc<AtomicUsize>,
}

struct NoOperation(Arc<AtomicUsize>);

impl Caller for NoScript {
    fn operation(&self, _request: &Request) -> Arc<dyn OperationScript> {
        Arc::new(NoOperation(self.ended.clone()))
    }

    fn connection(&self) -> Option<Arc<dyn OperationScript>> {
        None
    }

    fn report(&self, _failure: &Failure, _coordinate: &str) {}
}

impl Script for NoOperation {
    fn ask(&self, ask: ScriptAsk) {
        panic!("asked: {}", ask.header);
    }

    fn forget(&self, _ask: u32) {}

    fn report(&self, _failure: &Failure, _coordinate: &str) {}
}

impl OperationScript for NoOperation {
    fn begun(&self, _host: &PoolHost) {}

    fn ended(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn event(&self) -> Arc<dyn OperationScript> {
        Arc::new(NoOperation(Arc::default()))
    }
}

/// What an operation has said so far.
#[derive(Default)]
struct Said {
    responses: Mutex<Vec<Bytes>>,
    ends: Mutex<Vec<String>>,
    subscribed: Notify,
    changed: Notify,
    /// Held by a test that wants no response to be taken.
    gate: Mutex<()>,
}

impl Responses for Said {
    fn subscribed(&self) {
        self.subscribed.notify_one();
    }

    fn next(&self, response: &Bytes) {
        let _passed = self.gate.lock().unwrap();
        self.responses.lock().unwrap().push(response.clone());
        self.changed.notify_one();
    }

    fn fail(&self, response: &Bytes) {
        let text = String::from_utf8_lossy(response).into_owned();
        self.ends.lock().unwrap().push(text);
        self.changed.notify_one();
    }

    fn complete(&self) {
        self.ends.lock().unwrap().push("complete".into());
        self.changed.notify_one();
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }
}

impl Said {
    async fn until(&self, count: usize) -> Vec<Bytes> {
        let waiting = async {
            loop {
                let responses = self.responses.lock().unwrap().clone();
                if responses.len() >= count {
                    return responses;
                }
                self.changed.notified().await;
            }
        };
        timeout(Duration::from_secs(10), waiting).await.unwrap()
    }

    async fn end(&self) -> String {
        let waiting = async {
            loop {
                if let Some(end) = self.ends.lock().unwrap().first() {
                    return end.clone();
                }
                self.changed.notified().await;
            }
        };
        timeout(Duration::from_secs(10), waiting).await.unwrap()
    }
}

fn schema(channel: &str) -> Arc<Schema> {
    let spec = json!({
        "sdl": "type Query { a: Int } type Subscription { score(of: Int): Score } type Score { id: ID! votes: Int }",
        "streams": { "Subscription.score": { "kind": "channel", "parts": [{ "text": channel }, { "arg": ["of"] }] } },
    });
    let spec: SchemaSpec = serde_json::from_value(spec).unwrap();
    Arc::new(Schema::new(&spec, None, HttpOptions::default()).unwrap())
}

fn request(query: &str) -> Request {
    Request {
        query: query.into(),
        operation_name: None,
        variables: serde_json::Map::new(),
        is_explained: false,
        allows_mutation: true,
    }
}

async fn subscribed(schema: &Arc<Schema>, query: &str) -> (Operation, Arc<Said>) {
    let said = Arc::<Said>::default();
    let caller = Arc::<NoScript>::default();
    let operation = Operation::start(schema.clone(), caller, request(query), said.clone());
    timeout(Duration::from_secs(10), said.subscribed.notified())
        .await
        .unwrap();
    (operation, said)
}

fn publish(channel: &str, votes: Json) -> usize {
    let event = json!({ "score": { "id": 1, "votes": votes } });
    let payload = Payload {
        kind: Kind::Json,
        bytes: event.to_string().into(),
        sender: None,
    };
    hub().publish(channel, payload).unwrap()
}

fn votes(votes: i32) -> String {
    json!({ "data": { "score": { "votes": votes } } }).to_string()
}

#[tokio::test]
async fn an_event_is_executed_once_for_all_who_get_the_same() {
    let schema = schema("once");
    let query = "subscription { score(of: 1) { votes } }";
    let (_first, one) = subscribed(&schema, query).await;
    let (_second, two) = subscribed(&schema, query).await;
    let (_third, other) = subscribed(&schema, "subscription { score(of: 1) { id } }").await;
    // The first two are one subscriber of the channel.
    assert_eq!(publish("once1", json!(7)), 2);
    let (one, two) = (one.until(1).await, two.until(1).await);
    assert_eq!(one[0], votes(7));
    assert_eq!(one[0].as_ptr(), two[0].as_ptr());
    let id = json!({ "data": { "score": { "id": "1" } } }).to_string();
    assert_eq!(other.until(1).await[0], id);
}

#[tokio::test]
async fn events_come_in_their_order() {
    let schema = schema("order");
    let (_operation, said) = subscribed(&schema, "subscription { score(of: 1) { votes } }").await;
    for count in 0..200 {
        publish("order1", json!(count));
    }
    let responses = said.until(200).await;
    let expected: Vec<_> = (0..200).map(votes).collect();
    assert_eq!(responses, expected);
}

#[tokio::test]
async fn whoever_stops_leaves_the_others() {
    let schema = schema("stops");
    let query = "subscription { score(of: 1) { votes } }";
    let (leaves, gone) = subscribed(&schema, query).await;
    let (stays, said) = subscribed(&schema, query).await;
    leaves.stop();
    assert_eq!(publish("stops1", json!(1)), 1);
    said.until(1).await;
    assert!(gone.responses.lock().unwrap().is_empty());
    drop(stays);
    assert_eq!(hub().subscribers("stops1"), 0);
}

#[tokio::test]
async fn after_a_gap_the_last_event_is_executed_again() {
    let schema = schema("gap");
    let (_operation, said) = subscribed(&schema, "subscription { score(of: 1) { votes } }").await;
    // There is none yet.
    hub().tell_gap_to("gap1", None);
    publish("gap1", json!(7));
    said.until(1).await;
    hub().tell_gap_to("gap1", None);
    publish("gap1", json!(8));
    assert_eq!(said.until(3).await, [votes(7), votes(7), votes(8)]);
}

#[tokio::test]
async fn too_many_events_end_a_subscription() {
    let schema = schema("many");
    let (_operation, said) = subscribed(&schema, "subscription { score(of: 1) { votes } }").await;
    let closed = said.gate.lock().unwrap();
    // One is being executed at most, and 1,000 may wait.
    for count in 0..1_002 {
        publish("many1", json!(count));
    }
    drop(closed);
    assert!(said.end().await.contains("PUFF_GRAPHQL_TOO_SLOW"));
}

#[tokio::test]
async fn a_query_has_one_response_and_ends() {
    let schema = schema("query");
    let said = Arc::<Said>::default();
    let caller = NoScript::default();
    let ended = caller.ended.clone();
    let query = request("{ __typename }");
    let _operation = Operation::start(schema, Arc::new(caller), query, said.clone());
    let response = json!({ "data": { "__typename": "Query" } }).to_string();
    assert_eq!(said.until(1).await, [response]);
    assert_eq!(said.end().await, "complete");
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn responses_wait_to_be_taken() {
    let schema = schema("queue");
    let query = request("subscription { score(of: 1) { votes } }");
    let mut queue = ResponseQueue::start(schema, Arc::<NoScript>::default(), query);
    // The source is there.
    assert_eq!(queue.next().await.unwrap(), "");
    publish("queue1", json!(1));
    publish("queue1", json!(2));
    assert_eq!(queue.next().await.unwrap(), votes(1));
    assert_eq!(queue.next().await.unwrap(), votes(2));
    drop(queue);
    assert_eq!(hub().subscribers("queue1"), 0);
}

#[tokio::test]
async fn what_is_refused_is_told_and_ends() {
    let schema = schema("refused");
    let mut queue = ResponseQueue::start(
        schema,
        Arc::<NoScript>::default(),
        request("subscription { nothing }"),
    );
    let response: Json = serde_json::from_slice(&queue.next().await.unwrap()).unwrap();
    assert_eq!(response.get("data"), None);
    assert!(response["errors"][0]["message"].is_string());
    assert_eq!(queue.next().await, None);
}
