//! Operations that have a transaction.

use puff_core::postgres::{Operation, Params, Pool, Profile, Request, packed::PackedSink};
use puff_graphql::host::{Host, OperationKind};
use puff_server::graphql::{HostOptions, PoolHost};

use crate::support::{Replies, all_idle, host, options, outside, pool, query, text};

async fn table(pool: &Pool, name: &str) {
    outside(pool, &format!("drop table if exists {name}")).await;
    outside(pool, &format!("create table {name} (id int)")).await;
}

async fn count(pool: &Pool, name: &str) -> String {
    let host = host(options(pool), None, OperationKind::Query);
    text(&host, &format!("select count(*)::text from {name}"))
        .await
        .unwrap()
}

/// Inserts on the operation's session, as a resolver does.
async fn insert_beside(host: &PoolHost, name: &str) {
    let session = host.session().await.unwrap();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let operation = Operation::Query {
        sql: format!("insert into {name} values (2)").into(),
        params: Params::new(),
        profile: Profile::Typed,
    };
    let sink = PackedSink::new(move |result| {
        let _ = sender.send(result.map(|_| ()));
    });
    session.run(Request::new(operation, Box::new(sink), None));
    receiver.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_mutation_commits_as_a_whole() {
    let pool = pool(3);
    table(&pool, "host_commit").await;
    let mutation = host(options(&pool), None, OperationKind::Mutation);
    query(&mutation, "insert into host_commit values (1)")
        .await
        .unwrap();
    insert_beside(&mutation, "host_commit").await;
    assert_eq!(count(&pool, "host_commit").await, "0");
    mutation.finish(true).await.unwrap();
    assert!(!mutation.has_rolled_back());
    assert_eq!(count(&pool, "host_commit").await, "2");
    assert!(mutation.session().await.is_err());
    drop(mutation);
    all_idle(&pool).await;
}

#[tokio::test]
async fn a_mutation_rolls_back_as_a_whole() {
    let pool = pool(1);
    table(&pool, "host_rollback").await;
    for ending in ["finished", "dropped"] {
        let mutation = host(options(&pool), None, OperationKind::Mutation);
        insert_beside(&mutation, "host_rollback").await;
        query(&mutation, "insert into host_rollback values (1)")
            .await
            .unwrap();
        if ending == "finished" {
            mutation.finish(false).await.unwrap();
            assert!(mutation.has_rolled_back());
        }
        drop(mutation);
        assert_eq!(count(&pool, "host_rollback").await, "0", "{ending}");
    }
    all_idle(&pool).await;
}

#[tokio::test]
async fn a_failure_that_nobody_told_of_is_told_at_the_end() {
    let pool = pool(1);
    table(&pool, "host_untold").await;
    let mutation = host(options(&pool), None, OperationKind::Mutation);
    query(&mutation, "insert into host_untold values (1)")
        .await
        .unwrap();
    query(&mutation, "select 1/0").await.err().unwrap();
    let failure = mutation.finish(true).await.unwrap_err();
    assert_eq!(failure.code, "PUFF_POSTGRES_TRANSACTION");
    assert!(mutation.has_rolled_back());
    assert_eq!(count(&pool, "host_untold").await, "0");
}

#[tokio::test]
async fn a_mutation_without_statements_takes_no_connection() {
    let pool = pool(1);
    let mutation = host(options(&pool), None, OperationKind::Mutation);
    mutation.finish(true).await.unwrap();
    assert!(!mutation.has_rolled_back());
    assert_eq!(pool.status().open + pool.status().opening, 0);
}

#[tokio::test]
async fn without_a_transaction_each_statement_of_a_mutation_is_one() {
    let pool = pool(2);
    table(&pool, "host_single").await;
    let options = HostOptions {
        mutation_transaction: false,
        ..options(&pool)
    };
    let mutation = host(options, None, OperationKind::Mutation);
    query(&mutation, "insert into host_single values (1)")
        .await
        .unwrap();
    assert_eq!(count(&pool, "host_single").await, "1");
    mutation.finish(false).await.unwrap();
    assert!(!mutation.has_rolled_back());
    assert_eq!(count(&pool, "host_single").await, "1");
}

fn settings(json: &'static str) -> std::sync::Arc<Replies> {
    Replies::new(move |_, pending| pending.answer(json.into()))
}

const CURRENT: &str =
    "select current_setting('app.user_id', true) || current_setting('transaction_read_only')";

#[tokio::test]
async fn settings_hold_for_the_operation_alone() {
    let pool = pool(1);
    for (kind, read_only) in [
        (OperationKind::Query, "on"),
        (OperationKind::Mutation, "off"),
    ] {
        let script = settings(r#"{"settings":{"app.user_id":"7' or true"}}"#);
        let options = HostOptions {
            has_settings: true,
            ..options(&pool)
        };
        let operation = host(options, Some(script.clone()), kind);
        let (first, second) = tokio::join!(text(&operation, CURRENT), text(&operation, CURRENT));
        let expected = format!("7' or true{read_only}");
        assert_eq!(
            (first.unwrap(), second.unwrap()),
            (expected.clone(), expected)
        );
        operation.finish(true).await.unwrap();
        assert!(!operation.has_rolled_back());
        assert_eq!(script.asked.lock().unwrap().len(), 1);
        assert_eq!(script.asked.lock().unwrap()[0]["kind"], "settings");
    }
    let other = host(options(&pool), None, OperationKind::Query);
    assert_eq!(
        text(
            &other,
            "select coalesce(current_setting('app.user_id', true), '')"
        )
        .await
        .unwrap(),
        ""
    );
}

#[tokio::test]
async fn nothing_is_seen_without_the_settings() {
    let pool = pool(1);
    for (json, code) in [
        (r#"{"settings":{"":"7"}}"#, "PUFF_POSTGRES_QUERY"),
        (
            r#"{"settings":{"app.user_id":"\u0000"}}"#,
            "PUFF_POSTGRES_QUERY",
        ),
        (r#"{"settings":{"app.user_id":["7"]}}"#, "PUFF_INTERNAL"),
        (
            r#"{"failure":{"message":"who are you?","code":"AUTH"}}"#,
            "AUTH",
        ),
        (r#"{"context":3}"#, "PUFF_INTERNAL"),
    ] {
        let options = HostOptions {
            has_settings: true,
            ..options(&pool)
        };
        let operation = host(options, Some(settings(json)), OperationKind::Mutation);
        for _ in 0..2 {
            let failure = text(&operation, "select 'seen'").await.unwrap_err();
            assert_eq!(failure.code, code, "{json}: {}", failure.message);
        }
        let _ = operation.finish(true).await;
    }
    all_idle(&pool).await;
}
