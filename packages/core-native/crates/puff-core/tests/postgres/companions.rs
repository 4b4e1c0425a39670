//! Statements of several callers that a busy pool sends over one connection together.

use std::time::{Duration, Instant};

use puff_core::postgres::{Error, Pool, Session};

use crate::support::{Pending, checkout, on_session, pool, query, run, send, text};

/// A pool of one connection.
fn pool_of_one() -> Pool {
    pool(|options| options.max_connections = Some(1))
}

/// Makes a table and returns a statement that reads it.
fn read_of(pool: &Pool, table: &str) -> String {
    let create = format!("create table {table} as select id from generate_series(1, 100) id");
    run(pool, &create, &[]).unwrap();
    format!("select id::text from {table} where id = $1")
}

/// Lets the pool find out how quick a statement is.
fn practise(pool: &Pool, find: &str) {
    for _ in 0..100 {
        run(pool, find, &["1"]).unwrap();
    }
}

/// Keeps the pool's connection busy for a moment in which `count` statements queue up.
fn queue_up(pool: &Pool, find: &str, count: usize) -> Vec<Pending> {
    let busy = send(pool, query("select pg_sleep(0.2)::text", &[]));
    let pending = (1..=count)
        .map(|id| send(pool, query(find, &[&id.to_string()])))
        .collect();
    busy.wait().unwrap();
    pending
}

/// Four statements that are sent together and wait for a lock, and who has it.
fn stuck_together(pool: &Pool, find: &str) -> (std::vec::IntoIter<Pending>, Session) {
    let locks = pool_of_one();
    // A busy machine may make the statement seem slow: then they are sent one by one.
    for _ in 0..20 {
        practise(pool, find);
        let locker = checkout(&locks, Some("BEGIN")).unwrap();
        let lock = "lock table companions_terminated in access exclusive mode";
        on_session(&locker, query(lock, &[])).wait().unwrap();
        let answers = queue_up(pool, find, 4);
        std::thread::sleep(Duration::from_millis(100));
        if pool.status().waiting == 0 {
            return (answers.into_iter(), locker);
        }
        drop(locker);
        for answer in answers {
            answer.wait().unwrap();
        }
    }
    panic!("statements were never sent together");
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn quick_reads_share_a_connection_and_each_gets_its_own_answer() {
    let pool = pool_of_one();
    let find = read_of(&pool, "companions_answered");
    practise(&pool, &find);
    for (index, answer) in queue_up(&pool, &find, 20).into_iter().enumerate() {
        assert_eq!(text(answer.wait()), (index + 1).to_string());
    }
    run(&pool, "drop table companions_answered", &[]).unwrap();
}

#[test]
fn what_waits_behind_a_statement_whose_server_process_is_terminated_runs_again() {
    let pool = pool_of_one();
    let find = read_of(&pool, "companions_terminated");
    let (mut answers, locker) = stuck_together(&pool, &find);
    let killer = pool_of_one();
    let terminate = "select pg_terminate_backend(pid)::text from pg_locks \
                     where relation = 'companions_terminated'::regclass and not granted";
    wait_until("the first one waits for the lock", || {
        !run(&killer, terminate, &[]).unwrap().0.is_empty()
    });

    let first = answers.next().unwrap().wait();
    assert!(
        matches!(first, Err(Error::ConnectionLost { .. })),
        "{first:?}"
    );
    drop(locker);
    for (answer, id) in answers.zip(2..) {
        assert_eq!(text(answer.wait()), id.to_string());
    }
    run(&killer, "drop table companions_terminated", &[]).unwrap();
}
