//! What goes wrong, and that it stays with those it concerns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use puff_core::postgres::packed::PackedLayout;
use puff_core::postgres::{Error, Outcome, Request, RowRef, Sink};

use crate::support::{checkout, database_url, pool, query, run, send, text};

#[test]
fn errors_carry_the_servers_fields() {
    let pool = pool(|_| {});
    let error = run(&pool, "select nothing_here", &[]).unwrap_err();
    let Error::Server(server) = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (server.sqlstate.as_str(), server.position),
        ("42703", Some(8))
    );
    assert_eq!(error.code(), "PUFF_POSTGRES_QUERY");
}

#[test]
fn a_pool_without_a_free_connection_says_so_in_time() {
    let pool = pool(|options| {
        options.max_connections = Some(1);
        options.acquire_timeout_ms = Some(150);
    });
    let session = checkout(&pool, Some("BEGIN")).unwrap();
    let begin = Instant::now();
    let error = run(&pool, "select 1", &[]).unwrap_err();
    assert!(
        matches!(error, Error::PoolTimeout { max: 1, .. }),
        "{error}"
    );
    assert!((100..3000).contains(&begin.elapsed().as_millis()));
    drop(session);
    assert_eq!(text(run(&pool, "select 'free'", &[])), "free");
}

#[test]
fn nobody_listening_is_reported_at_once() {
    let pool = pool(|options| options.url = "postgres://me@127.0.0.1:1/db".into());
    let begin = Instant::now();
    for _ in 0..3 {
        let error = run(&pool, "select 1", &[]).unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    }
    assert!(begin.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_missing_database_is_refused_with_its_sqlstate() {
    let url = database_url();
    let without = &url[..url.rfind('/').unwrap()];
    let pool = pool(|options| options.url = format!("{without}/no_such_database"));
    let error = run(&pool, "select 1", &[]).unwrap_err();
    assert!(
        matches!(&error, Error::Refused { sqlstate: Some(state), .. } if state == "3D000"),
        "{error}"
    );
}

#[test]
fn a_terminated_backend_concerns_its_caller_alone() {
    let pool = pool(|options| options.max_connections = Some(2));
    let victim = send(
        &pool,
        query("select pg_sleep(60), 'victim of termination'", &[]),
    );
    let find = "select pg_terminate_backend(pid)::text from pg_stat_activity \
                where query like '%victim of termination%' and pid <> pg_backend_pid()";
    let deadline = Instant::now() + Duration::from_secs(5);
    std::thread::sleep(Duration::from_millis(200));
    while run(&pool, find, &[]).unwrap().0.is_empty() {
        assert!(Instant::now() < deadline, "the victim never ran");
    }
    let error = victim.wait().unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
    assert_eq!(
        text(run(&pool, "select 'others go on'", &[])),
        "others go on"
    );
}

/// A sink with a bug.
struct Panicking;

impl Sink for Panicking {
    fn start(&mut self, _layout: &Arc<PackedLayout>) {}

    fn row(&mut self, _row: RowRef<'_>) -> Result<(), Error> {
        panic!("a sink that panics, on purpose");
    }

    fn finish(self: Box<Self>, _outcome: Result<Outcome, Error>) {}
}

#[test]
fn a_panic_costs_one_connection_and_no_more() {
    let pool = pool(|options| options.max_connections = Some(1));
    pool.run(Request::new(
        query("select 1", &[]),
        Box::new(Panicking),
        None,
    ));
    assert_eq!(text(run(&pool, "select 'alive'", &[])), "alive");
    assert_eq!(pool.status().open, 1);
}

#[test]
fn copy_is_refused_and_the_connection_stays_usable() {
    let pool = pool(|options| options.max_connections = Some(1));
    run(&pool, "create temp table copied (id int)", &[]).unwrap();
    for sql in ["copy copied from stdin", "copy copied to stdout"] {
        assert!(
            matches!(run(&pool, sql, &[]), Err(Error::Unsupported(_))),
            "{sql}"
        );
        assert_eq!(
            text(run(&pool, "select 'usable'", &[])),
            "usable",
            "after {sql}"
        );
    }
}
