//! Executes operations against a host that knows the answer to each statement.

use puff_graphql::Engine;
use puff_graphql::schema::SchemaSpec;
use serde_json::{Value as Json, json};

use crate::support::{Tables, engine, run};

fn polls() -> (Engine, Tables) {
    let engine = engine(json!({
        "sdl": "type Query { questions(limit: Int! = 10): [Question!]! question(id: ID!): Question mine: [Question!]! pinned(id: ID!): Question }
                type Mutation { vote(id: Int!): Choice fail: Choice }
                type Question { id: ID! questionText: String! choices: [Choice!]! author: Author total: Int! }
                type Choice { id: ID! text: String votes: Int! question: Question }
                type Author { name: String! }",
        "fields": {
            "Query.questions": { "kind": "statement", "text": "questions", "params": [{ "arg": { "path": ["limit"] } }] },
            "Query.question": { "kind": "statement", "text": "question", "params": [{ "arg": { "path": ["id"] } }] },
            "Query.pinned": { "kind": "statement", "text": "question", "params": [{ "arg": { "path": ["id"] } }], "pins": { "id": ["id"] } },
            "Query.mine": { "kind": "statement", "text": "mine", "params": [{ "context": ["user", "id"] }] },
            "Mutation.vote": { "kind": "statement", "text": "vote", "params": [{ "arg": { "path": ["id"] } }] },
            "Choice.question": { "kind": "statement", "text": "question", "params": [{ "parent": "question_id" }], "on": [["question_id", "id"]] },
            "Mutation.fail": { "kind": "statement", "text": "fail" },
            "Question.choices": { "kind": "statement", "text": "choices", "params": [{ "parent": "id" }], "on": [["id", "question_id"]] },
            "Question.author": { "kind": "statement", "text": "authors", "params": [{ "parent": "author_id" }], "on": [["author_id", "id"]] },
            "Question.total": { "kind": "statement", "text": "totals", "params": [{ "parent": "id" }], "on": [["id", "question_id"]], "value": "n", "default": 0 },
        },
    }));
    let mut host = Tables::default();
    let mut add = |sql, names: &[&'static str], rows: Json| {
        let rows = rows.as_array().unwrap().iter();
        let rows = rows.map(|row| row.as_array().unwrap().clone()).collect();
        host.by_sql.insert(sql, (names.to_vec(), rows));
    };
    let question = ["id", "question_text", "author_id"];
    add(
        "questions",
        &question,
        json!([[1, "one \"1\"", 5], [2, "two", null], [3, "three", 5]]),
    );
    add("question", &question, json!([[2, "two", null]]));
    add("mine", &question, json!([]));
    add("vote", &["id", "text", "votes"], json!([[9, "nine", 1]]));
    add(
        "choices",
        &["id", "text", "votes", "question_id"],
        json!([[10, "a", 0, 3], [11, null, 4, 1], [12, "c", 2, 3]]),
    );
    add("authors", &["id", "name"], json!([[5, "Ada"]]));
    add("totals", &["question_id", "n"], json!([[1, 1], [3, 2]]));
    (engine, host)
}

#[test]
fn each_layer_is_one_statement() {
    let (engine, host) = polls();
    let query = "query ($n: Int!) { questions(limit: $n) { __typename id text: questionText choices { id text votes } author { name } total } }";
    let body = run(&engine, &host, query, json!({ "n": 3 }));
    assert_eq!(
        body,
        json!({ "data": { "questions": [
            { "__typename": "Question", "id": "1", "text": "one \"1\"", "choices": [{ "id": "11", "text": null, "votes": 4 }],
              "author": { "name": "Ada" }, "total": 1 },
            { "__typename": "Question", "id": "2", "text": "two", "choices": [], "author": null, "total": 0 },
            { "__typename": "Question", "id": "3", "text": "three",
              "choices": [{ "id": "10", "text": "a", "votes": 0 }, { "id": "12", "text": "c", "votes": 2 }],
              "author": { "name": "Ada" }, "total": 2 },
        ] } })
    );
    let asked = host.asked.lock().unwrap();
    assert_eq!(
        *asked,
        [
            "questions (3)",
            "choices ([1,2,3])",
            "authors ([5])",
            "totals ([1,2,3])"
        ]
    );
}

#[test]
fn siblings_have_their_own_statements_and_keys_stay_in_order() {
    let (engine, host) = polls();
    let body = run(
        &engine,
        &host,
        "{ b: question(id: 2) { id choices { id } } a: mine { id } __typename }",
        json!({}),
    );
    let text = body["data"].to_string();
    assert_eq!(
        text,
        r#"{"b":{"id":"2","choices":[]},"a":[],"__typename":"Query"}"#
    );
    let mut asked = host.asked.lock().unwrap();
    asked.sort();
    assert_eq!(*asked, ["choices ([2])", "mine (7)", "question (\"2\")"]);
}

