//! Giving requests up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use puff_core::postgres::{Call, Error};

use crate::support::{checkout, pool, query, request, run, text};

#[test]
fn a_running_statement_stops() {
    let pool = pool(|options| options.max_connections = Some(1));
    let call = Arc::new(Call::default());
    let (slow, pending) = request(query("select pg_sleep(60)", &[]), Some(call.clone()));
    let begin = Instant::now();
    pool.run(slow);
    std::thread::sleep(Duration::from_millis(100));
    call.cancel();
    assert!(matches!(pending.wait(), Err(Error::Cancelled)));
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(text(run(&pool, "select 'next'", &[])), "next");
}

#[test]
fn a_statement_in_the_queue_never_starts() {
    let pool = pool(|options| options.max_connections = Some(1));
    let session = checkout(&pool, Some("BEGIN")).unwrap();
    let call = Arc::new(Call::default());
    let (waiting, pending) = request(query("select 1", &[]), Some(call.clone()));
    pool.run(waiting);
    call.cancel();
    drop(session);
    assert!(matches!(pending.wait(), Err(Error::Cancelled)));
}

#[test]
fn a_cancellation_never_hits_the_statement_after() {
    let pool = pool(|options| options.max_connections = Some(1));
    for round in 0..200 {
        let call = Arc::new(Call::default());
        let (first, first_answer) = request(query("select 'first'", &[]), Some(call.clone()));
        pool.run(first);
        if round % 2 == 0 {
            std::thread::sleep(Duration::from_micros(round * 2));
        }
        call.cancel();
        let next = run(&pool, "select 'next', pg_sleep(0.001)", &[]);
        assert_eq!(text(next), "next", "round {round}");
        match first_answer.wait() {
            Ok(_) | Err(Error::Cancelled) => {}
            Err(error) => panic!("round {round}: {error}"),
        }
    }
}
