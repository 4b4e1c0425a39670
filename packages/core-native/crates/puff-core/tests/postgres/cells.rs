//! Values of columns that become parameters again, as arrays.

use puff_core::postgres::{Operation, Params, Profile};

use crate::support::{Answer, pool, run, send};

/// Takes the column `v` of a query and counts, with `count`, what `= any($1)` finds.
fn matches(source: &str, count: &str) -> Answer {
    let pool = pool(|_| {});
    let (rows, is_binary, type_oid) = {
        let typed = format!("select v, pg_typeof(v)::oid::text from ({source}) s(v)");
        let (rows, _) = run(&pool, &typed, &[]).unwrap();
        let type_oid = rows.first().map_or(23, |row| {
            let text = String::from_utf8(row[1].clone().unwrap()).unwrap();
            text.parse::<u32>().unwrap()
        });
        // Which types come as text is part of what `Profile::Typed` promises.
        (rows, !matches!(type_oid, 1700 | 1082 | 16384..), type_oid)
    };
    let mut params = Params::new();
    let cells: Vec<&[u8]> = rows.iter().map(|row| row[0].as_deref().unwrap()).collect();
    params.push_cells(type_oid, is_binary, cells.into_iter());
    send(
        &pool,
        Operation::Query {
            sql: count.into(),
            params,
            profile: Profile::Text,
        },
    )
    .wait()
}

fn found(source: &str, count: &str) -> String {
    let (rows, _) = matches(source, count).unwrap_or_else(|error| panic!("{source}: {error}"));
    String::from_utf8(rows[0][0].clone().unwrap()).unwrap()
}

#[test]
fn values_find_themselves_again() {
    for (source, array) in [
        ("select generate_series(1, 3)", "int4[]"),
        ("select generate_series(1, 3)", "int8[]"),
        ("select generate_series(1, 3)", "int2[]"),
        ("select generate_series(1, 3)", "numeric[]"),
        ("select generate_series(1, 3)", "text[]"),
        ("select generate_series(1, 3)::int8", "int4[]"),
        ("select generate_series(1, 3)::int2", "int8[]"),
        ("select generate_series(1, 3)::oid", "int8[]"),
        ("values ('a b'), ('\"q\"\\'), ('ünïcode, {x}')", "varchar[]"),
        ("values ('a b'), ('\"q\"\\'), ('NULL')", "name[]"),
        ("values (1.5::numeric), (2.25), ('NaN')", "numeric[]"),
        ("values (0.1::float4), ('-inf'), (1e20)", "float8[]"),
        ("values (1.5::float8), ('inf'), ('NaN')", "float8[]"),
        ("values (true), (false), (true)", "bool[]"),
        ("values (true), (false), (true)", "text[]"),
        (
            "select ('00000000-0000-0000-0000-00000000000' || n)::uuid from generate_series(1, 3) n",
            "uuid[]",
        ),
        (
            "select ('00000000-0000-0000-0000-00000000000' || n)::uuid from generate_series(1, 3) n",
            "text[]",
        ),
        (
            "select '00000000-0000-0000-0000-00000000000' || n from generate_series(1, 3) n",
            "uuid[]",
        ),
        (
            "values (timestamptz '2024-02-29 12:34:56.789012+00'), ('infinity'), ('0044-03-15 BC')",
            "timestamptz[]",
        ),
        (
            "values (timestamp '2024-02-29 12:34:56.789012'), ('-infinity'), ('0044-03-15 01:02:03 BC')",
            "timestamptz[]",
        ),
        (
            "values (date '2024-02-29'), ('infinity'), ('1900-01-01')",
            "date[]",
        ),
        (
            "values ('{\"a\": [1]}'::jsonb), ('2'), ('\"x\"')",
            "jsonb[]",
        ),
        ("values ('\\x00ff'::bytea), ('\\x'), ('\\x5c22')", "bytea[]"),
    ] {
        // Text and float4 compare with the array's elements as what those are.
        let element = array.trim_end_matches("[]");
        let count = format!(
            "select count(*)::text from ({source}) s(v) where v::{element} = any($1::{array})"
        );
        assert_eq!(found(source, &count), "3", "{source} as {array}");
    }
}

#[test]
fn no_values_are_an_empty_array() {
    let source = "select 1 where false";
    for array in ["int4[]", "text[]", "uuid[]", "int8[]"] {
        let count = format!("select cardinality($1::{array})::text");
        assert_eq!(found(source, &count), "0");
    }
}

#[test]
fn enums_find_themselves_again() {
    let pool = pool(|_| {});
    run(&pool, "drop type if exists puff_mood", &[]).unwrap();
    run(&pool, "create type puff_mood as enum ('sad', 'so so')", &[]).unwrap();
    let source = "select unnest(enum_range(null::puff_mood))";
    let count = format!("select count(*)::text from ({source}) s(v) where v = any($1)");
    let answer = found(source, &count);
    run(&pool, "drop type puff_mood", &[]).unwrap();
    assert_eq!(answer, "2");
}

#[test]
fn what_does_not_fit_says_so() {
    let scalar = matches(
        "select 1",
        "select count(*)::text from generate_series(1, 2) n where n = $1",
    );
    let message = scalar.unwrap_err().to_string();
    assert!(message.contains("$1 expects integer"), "{message}");
    assert!(message.contains("= any($1)"), "{message}");

    let wide = matches("select 5000000000", "select cardinality($1::int4[])::text");
    let message = wide.unwrap_err().to_string();
    assert!(
        message.contains("5000000000, which is out of range"),
        "{message}"
    );
}
