//! Operations that are stopped.

use std::time::{Duration, Instant};

use puff_graphql::host::{Host, OperationKind};
use puff_server::graphql::HostOptions;

use crate::support::{Replies, all_idle, host, options, outside, pool, query, text};

const SLOW: &str = "select 'slow', pg_sleep(60)";

/// Waits until the server runs as many slow statements.
async fn running(pool: &puff_core::postgres::Pool, count: &str) {
    let host = host(options(pool), None, OperationKind::Query);
    let sql = "select count(*)::text from pg_stat_activity where state = 'active' \
               and query like 'select ''slow''%' and application_name = 'bounds'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while text(&host, sql).await.unwrap() != count {
        assert!(Instant::now() < deadline, "never {count}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn named(host: &puff_server::graphql::PoolHost) {
    // Only what this test started is counted.
    let named = "select set_config('application_name', 'bounds', false)";
    query(host, named).await.unwrap();
}

#[tokio::test]
async fn dropping_an_operation_stops_its_statements() {
    for kind in [OperationKind::Query, OperationKind::Mutation] {
        let (observer, pool) = (pool(1), pool(1));
        let operation = host(options(&pool), None, kind);
        named(&operation).await;
        let work = tokio::spawn(async move { query(&operation, SLOW).await.map(|_| ()) });
        running(&observer, "1").await;
        work.abort();
        running(&observer, "0").await;
        all_idle(&pool).await;
    }
}

#[tokio::test]
async fn when_time_is_up_what_runs_fails_and_the_rest_goes_on() {
    let pool = pool(1);
    // Opening a connection is not what takes the time.
    outside(&pool, "select 1").await;
    let options = HostOptions {
        timeout: Some(Duration::from_millis(300)),
        ..options(&pool)
    };
    let silent = Replies::new(|_, _| {});
    let operation = host(options, Some(silent.clone()), OperationKind::Mutation);
    let begin = Instant::now();
    let done = operation.within_time(async {
        let fast = text(&operation, "select 'fast'").await;
        let (slow, context) = tokio::join!(query(&operation, SLOW), operation.context());
        let late = query(&operation, "select 1").await;
        let end = operation.finish(true).await;
        (fast, slow.err(), context.err(), late.err(), end.err())
    });
    let (fast, slow, context, late, end) = done.await.expect("an end of its own");
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(fast.unwrap(), "fast");
    for failure in [slow, context, late, end] {
        let failure = failure.expect("a failure");
        assert_eq!(failure.code, "PUFF_GRAPHQL_TIMEOUT", "{}", failure.message);
        assert!(failure.is_public && failure.message.contains("300 ms"));
    }
    assert!(operation.has_rolled_back());
    assert_eq!(silent.forgotten.lock().unwrap().len(), 1);
    drop(operation);
    all_idle(&pool).await;
}

#[tokio::test]
async fn an_operation_that_does_not_end_is_given_up() {
    let pool = pool(1);
    let options = HostOptions {
        timeout: Some(Duration::from_millis(50)),
        ..options(&pool)
    };
    let operation = host(options, None, OperationKind::Query);
    let stuck = operation.within_time(std::future::pending::<()>());
    assert!(stuck.await.is_none());
}

#[tokio::test]
async fn rows_are_counted_over_all_statements() {
    let pool = pool(1);
    let options = HostOptions {
        max_rows: 100,
        ..options(&pool)
    };
    let rows = |count: u64| format!("select generate_series(1, {count})");
    let operation = host(options.clone(), None, OperationKind::Query);
    assert_eq!(query(&operation, &rows(100)).await.unwrap().len(), 100);
    let failure = query(&operation, &rows(1)).await.err().unwrap();
    assert_eq!(
        (&*failure.code, failure.is_public),
        ("PUFF_GRAPHQL_ROWS", true)
    );

    // A statement that would go on for minutes is stopped.
    let operation = host(options, None, OperationKind::Query);
    let begin = Instant::now();
    let failure = query(&operation, &rows(2_000_000_000)).await.err().unwrap();
    assert_eq!(failure.code, "PUFF_GRAPHQL_ROWS");
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    all_idle(&pool).await;
}
