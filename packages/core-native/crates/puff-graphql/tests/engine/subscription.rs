//! Subscriptions: their sources, and the response to each event.

use std::sync::Arc;

use futures_executor::block_on;
use puff_graphql::{Engine, Event, EventSource, Subscription};
use serde_json::{Value as Json, json};

use crate::support::{Tables, body_of, engine, request};

fn chat() -> (Engine, Tables) {
    let engine = engine(json!({
        "sdl": "type Query { answer: Int }
                type Subscription { message(room: ID!, since: Int = 0): Message changed(id: ID!): Poll! tick: Int! many: [Message!] any: Thing kinds: [Kind!] silent: Int asked: Int }
                type Message { id: ID! text: String! rank: Int author: Author tags: [String!] choices: [Choice!]! scripted: Int }
                type Author { name: String! }
                type Poll { id: ID! votes: Int! }
                type Choice { id: ID! }
                union Thing = Message | Poll
                enum Kind { GOOD BAD }",
        "fields": {
            "Subscription.changed": { "kind": "statement", "text": "poll", "params": [{ "arg": { "path": ["id"] } }, { "event": ["by", "user"] }] },
            "Message.choices": { "kind": "statement", "text": "choices", "params": [{ "parent": "id" }], "on": [["id", "message_id"]] },
            "Message.scripted": { "kind": "resolver" },
        },
        "streams": {
            "Subscription.message": { "kind": "channel", "parts": [{ "text": "room:" }, { "arg": ["room"] }, { "text": "/" }, { "arg": ["since"] }] },
            "Subscription.changed": { "kind": "channel", "parts": [{ "text": "poll" }] },
            "Subscription.tick": { "kind": "channel", "parts": [{ "text": "tick" }] },
            "Subscription.many": { "kind": "channel", "parts": [{ "text": "many" }] },
            "Subscription.any": { "kind": "channel", "parts": [{ "text": "any" }] },
            "Subscription.kinds": { "kind": "channel", "parts": [{ "text": "kinds" }] },
            "Subscription.asked": { "kind": "script" },
        },
    }));
    let mut host = Tables::default();
    let poll = vec![vec![json!(7), json!(3)]];
    host.by_sql.insert("poll", (vec!["id", "votes"], poll));
    let choices = vec![vec![json!(5), json!(1)], vec![json!(6), json!(1)]];
    host.by_sql
        .insert("choices", (vec!["id", "message_id"], choices));
    (engine, host)
}

fn subscribed(engine: &Engine, host: &Tables, query: &str) -> Result<Subscription, Json> {
    let prepared = engine
        .prepare(&request(query, json!({})))
        .map_err(|it| body_of(&it))?;
    block_on(engine.subscribe(prepared, host)).map_err(|it| body_of(&it))
}

fn answered(query: &str, event: Json) -> Json {
    let (engine, host) = chat();
    let subscription = subscribed(&engine, &host, query).unwrap();
    let event = Event::Published(Arc::new(event));
    body_of(&block_on(engine.execute_event(&subscription, event, &host)))
}

fn source_of(query: &str) -> EventSource {
    let (engine, host) = chat();
    subscribed(&engine, &host, query).unwrap().source().clone()
}

fn refused(query: &str) -> Json {
    let (engine, host) = chat();
    match subscribed(&engine, &host, query) {
        Ok(subscription) => panic!("subscribed to {:?}", subscription.source()),
        Err(body) => {
            assert_eq!(body.get("data"), None);
            body["errors"].clone()
        }
    }
}

#[test]
fn the_channel_is_named_by_the_arguments() {
    assert_eq!(
        source_of("subscription { message(room: \"a b\") { id } }"),
        EventSource::Channel("room:a b/0".into())
    );
    assert_eq!(
        source_of("subscription { message(room: 5, since: null) { id } }"),
        EventSource::Channel("room:5/null".into())
    );
}

#[test]
fn the_event_is_the_root_value() {
    let event = json!({ "message": {
        "id": 1, "text": "hi", "rank": "2", "author": { "name": "Ada" }, "tags": ["a", "b"], "secret": 1 } });
    assert_eq!(
        answered(
            "subscription { m: message(room: 1) { __typename id text rank author { name } tags } }",
            event
        ),
        json!({ "data": { "m": {
            "__typename": "Message", "id": "1", "text": "hi", "rank": 2, "author": { "name": "Ada" }, "tags": ["a", "b"] } } })
    );
}

#[test]
fn statements_run_anew_for_each_event() {
    let (engine, host) = chat();
    let subscription = subscribed(&engine, &host, "subscription { changed(id: 7) { votes } }");
    let subscription = subscription.unwrap();
    for event in [json!(null), json!({ "by": { "user": "ada" } })] {
        let event = Event::Published(Arc::new(event));
        let body = body_of(&block_on(engine.execute_event(&subscription, event, &host)));
        assert_eq!(body, json!({ "data": { "changed": { "votes": 3 } } }));
    }
    assert_eq!(
        *host.asked.lock().unwrap(),
        ["poll (\"7\", null)", "poll (\"7\", \"ada\")"]
    );
}