#[test]
fn layers_start_early_where_their_keys_are_arguments() {
    let (engine, host) = polls();
    let query = "{ pinned(id: 2) { id choices { id } total } }";
    let body = run(&engine, &host, query, json!({}));
    assert_eq!(
        body["data"],
        json!({ "pinned": { "id": "2", "choices": [], "total": 0 } })
    );
    // The keys are the argument as it came, before the row was there.
    assert_eq!(
        *host.asked.lock().unwrap(),
        ["question (\"2\")", "choices ([\"2\"])", "totals ([\"2\"])"]
    );
}

#[test]
fn null_where_none_may_be_takes_its_parents_along() {
    let (engine, mut host) = polls();
    host.by_sql.insert(
        "choices",
        (
            vec!["id", "text", "votes", "question_id"],
            vec![vec![json!(1), json!("x"), Json::Null, json!(2)]],
        ),
    );
    let body = run(
        &engine,
        &host,
        "{ question(id: 2) { id choices { votes } } }",
        json!({}),
    );
    assert_eq!(body["data"], json!({ "question": null }));
    assert_eq!(
        body["errors"],
        json!([{
            "message": "Cannot return null for non-nullable field Choice.votes.",
            "locations": [{ "line": 1, "column": 34 }],
            "path": ["question", "choices", 0, "votes"],
        }])
    );
}

#[test]
fn a_statement_that_fails_is_an_error_of_its_field() {
    let (engine, mut host) = polls();
    host.by_sql.remove("authors");
    let body = run(
        &engine,
        &host,
        "{ questions { id author { name } } }",
        json!({}),
    );
    assert_eq!(
        body["data"]["questions"][0],
        json!({ "id": "1", "author": null })
    );
    assert_eq!(body["errors"][0]["path"], json!(["questions", 0, "author"]));
    assert_eq!(body["errors"][0]["extensions"], json!({ "code": "TEST" }));
}

#[test]
fn a_mutation_that_fails_is_undone_as_a_whole() {
    let (engine, host) = polls();
    let body = run(
        &engine,
        &host,
        "mutation { vote(id: 9) { votes } }",
        json!({}),
    );
    assert_eq!(body, json!({ "data": { "vote": { "votes": 1 } } }));
    assert!(*host.is_one_statement.lock().unwrap());
    assert_eq!(*host.finished.lock().unwrap(), Some(true));
    let body = run(
        &engine,
        &host,
        "mutation { vote(id: 9) { votes } fail { id } }",
        json!({}),
    );
    assert_eq!(body["data"], Json::Null);
    assert_eq!(body["errors"][0]["path"], json!(["fail"]));
    assert!(!*host.is_one_statement.lock().unwrap());
    assert_eq!(*host.finished.lock().unwrap(), Some(false));
}

#[test]
fn a_mutation_with_layers_below_is_more_than_one_statement() {
    let (engine, host) = polls();
    let query = "mutation { __typename vote(id: 9) { question { id } } }";
    run(&engine, &host, query, json!({}));
    assert!(!*host.is_one_statement.lock().unwrap());
}

#[test]
fn fragments_and_conditions_decide_about_the_layers() {
    let (engine, host) = polls();
    let query = "query ($all: Boolean!) { questions { ...Q id @skip(if: $all) } }
                 fragment Q on Question { id @include(if: $all) choices @include(if: $all) { id } questionText }";
    let with = run(&engine, &host, query, json!({ "all": true }));
    assert_eq!(
        with["data"]["questions"][1].to_string(),
        r#"{"id":"2","choices":[],"questionText":"two"}"#
    );
    let without = run(&engine, &host, query, json!({ "all": false }));
    assert_eq!(
        without["data"]["questions"][1].to_string(),
        r#"{"questionText":"two","id":"2"}"#
    );
}

#[test]
fn rows_say_of_which_type_they_are() {
    let engine = engine(json!({
        "sdl": "type Query { found: [Found!]! best: Found }
                union Found = Cat | Dog
                type Cat { name: String! lives: Int! }
                type Dog { name: String! toys: [Toy!]! }
                type Toy { name: String! }",
        "fields": {
            "Query.found": { "kind": "statement", "text": "found" },
            "Query.best": { "kind": "statement", "text": "found" },
            "Dog.toys": { "kind": "statement", "text": "toys", "params": [{ "parent": "id" }], "on": [["id", "dog_id"]] },
        },
    }));
    let mut host = Tables::default();
    let found = ["__typename", "id", "name", "lives"];
    host.by_sql.insert(
        "found",
        (
            found.to_vec(),
            vec![
                vec![json!("Dog"), json!(1), json!("Rex"), Json::Null],
                vec![json!("Cat"), json!(2), json!("Tom"), json!(9)],
                vec![json!("Dog"), json!(3), json!("Pip"), Json::Null],
            ],
        ),
    );
    host.by_sql.insert(
        "toys",
        (vec!["name", "dog_id"], vec![vec![json!("ball"), json!(3)]]),
    );
    let query = "{ found { __typename ... on Cat { name lives } ... on Dog { name toys { name } } } best { ... on Dog { name } } }";
    assert_eq!(
        run(&engine, &host, query, json!({}))["data"],
        json!({
            "found": [
                { "__typename": "Dog", "name": "Rex", "toys": [] },
                { "__typename": "Cat", "name": "Tom", "lives": 9 },
                { "__typename": "Dog", "name": "Pip", "toys": [{ "name": "ball" }] },
            ],
            "best": { "name": "Rex" },
        })
    );
}

