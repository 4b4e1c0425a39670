//! Documents made to hurt: each must get an answer soon, and none may end the process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use puff_graphql::coercion::coerce_variables;
use puff_graphql::document::{Document, TypeSystem, check};
use puff_graphql::introspection::introspect;
use puff_graphql::schema::LimitsSpec;
use serde_json::json;

const SDL: &str = "
    type Query { a(x: Int, list: [[Int]], in: In, json: JSON): Query b(x: Int): Query n: Int first(first: Int): [Query] }
    input In { in: In, list: [In], x: Int }
    scalar JSON
";

/// Far more than what is needed, and far less than what the text would take if it were expanded.
const BOUND: Duration = Duration::from_secs(20);

/// What comes of a text: the code of its first error, or "valid".
fn outcome_with(text: &str, limits: &LimitsSpec) -> String {
    let types = TypeSystem::parse(SDL).unwrap();
    let start = Instant::now();
    let document = Document::parse(&types, &Arc::from(text), limits);
    let errors = match document {
        Err(errors) => errors,
        Ok(document) => {
            let operation = document.operation(None).unwrap();
            let empty = Default::default();
            match coerce_variables(&types, &document, operation, &empty) {
                Err(errors) => errors,
                Ok(variables) => check(&document, operation, &variables, limits)
                    .err()
                    .into_iter()
                    .collect(),
            }
        }
    };
    assert!(start.elapsed() < BOUND, "took {:?}", start.elapsed());
    let size: usize = errors.iter().map(|error| error.message.len()).sum();
    assert!(size < 200_000, "messages of {size} bytes");
    match errors.first() {
        Some(error) => error.extensions["code"].as_str().unwrap().to_owned(),
        None => "valid".to_owned(),
    }
}

fn outcome(text: &str) -> String {
    outcome_with(text, &LimitsSpec::default())
}

/// Without any limit that a schema's author can set.
fn unlimited() -> LimitsSpec {
    LimitsSpec {
        depth: 0,
        aliases: 0,
        root_fields: 0,
        cost: 0,
        page_size: 0,
        tokens: 0,
        rows: 0,
        timeout_ms: 0,
    }
}

const DEPTH: &str = "PUFF_GRAPHQL_LIMIT_DEPTH";
const COST: &str = "PUFF_GRAPHQL_LIMIT_COST";
const TOKENS: &str = "PUFF_GRAPHQL_LIMIT_TOKENS";
const PARSE: &str = "GRAPHQL_PARSE_FAILED";
const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";

#[test]
fn megabytes_of_brackets() {
    for bracket in [
        "{", "[", "(", "{a", "}", "...{", "\"", "\"\"\"", "#", "@a", "{a(x:[", "$",
    ] {
        let size = if bracket == "{" {
            10_000_000
        } else {
            1_000_000
        };
        let text = bracket.repeat(size / bracket.len());
        for limits in [LimitsSpec::default(), unlimited()] {
            let code = outcome_with(&text, &limits);
            assert!(
                [DEPTH, TOKENS, PARSE].contains(&&*code),
                "{bracket}: {code}"
            );
        }
    }
}

#[test]
fn deep_selections_lists_objects_and_types() {
    for (open, middle, close) in [("{ a ", "{ n }", "}"), ("{ ... ", "{ n }", "}")] {
        let deep = |depth: usize| open.repeat(depth) + middle + &close.repeat(depth);
        assert_eq!(outcome_with(&deep(100), &unlimited()), "valid", "{open}");
        for depth in [201, 100_000] {
            assert_eq!(outcome_with(&deep(depth), &unlimited()), DEPTH, "{open}");
        }
    }
    let nested = |open: &str, close: &str, depth: usize| open.repeat(depth) + &close.repeat(depth);
    for depth in [300, 1_000_000] {
        for text in [
            format!("{{ a(list: {}) {{ n }} }}", nested("[", "]", depth)),
            format!("{{ a(json: {}) {{ n }} }}", nested("[", "]", depth)),
            format!(
                "{{ a(in: {}null{}) {{ n }} }}",
                "{in:".repeat(depth),
                "}".repeat(depth)
            ),
            format!(
                "query ($v: {}Int{}) {{ n }}",
                "[".repeat(depth),
                "]".repeat(depth)
            ),
        ] {
            assert_eq!(outcome_with(&text, &unlimited()), DEPTH);
        }
    }
}

