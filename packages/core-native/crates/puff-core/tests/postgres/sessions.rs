//! Connections that belong to one caller.

use puff_core::postgres::{Error, Operation, Params, Profile};

use crate::support::{checkout, on_session, pool, query, run, text};

#[test]
fn requests_run_in_order_without_waiting() {
    let pool = pool(|_| {});
    let session = checkout(&pool, Some("BEGIN")).unwrap();
    let created = on_session(&session, query("create temp table ordered (id int)", &[]));
    let inserted = on_session(&session, query("insert into ordered values (1)", &[]));
    let counted = on_session(&session, query("select count(*)::text from ordered", &[]));
    created.wait().unwrap();
    inserted.wait().unwrap();
    assert_eq!(text(counted.wait()), "1");
}

#[test]
fn dropping_a_session_rolls_back_and_returns_the_connection() {
    let pool = pool(|options| options.max_connections = Some(1));
    run(&pool, "create temp table dropped (id int)", &[]).unwrap();
    let session = checkout(&pool, Some("BEGIN")).unwrap();
    on_session(&session, query("insert into dropped values (1)", &[]))
        .wait()
        .unwrap();
    drop(session);
    assert_eq!(
        text(run(&pool, "select count(*)::text from dropped", &[])),
        "0"
    );
    assert_eq!(pool.status().open, 1);
}

#[test]
fn cursors_fetch_page_by_page() {
    let pool = pool(|_| {});
    let session = checkout(&pool, Some("BEGIN")).unwrap();
    let open = Operation::OpenCursor {
        cursor: 1,
        sql: "select i::text from generate_series(1, 5) i".into(),
        params: Params::new(),
        max_rows: 2,
        profile: Profile::Typed,
    };
    let mut pages = Vec::new();
    let (rows, mut outcome) = on_session(&session, open).wait().unwrap();
    pages.push(rows.len());
    while outcome.is_suspended {
        let fetch = Operation::FetchCursor {
            cursor: 1,
            max_rows: 2,
        };
        let (rows, next) = on_session(&session, fetch).wait().unwrap();
        pages.push(rows.len());
        outcome = next;
    }
    assert_eq!(pages, [2, 2, 1]);
    on_session(&session, Operation::CloseCursor { cursor: 1 })
        .wait()
        .unwrap();
    let late = Operation::FetchCursor {
        cursor: 1,
        max_rows: 2,
    };
    assert!(matches!(
        on_session(&session, late).wait(),
        Err(Error::Closed { .. })
    ));
}

#[test]
fn an_error_aborts_the_transaction_until_its_end() {
    let pool = pool(|options| options.max_connections = Some(1));
    let session = checkout(&pool, Some("BEGIN")).unwrap();
    assert!(
        on_session(&session, query("select 1/0", &[]))
            .wait()
            .is_err()
    );
    let error = on_session(&session, query("select 1", &[]))
        .wait()
        .unwrap_err();
    assert!(
        matches!(&error, Error::Server(server) if server.sqlstate == "25P02"),
        "{error}"
    );
    drop(session);
    assert_eq!(text(run(&pool, "select '1'", &[])), "1");
}

#[test]
fn a_transaction_opened_by_hand_on_the_pool_is_refused_and_ended() {
    let pool = pool(|options| options.max_connections = Some(1));
    assert!(matches!(
        run(&pool, "begin", &[]),
        Err(Error::Unsupported(_))
    ));
    let error = run(&pool, "savepoint outside", &[]).unwrap_err();
    assert!(
        matches!(&error, Error::Server(server) if server.sqlstate == "25P01"),
        "{error}"
    );
}

#[test]
fn a_transaction_ended_by_hand_is_refused_and_takes_nothing_more() {
    let pool = pool(|options| options.max_connections = Some(1));
    run(&pool, "create temp table ended (id int)", &[]).unwrap();
    for end in ["commit", "rollback"] {
        let session = checkout(&pool, Some("BEGIN")).unwrap();
        let ended = on_session(&session, query(end, &[])).wait();
        assert!(matches!(ended, Err(Error::Unsupported(_))), "{end}");
        let late = on_session(&session, query("insert into ended values (1)", &[]));
        assert!(
            matches!(late.wait(), Err(Error::Closed { .. })),
            "after {end}"
        );
        let proper = on_session(&session, Operation::End { commits: true });
        proper.wait().unwrap();
    }
    assert_eq!(
        text(run(&pool, "select count(*)::text from ended", &[])),
        "0"
    );
}
