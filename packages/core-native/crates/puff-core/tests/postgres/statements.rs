//! Statements on the pool.

use crate::support::{Answer, pool, query, request, run, send, text};

#[test]
fn nothing_is_opened_before_the_first_statement() {
    let pool = pool(|_| {});
    assert_eq!(pool.status().open, 0);
    assert_eq!(text(run(&pool, "select 'a' || $1", &["b"])), "ab");
    assert_eq!(pool.status().open, 1);
}

#[test]
fn outcomes_name_command_and_count() {
    let pool = pool(|options| options.max_connections = Some(1));
    run(&pool, "create temp table outcome_test (id int)", &[]).unwrap();
    let (_, outcome) = run(
        &pool,
        "insert into outcome_test select generate_series(1, 3)",
        &[],
    )
    .unwrap();
    assert_eq!((&*outcome.command, outcome.row_count), ("INSERT", 3));
    let (rows, outcome) = run(&pool, "select * from outcome_test", &[]).unwrap();
    assert_eq!(
        (&*outcome.command, outcome.row_count, rows.len()),
        ("SELECT", 3, 3)
    );
}

#[test]
fn statements_stay_prepared_and_the_oldest_make_room() {
    let pool = pool(|options| {
        options.max_connections = Some(1);
        options.statement_cache_size = Some(3);
    });
    for round in 0..3 {
        for index in 0..5 {
            let sql = format!("select '{index}' || $1");
            assert_eq!(
                text(run(&pool, &sql, &["x"])),
                format!("{index}x"),
                "round {round}"
            );
        }
    }
    let count = "select count(*)::text from pg_prepared_statements";
    assert_eq!(text(run(&pool, count, &[])), "3");
}

#[test]
fn unnamed_statements_leave_nothing_on_the_server() {
    let pool = pool(|options| {
        options.max_connections = Some(1);
        options.named_statements = Some(false);
    });
    assert_eq!(text(run(&pool, "select $1::text", &["x"])), "x");
    let count = "select count(*)::text from pg_prepared_statements";
    assert_eq!(text(run(&pool, count, &[])), "0");
}

#[test]
fn a_changed_table_is_described_anew() {
    let pool = pool(|options| options.max_connections = Some(1));
    run(&pool, "create temp table changing (a text)", &[]).unwrap();
    run(&pool, "insert into changing values ('1')", &[]).unwrap();
    assert_eq!(
        run(&pool, "select * from changing", &[]).unwrap().0[0].len(),
        1
    );
    run(
        &pool,
        "alter table changing add column b text default '2'",
        &[],
    )
    .unwrap();
    assert_eq!(
        run(&pool, "select * from changing", &[]).unwrap().0[0].len(),
        2
    );
}

#[test]
fn names_that_the_server_forgot_are_prepared_again() {
    let pool = pool(|options| options.max_connections = Some(1));
    for forget in [
        "discard all",
        "deallocate all",
        "do 'begin deallocate all; end'",
    ] {
        assert_eq!(text(run(&pool, "select $1::text", &["x"])), "x");
        run(&pool, forget, &[]).unwrap();
        assert_eq!(
            text(run(&pool, "select $1::text", &["y"])),
            "y",
            "after {forget}"
        );
    }
}

#[test]
fn many_callers_share_few_connections() {
    let pool = pool(|options| options.max_connections = Some(4));
    let answers: Vec<_> = (0..1000)
        .map(|index| send(&pool, query("select $1::text", &[&index.to_string()])))
        .collect();
    for (index, answer) in answers.into_iter().enumerate() {
        assert_eq!(text(answer.wait()), index.to_string());
    }
    assert!(pool.status().open <= 4);
}