#[test]
fn cycles_of_fragments() {
    assert_eq!(outcome("{ ...A } fragment A on Query { ...A }"), INVALID);
    assert_eq!(
        outcome("{ n } fragment A on Query { a { ...B } } fragment B on Query { ...A }"),
        INVALID
    );
    let ring: String = (0..900)
        .map(|i| format!("fragment F{i} on Query {{ ...F{} }} ", (i + 1) % 900))
        .collect();
    let code = outcome(&format!("{{ ...F0 }} {ring}"));
    assert!([DEPTH, INVALID].contains(&&*code), "{code}");
}

#[test]
fn fragments_that_double() {
    for body in [
        "...F{} ...F{}",
        "a { ...F{} } b { ...F{} }",
        "a { ...F{} } x: a { ...F{} }",
    ] {
        let fragments: String = (0..60)
            .map(|i| {
                let next = (i + 1).to_string();
                format!(
                    "fragment F{i} on Query {{ {} n }} ",
                    body.replace("{}", &next)
                )
            })
            .collect();
        let text = format!("{{ ...F0 }} {fragments} fragment F60 on Query {{ n }}");
        assert_eq!(outcome_with(&text, &unlimited()), COST, "{body}");
    }
}

#[test]
fn long_chains_of_fragments() {
    let chain = |length: usize| {
        let fragments: String = (0..length)
            .map(|i| format!("fragment F{i} on Query {{ ...F{} }} ", i + 1))
            .collect();
        format!("{{ ...F0 }} {fragments} fragment F{length} on Query {{ n }}")
    };
    assert_eq!(outcome_with(&chain(50), &unlimited()), "valid");
    for length in [1_000, 10_000] {
        assert_eq!(outcome_with(&chain(length), &unlimited()), DEPTH);
    }
}

#[test]
fn huge_literals() {
    let long = "x".repeat(5_000_000);
    assert_eq!(outcome(&format!("{{ a(x: \"{long}\") {{ n }} }}")), INVALID);
    assert_eq!(
        outcome(&format!("{{ a(x: {}) {{ n }} }}", "9".repeat(1_000_000))),
        INVALID
    );
    assert_eq!(outcome(&format!("{{ {long} }}")), INVALID);
    assert_eq!(outcome(&format!("{{ a(x: \"\"\"{long}")), PARSE);
    assert_eq!(
        outcome(&format!("{{ a(json: \"{long}\") {{ n }} }}")),
        "valid"
    );
    let list = "1 ".repeat(1_000_000);
    assert_eq!(outcome(&format!("{{ a(json: [{list}]) {{ n }} }}")), TOKENS);
}

#[test]
fn wide_selections() {
    let same = "n ".repeat(9_000);
    assert_eq!(outcome(&format!("{{ {same} }}")), "valid");
    let aliases: String = (0..3_000).map(|i| format!("x{i}: n ")).collect();
    assert_eq!(
        outcome(&format!("{{ {aliases} }}")),
        "PUFF_GRAPHQL_LIMIT_ALIASES"
    );
    let same = "a { n } ".repeat(2_000);
    assert_eq!(outcome(&format!("{{ {same} }}")), "valid");
    let conflicts: String = (0..1_000).map(|i| format!("a(x: {i}) {{ n }} ")).collect();
    assert_eq!(outcome(&format!("{{ {conflicts} }}")), INVALID);
    let lists: String = (0..600)
        .map(|i| format!("a(list: [[{i}]]) {{ n }} "))
        .collect();
    assert_eq!(outcome(&format!("{{ {lists} }}")), INVALID);
    let variables: String = (0..2_400).map(|i| format!("$v{i}: Int ")).collect();
    assert_eq!(outcome(&format!("query ({variables}) {{ n }}")), INVALID);
    let operations: String = (0..700)
        .map(|i| format!("query Q{i} {{ ...F }} "))
        .collect();
    let operations = format!(
        "{operations} fragment F on Query {{ {} }}",
        "a { n } ".repeat(900)
    );
    assert_eq!(outcome(&operations), COST);
}

