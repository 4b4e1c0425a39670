//! Questions to JavaScript.

use std::sync::{Arc, Mutex};

use puff_graphql::host::{
    Ask, AskedField, Failure, FieldAnswer, Host, OperationKind, Parents, Slot,
};
use puff_server::graphql::{PendingAsk, PoolHost, Script};
use serde_json::{Map, json};

use crate::support::{Replies, host, options, pool, query};

fn asking(script: Option<Arc<dyn Script>>) -> PoolHost {
    host(options(&pool(1)), script, OperationKind::Query)
}

/// Asks for the fields 2 and 5 of a layer.
async fn ask(host: &PoolHost, parents: Parents<'_>) -> Vec<Result<FieldAnswer, Failure>> {
    let mut args = Map::new();
    args.insert("first".into(), json!(3));
    let field = |index, name| AskedField {
        index,
        key: name,
        name,
        args: &args,
        is_property: false,
    };
    let answers = host.ask(Ask {
        layer: 3,
        type_name: "Question",
        path: &["questions".into()],
        parents,
        fields: vec![field(2, "votes"), field(5, "tags")],
    });
    let mut results = Vec::new();
    for answer in answers {
        results.push(answer.await);
    }
    results
}

#[tokio::test]
async fn the_parents_that_are_rows_come_with_the_question() {
    let script = Replies::new(|_, pending| {
        pending.answer(r#"{"fields":[{"index":5,"values":["x","y"]}]}"#.into());
        pending.answer(r#"{"fields":[{"index":2,"values":[1,2]}]}"#.into());
    });
    let host = asking(Some(script.clone()));
    let rows = Arc::new(
        query(&host, "select generate_series(1, 5) as id")
            .await
            .unwrap(),
    );
    let answers = ask(&host, Parents::Rows(&rows, Some(&[4, 0]))).await;
    let values = answers.iter().map(|answer| match answer {
        Ok(FieldAnswer::Values { values, .. }) => values[1].get(),
        _ => panic!("no values"),
    });
    assert_eq!(values.collect::<Vec<_>>(), ["2", "\"y\""]);
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0]["parents"], json!({ "rows": 2 }));
    assert_eq!(asked[0]["rowCount"], 2);
    assert_eq!(asked[0]["path"], json!(["questions"]));
    assert_eq!(
        (&asked[0]["type"], &asked[0]["isFirst"]),
        (&json!("Question"), &json!(true))
    );
    let field = json!({ "index": 2, "key": "votes", "name": "votes", "args": { "first": 3 } });
    for (name, value) in field.as_object().unwrap() {
        assert_eq!(&asked[0]["fields"][0][name], value);
    }
    // Nobody waits any more.
    assert_eq!(
        script.forgotten.lock().unwrap()[..],
        [asked[0]["ask"].as_u64().unwrap() as u32]
    );
}

#[tokio::test]
async fn answers_may_come_later_from_elsewhere() {
    let pending: Arc<Mutex<Option<Arc<PendingAsk>>>> = Arc::default();
    let kept = pending.clone();
    let script = Replies::new(move |_, pending| {
        *kept.lock().unwrap() = Some(pending);
    });
    let host = asking(Some(script.clone()));
    let answered = tokio::spawn(async move { ask(&host, Parents::Set { id: 1, count: 1 }).await });
    for json in [
        r#"{"fields":[{"index":2,"slots":[[0,null]],"sets":[{"type":"Dog","id":1,"count":1}]}]}"#,
        r#"{"fields":[{"index":5,"failure":{"message":"no","code":"X","isPublic":true}}]}"#,
    ] {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        pending
            .lock()
            .unwrap()
            .as_ref()
            .unwrap()
            .answer(json.into());
    }
    let mut answers = answered.await.unwrap();
    let failure = answers.pop().unwrap().unwrap_err();
    assert_eq!((&*failure.message, failure.is_public), ("no", true));
    let Ok(FieldAnswer::Objects { slots, .. }) = answers.pop().unwrap() else {
        panic!("no objects")
    };
    assert_eq!(slots, [Slot::List(vec![Slot::Object(0), Slot::Null])]);
}

#[tokio::test]
async fn bad_answers_are_failures_of_what_was_not_answered() {
    for json in [
        "{",
        r#"{"fields":[{"index":9,"values":[1]}]}"#,
        r#"{"failure":{"message":"gone","code":"PUFF_INTERNAL"}}"#,
    ] {
        let script = Replies::new(move |_, pending| {
            pending.answer(r#"{"fields":[{"index":2,"values":[1]}]}"#.into());
            pending.answer(json.into());
        });
        let answers = ask(&asking(Some(script)), Parents::Root).await;
        assert!(answers[0].is_ok(), "{json}");
        let failure = answers[1].as_ref().unwrap_err();
        assert_eq!(failure.code, "PUFF_INTERNAL", "{json}");
    }
}

#[tokio::test]
async fn without_javascript_nobody_is_asked() {
    let host = asking(None);
    for answer in ask(&host, Parents::Root).await {
        let failure = answer.unwrap_err();
        assert_eq!(failure.code, "PUFF_GRAPHQL_NO_JAVASCRIPT");
        assert!(
            failure.message.starts_with("Question.votes"),
            "{}",
            failure.message
        );
    }
    let failure = host.context().await.unwrap_err();
    assert_eq!(failure.code, "PUFF_GRAPHQL_NO_JAVASCRIPT");
}