#[test]
fn statements_below_an_event_take_its_keys() {
    let event = json!({ "many": [{ "id": 1, "text": "a" }, { "id": 2, "text": "b" }] });
    assert_eq!(
        answered("subscription { many { id choices { id } } }", event),
        json!({ "data": { "many": [
            { "id": "1", "choices": [{ "id": "5" }, { "id": "6" }] },
            { "id": "2", "choices": [] } ] } })
    );
}

#[test]
fn objects_of_several_types_say_which_they_are() {
    let query = "subscription { any { __typename ... on Message { text } ... on Poll { votes } } }";
    assert_eq!(
        answered(
            query,
            json!({ "any": { "__typename": "Poll", "votes": 1 } })
        ),
        json!({ "data": { "any": { "__typename": "Poll", "votes": 1 } } })
    );
    let body = answered(query, json!({ "any": { "votes": 1 } }));
    assert_eq!(body["data"], json!({ "any": null }));
    assert_eq!(body["errors"][0]["path"], json!(["any"]));
}

#[test]
fn what_an_event_lacks_is_null() {
    assert_eq!(
        answered("subscription { message(room: 1) { id } }", json!({})),
        json!({ "data": { "message": null } })
    );
    let body = answered("subscription { tick }", json!("a text"));
    assert_eq!(body["data"], json!(null));
    assert_eq!(
        body["errors"][0]["message"],
        "Cannot return null for non-nullable field Subscription.tick."
    );
}

#[test]
fn what_does_not_fit_is_an_error_in_its_place() {
    let body = answered(
        "subscription { message(room: 1) { id text rank tags } }",
        json!({ "message": { "id": "1", "text": "x", "rank": "many", "tags": 5 } }),
    );
    let data = json!({ "message": { "id": "1", "text": "x", "rank": null, "tags": null } });
    assert_eq!(body["data"], data);
    assert_eq!(
        body["errors"][0]["message"],
        "Int cannot represent non-integer value: \"many\""
    );
    assert_eq!(body["errors"][1]["path"], json!(["message", "tags"]));
    let body = answered(
        "subscription { kinds }",
        json!({ "kinds": ["GOOD", "UGLY"] }),
    );
    assert_eq!(body["data"], json!({ "kinds": null }));
    assert_eq!(body["errors"][0]["path"], json!(["kinds", 1]));
    let body = answered("subscription { any { __typename } }", json!({ "any": 5 }));
    assert_eq!(body["errors"][0]["path"], json!(["any"]));
}

#[test]
fn a_subscription_without_source_is_refused_at_its_field() {
    let errors = refused("subscription { no: silent }");
    assert_eq!(errors[0]["path"], json!(["no"]));
    assert_eq!(errors[0]["message"], "Unexpected error.");
    let errors = refused("subscription { asked }");
    assert_eq!(errors[0]["message"], "there is no JavaScript for asked");
}

#[test]
fn a_subscription_has_one_root_field() {
    for query in [
        "subscription { tick silent }",
        "subscription { tick other: tick }",
        "subscription { __typename }",
        "subscription { tick @skip(if: true) }",
        "subscription { ... @include(if: true) { tick } }",
    ] {
        refused(query);
    }
    assert_eq!(
        source_of("subscription { tick ...F } fragment F on Subscription { tick }"),
        EventSource::Channel("tick".into())
    );
}

#[test]
fn it_is_known_whether_javascript_is_needed() {
    let (engine, _) = chat();
    let needs = |query: &str| {
        let prepared = engine.prepare(&request(query, json!({})));
        engine.needs_script(&prepared.unwrap_or_else(|it| panic!("{}", body_of(&it))))
    };
    assert!(!needs(
        "subscription { message(room: 1) { id text choices { id } } }"
    ));
    assert!(!needs("subscription { changed(id: 1) { id } }"));
    assert!(needs("subscription { message(room: 1) { scripted } }"));
    assert!(needs("subscription { asked }"));
    // Nothing says how it is resolved: only JavaScript can know.
    assert!(needs("{ answer }"));
    assert!(!needs("{ __typename }"));
}

#[test]
fn the_same_subscriptions_have_the_same_identity() {
    let (engine, host) = chat();
    let identity = |query: &str| subscribed(&engine, &host, query).unwrap().identity();
    let one = "subscription { message(room: 1) { id } }";
    assert_eq!(identity(one), identity(one));
    for other in [
        "subscription { message(room: 1) { text } }",
        "subscription { message(room: 2) { id } }",
    ] {
        assert_ne!(identity(one), identity(other));
    }
    let two = "subscription A { tick } subscription B { tick }";
    let of = |name: &str| {
        let mut request = request(two, json!({}));
        request.operation_name = Some(name.into());
        let prepared = engine
            .prepare(&request)
            .unwrap_or_else(|it| panic!("{}", body_of(&it)));
        block_on(engine.subscribe(prepared, &host))
            .ok()
            .unwrap()
            .identity()
    };
    assert_ne!(of("A"), of("B"));
}