#[test]
fn bad_escapes_and_characters() {
    for text in [
        r#"{ a(json: "\u{110000}") { n } }"#,
        r#"{ a(json: "\u{}") { n } }"#,
        r#"{ a(json: "\u{FFFFFFFFFFFFFFFFFFFFF}") { n } }"#,
        r#"{ a(json: "\uD800") { n } }"#,
        r#"{ a(json: "\uD800\u0041") { n } }"#,
        r#"{ a(json: "\uDC00") { n } }"#,
        r#"{ a(json: "\u12") { n } }"#,
        r#"{ a(json: "\u12é3") { n } }"#,
        r#"{ a(json: "\q") { n } }"#,
        r#"{ a(json: "\é") { n } }"#,
        r#"{ a(json: "\"#,
        "{ a(json: \"\n\") { n } }",
        "{ é }",
        "{ a\0 }",
        "{ a(x: 01) { n } }",
        "{ a(x: 1é) { n } }",
        "{ a(x: -) { n } }",
        "{ a(x: 1.) { n } }",
        "{ ..a }",
        "\u{feff}",
        "",
        "#",
    ] {
        assert_eq!(outcome(text), PARSE, "{text}");
    }
    for text in [
        r#"{ a(json: "\uD83D\uDE00 \u{1F600} \u0000") { n } }"#,
        "\u{feff}{ a(json: \"\"\"\\\"\"\" é \\ \"\"\") { n } }",
        "{ n } # é",
    ] {
        assert_eq!(outcome(text), "valid", "{text}");
    }
}

#[test]
fn every_beginning_of_a_document_is_an_error_or_valid() {
    let text = r#"query Q($a: [Int!] = [1, -2.5e3] @d) @e(x: "\u00e9") { x: a(in: {x: $a}) { ...F ... on Query @skip(if: true) { n } } } fragment F on Query { n b(x: """block""") { n } }"#;
    for end in 0..=text.len() {
        if let Some(text) = text.get(..end) {
            outcome(text);
        }
    }
}

/// Every step from a type to its fields and back multiplies the answer; aliases do it again.
#[test]
fn introspection_that_multiplies() {
    let fields: String = (0..60).map(|i| format!("f{i}: T{i} ")).collect();
    let types: String = (0..60)
        .map(|i| format!("type T{i} {{ {fields} }} "))
        .collect();
    let types = TypeSystem::parse(&format!("type Query {{ {fields} }} {types}")).unwrap();
    let inner: String = (0..20)
        .map(|i| format!("y{i}: fields {{ name type {{ name }} }} "))
        .collect();
    let outer: String = (0..20)
        .map(|i| format!("x{i}: fields {{ type {{ {inner} }} }} "))
        .collect();
    let text = Arc::from(format!("{{ __schema {{ types {{ {outer} }} }} }}"));
    let start = Instant::now();
    let document = Document::parse(&types, &text, &LimitsSpec::default()).unwrap();
    let operation = document.operation(None).unwrap();
    let fields: Vec<_> = operation.root_fields(&document.executable).collect();
    let error = introspect(&types, &document, &fields, &Default::default()).unwrap_err();
    assert_eq!(error.extensions["code"], COST);
    assert!(start.elapsed() < BOUND, "took {:?}", start.elapsed());
}

#[test]
fn hostile_variables() {
    let types = TypeSystem::parse(SDL).unwrap();
    let text = Arc::from("query ($in: In, $json: JSON) { a(in: $in, json: $json) { n } }");
    let document = Document::parse(&types, &text, &LimitsSpec::default()).unwrap();
    let operation = document.operation(None).unwrap();
    let mut wide = serde_json::Map::new();
    for i in 0..20_000 {
        wide.insert(format!("field{i}"), json!("x".repeat(100)));
    }
    let list: Vec<_> = (0..50_000).map(|_| json!({ "x": "no" })).collect();
    let start = Instant::now();
    for value in [
        json!(wide),
        json!({ "list": list }),
        json!("x".repeat(5_000_000)),
    ] {
        let given = json!({ "in": value });
        let errors =
            coerce_variables(&types, &document, operation, given.as_object().unwrap()).unwrap_err();
        assert!(errors.len() <= 51);
        let size: usize = errors.iter().map(|error| error.message.len()).sum();
        assert!(size < 200_000, "messages of {size} bytes");
    }
    assert!(start.elapsed() < BOUND);
}
