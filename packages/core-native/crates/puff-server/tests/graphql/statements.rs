//! Statements of queries, on any connections of the pool.

use std::sync::Arc;
use std::time::{Duration, Instant};

use puff_graphql::host::{Host, OperationKind};
use puff_server::graphql::HostOptions;

use crate::support::{host, options, outside, pool, query, text, text_params};

#[tokio::test]
async fn siblings_run_at_the_same_time() {
    let pool = pool(4);
    let host = host(options(&pool), None, OperationKind::Query);
    // Connections take longer to open than the statements run.
    tokio::join!(
        query(&host, "select 1"),
        query(&host, "select 1"),
        query(&host, "select 1")
    )
    .0
    .unwrap();
    let begin = Instant::now();
    let sleep = "select pg_sleep(0.3)";
    let results = tokio::join!(
        query(&host, sleep),
        query(&host, sleep),
        query(&host, sleep)
    );
    assert!(results.0.is_ok() && results.1.is_ok() && results.2.is_ok());
    assert!(
        begin.elapsed() < Duration::from_millis(700),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(host.statements(), 6);
}

#[tokio::test]
async fn rows_come_as_postgres_sent_them() {
    let pool = pool(2);
    let host = host(options(&pool), None, OperationKind::Query);
    let sql: Arc<str> =
        "select 7 as id, $1 as title, null::int8 as none, 1.50::numeric as price".into();
    let (first, second) = tokio::join!(
        host.query(&sql, text_params("a")),
        host.query(&sql, text_params("b"))
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    let columns: Vec<_> = first
        .columns
        .iter()
        .map(|column| (&*column.name, column.type_oid, column.is_binary))
        .collect();
    assert_eq!(
        columns,
        [
            ("id", 23, true),
            ("title", 25, true),
            ("none", 20, true),
            ("price", 1700, false)
        ]
    );
    assert_eq!(
        first.cells(0).collect::<Vec<_>>(),
        [
            Some(&7i32.to_be_bytes()[..]),
            Some(b"a"),
            None,
            Some(b"1.50")
        ]
    );
    assert_eq!(second.cell(0, 1), Some(&b"b"[..]));
    // Whatever connection they came on: what is worked out for columns is found by their address.
    assert!(Arc::ptr_eq(&first.columns, &second.columns));
    assert_eq!((first.len(), first.row_count), (1, 1));
}

#[tokio::test]
async fn a_table_that_changes_gives_rows_once() {
    let pool = pool(1);
    outside(&pool, "create temp table altered as select 1 as a").await;
    let host = host(options(&pool), None, OperationKind::Query);
    assert_eq!(
        query(&host, "select * from altered")
            .await
            .unwrap()
            .columns
            .len(),
        1
    );
    outside(&pool, "alter table altered add b text default 'x'").await;
    let rows = query(&host, "select * from altered").await.unwrap();
    assert_eq!((rows.columns.len(), rows.len()), (2, 1));
}

#[tokio::test]
async fn failures_carry_what_the_server_said_but_are_not_public() {
    let pool = pool(1);
    let host = host(options(&pool), None, OperationKind::Query);
    let failure = query(&host, "select 1/0").await.err().unwrap();
    assert_eq!(failure.code, "PUFF_POSTGRES_QUERY");
    assert!(!failure.is_public);
    let state = failure.extensions.get("sqlState");
    assert_eq!(state.and_then(|state| state.as_str()), Some("22012"));
    assert_eq!(text(&host, "select 'next'").await.unwrap(), "next");
}

#[tokio::test]
async fn without_a_pool_statements_fail() {
    let host = host(HostOptions::default(), None, OperationKind::Mutation);
    let failure = query(&host, "select 1").await.err().unwrap();
    assert_eq!(failure.code, "PUFF_POSTGRES_NOT_CONFIGURED");
    host.finish(true).await.unwrap();
}