#[test]
fn statements_of_one_caller_share_a_connection_while_none_is_idle() {
    let pool = pool(|options| options.max_connections = Some(2));
    let together = |texts: &[&str]| -> Vec<_> {
        let (requests, pending): (Vec<_>, Vec<_>) = texts
            .iter()
            .map(|sql| request(query(sql, &[]), None))
            .unzip();
        pool.run_all(requests);
        pending
    };
    let mine = "select pg_backend_pid()::text";
    let process_ids: Vec<_> = together(&[mine, mine, mine])
        .into_iter()
        .map(|answer| text(answer.wait()))
        .collect();
    assert_eq!(pool.status().open, 1);
    assert!(process_ids.iter().all(|id| *id == process_ids[0]));
    // One that fails concerns nobody else.
    let mut answers = together(&["select 'a'", "select 1 / 0", "select 'b'"]).into_iter();
    let mut next = || answers.next().unwrap().wait();
    assert_eq!(text(next()), "a");
    assert_eq!(next().unwrap_err().code(), "PUFF_POSTGRES_QUERY");
    assert_eq!(text(next()), "b");
}

#[test]
fn statements_of_one_caller_that_read_share_a_transaction() {
    let pool = pool(|options| options.max_connections = Some(1));
    let hold = || send(&pool, query("select pg_sleep(0.05)::text", &[]));
    let together = |texts: &[&str]| -> Vec<Answer> {
        // While the pool is busy.
        let holding = hold();
        let (requests, pending): (Vec<_>, Vec<_>) = texts
            .iter()
            .map(|sql| request(query(sql, &[]), None))
            .unzip();
        pool.run_all(requests);
        holding.wait().unwrap();
        pending.into_iter().map(|answer| answer.wait()).collect()
    };
    let begun = "select now()::text";
    let one = "select 'one'";
    let two = "select 'two'";
    let fails = "select (1 / count(*))::text from kept where false";
    let write = "insert into kept select 1 returning 'written'";
    run(&pool, "create temp table kept (a int)", &[]).unwrap();
    // The first time they are prepared, one after the other.
    together(&[begun, one, two, write]);
    let times: Vec<_> = together(&[begun, begun, begun])
        .into_iter()
        .map(text)
        .collect();
    assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
    // What a failure made the server skip runs again, what was written stays.
    for _ in 0..3 {
        let answers = together(&[one, write, one, fails, two, fails, begun, two]);
        let texts: Vec<_> = answers
            .into_iter()
            .map(|answer| answer.map_or_else(|error| error.code().into(), |rows| text(Ok(rows))))
            .collect();
        let failed = "PUFF_POSTGRES_QUERY";
        let expected = ["one", "written", "one", failed, "two", failed];
        assert_eq!(texts[..6], expected);
        assert_eq!(texts[7], "two");
    }
    assert_eq!(
        text(run(&pool, "select count(*)::text from kept", &[])),
        "4"
    );
}

#[test]
fn statements_of_one_caller_run_at_the_same_time_on_idle_connections() {
    let pool = pool(|options| options.max_connections = Some(2));
    let first = send(&pool, query("select pg_sleep(0.2)::text", &[]));
    run(&pool, "select 1", &[]).unwrap();
    first.wait().unwrap();
    assert_eq!(pool.status().idle, 2);
    let started = std::time::Instant::now();
    let (requests, pending): (Vec<_>, Vec<_>) = (0..2)
        .map(|_| request(query("select pg_sleep(0.5)::text", &[]), None))
        .unzip();
    pool.run_all(requests);
    for answer in pending {
        answer.wait().unwrap();
    }
    let took = started.elapsed();
    assert!(took.as_millis() < 950, "{took:?} for two times 500 ms");
}

#[test]
fn large_values_cross_in_both_directions() {
    let pool = pool(|_| {});
    let value = "x".repeat(8 << 20);
    assert_eq!(
        text(run(&pool, "select $1::text", &[&value])).len(),
        value.len()
    );
}

#[test]
fn a_changed_parameter_type_is_described_anew() {
    let pool = pool(|options| options.max_connections = Some(1));
    run(&pool, "create temp table retyped (a int)", &[]).unwrap();
    run(&pool, "insert into retyped values (1)", &[]).unwrap();
    let find = "select a::text from retyped where a = $1";
    assert_eq!(text(run(&pool, find, &["1"])), "1");
    run(&pool, "alter table retyped alter column a type text", &[]).unwrap();
    assert_eq!(text(run(&pool, find, &["1"])), "1");
}