#[test]
fn connections_have_pages_and_cursors() {
    let page = |text: &str| json!({ "text": text, "params": [{ "limit": { "default": 2, "max": 100 } }, { "cursor": { "arg": "after", "index": 0 } }] });
    let engine = engine(json!({
        "sdl": "type Query { items(first: Int, after: String, last: Int, before: String): Items! }
                type Items { edges: [Edge!]! nodes: [Item!]! pageInfo: PageInfo! totalCount: Int! }
                type Edge { cursor: String! node: Item! }
                type Item { id: ID! }
                type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }",
        "fields": {
            "Query.items": { "kind": "connection", "forward": page("forward"), "backward": page("backward"),
                "cursor": ["id"], "pageSize": { "default": 2, "max": 100 }, "total": { "text": "total", "value": "n" } },
        },
    }));
    let mut host = Tables::default();
    let ids = |ids: &[i64]| (vec!["id"], ids.iter().map(|id| vec![json!(id)]).collect());
    host.by_sql.insert("forward", ids(&[1, 2, 3]));
    host.by_sql.insert("backward", ids(&[9, 8, 7]));
    host.by_sql
        .insert("total", (vec!["n"], vec![vec![json!(9)]]));
    let query = "query ($first: Int, $last: Int, $after: String) { items(first: $first, last: $last, after: $after) {
                   edges { cursor node { id } } nodes { id } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let body = run(&engine, &host, query, json!({}));
    assert_eq!(
        body["data"]["items"],
        json!({
            "edges": [{ "cursor": "WzFd", "node": { "id": "1" } }, { "cursor": "WzJd", "node": { "id": "2" } }],
            "nodes": [{ "id": "1" }, { "id": "2" }], "totalCount": 9,
            "pageInfo": { "hasNextPage": true, "hasPreviousPage": false, "startCursor": "WzFd", "endCursor": "WzJd" },
        })
    );
    let body = run(&engine, &host, query, json!({ "last": 2 }));
    assert_eq!(
        body["data"]["items"]["nodes"],
        json!([{ "id": "8" }, { "id": "9" }])
    );
    let info = &body["data"]["items"]["pageInfo"];
    assert_eq!(
        (&info["hasNextPage"], &info["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    host.asked.lock().unwrap().clear();
    run(
        &engine,
        &host,
        query,
        json!({ "first": 1, "after": "WzFd" }),
    );
    assert_eq!(host.asked.lock().unwrap()[0], "forward (2, 1)");
    // No base64, too few values, NULL.
    for after in ["nonsense", "W10=", "W251bGxd"] {
        let bad = run(&engine, &host, query, json!({ "first": 1, "after": after }));
        assert_eq!(
            bad["errors"][0]["message"],
            "The cursor is none of this connection."
        );
        assert_eq!(bad["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
    let bad = run(&engine, &host, query, json!({ "first": 101 }));
    assert_eq!(bad["data"], Json::Null);
}

#[test]
fn what_is_no_object_is_no_connection() {
    let statement = json!({ "text": "items" });
    let engine = engine(json!({
        "sdl": "type Query { bare: String pages: Pages } type Pages { pageInfo: String }",
        "fields": {
            "Query.bare": { "kind": "connection", "forward": statement, "backward": statement, "cursor": ["id"], "pageSize": { "default": 2, "max": 9 } },
            "Query.pages": { "kind": "connection", "forward": statement, "backward": statement, "cursor": ["id"], "pageSize": { "default": 2, "max": 9 } },
        },
        "options": { "masksErrors": false },
    }));
    let mut host = Tables::default();
    host.by_sql
        .insert("items", (vec!["id"], vec![vec![json!(1)]]));
    let body = run(&engine, &host, "{ bare pages { pageInfo } }", json!({}));
    assert_eq!(
        body["data"],
        json!({ "bare": null, "pages": { "pageInfo": null } })
    );
    for (index, path) in [json!(["bare"]), json!(["pages", "pageInfo"])]
        .iter()
        .enumerate()
    {
        let error = &body["errors"][index];
        assert_eq!(error["path"], *path);
        assert_eq!(error["extensions"]["code"], "PUFF_GRAPHQL_SCHEMA");
    }
}

#[test]
fn schemas_that_cannot_be_are_refused() {
    for (fields, expected) in [
        (
            json!({ "Query.b": { "kind": "resolver" } }),
            "Query.b: Query has no field b",
        ),
        (
            json!({ "Nope.a": { "kind": "resolver" } }),
            "Nope.a: there is no type Nope",
        ),
        (
            json!({ "Query.a": { "kind": "statement", "text": "", "params": [{ "packed": "?" }] } }),
            "Query.a: ? is not base64",
        ),
    ] {
        let spec = json!({ "sdl": "type Query { a: Int }", "fields": fields });
        let spec: SchemaSpec = serde_json::from_value(spec).unwrap();
        let error = Engine::new(&spec).err().unwrap().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
