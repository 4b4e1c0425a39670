//! The cases of the audit in npm's `graphql-http`, by their ids, as far as HTTP decides them: what the
//! engine would answer is put in by hand.

use puff_graphql::http::{HttpResponse, ResponseFormat, respond};
use puff_graphql::{Outcome, Response};

use crate::request::{TestRequest, default_endpoint, header};

const TYPENAME: &str = r#"{"query":"{ __typename }"}"#;
const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";

fn answer(format: ResponseFormat, outcome: Outcome, body: &str) -> HttpResponse {
    let body = body.as_bytes().to_vec();
    respond(format, Response { body, outcome })
}

fn is_executed_as(request: &TestRequest<'_>, format: ResponseFormat, case: &str) {
    let (_, found) = request.executed(&default_endpoint());
    assert_eq!(found, format, "{case}");
    let response = answer(
        found,
        Outcome::Executed { has_errors: false },
        "{\"data\":{}}",
    );
    assert_eq!(response.status, 200, "{case}");
    assert_eq!(
        header(&response, "content-type"),
        Some(format.content_type()),
        "{case}"
    );
}

fn is_refused(request: &TestRequest<'_>, status: u16, case: &str) {
    assert_eq!(request.refused(&default_endpoint()).0, status, "{case}");
}

#[test]
fn media_types() {
    let post = || TestRequest::post(TYPENAME);
    let cases = [
        ("22EB", Some(GRAPHQL), ResponseFormat::GraphqlResponse),
        ("4655", Some(JSON), ResponseFormat::Json),
        ("47DE", Some("*/*"), ResponseFormat::Json),
        ("80D8", None, ResponseFormat::Json),
    ];
    for (case, accept, format) in cases {
        let request = match accept {
            Some(accept) => post().header("accept", accept),
            None => post(),
        };
        is_executed_as(&request, format, case);
    }
}

#[test]
fn utf8() {
    let body = r#"{"query":"{ __type(name: \"Run🏃Swim🏊\") { name } }"}"#;
    let request = TestRequest::post(body).header("content-type", "application/json; charset=utf-8");
    let (request, ..) = request.executed(&default_endpoint());
    assert_eq!(
        &*request.query, r#"{ __type(name: "Run🏃Swim🏊") { name } }"#,
        "BF61"
    );
    is_executed_as(&TestRequest::post(TYPENAME), ResponseFormat::Json, "78D5");
}

#[test]
fn get() {
    // As `fetch` of Node.js sends it.
    let get = |query| {
        TestRequest::get(query)
            .header("accept", "*/*")
            .header("sec-fetch-mode", "cors")
            .header("user-agent", "node")
    };
    is_executed_as(
        &get("query=%7B+__typename+%7D"),
        ResponseFormat::Json,
        "5A70",
    );

    let mutation = get("query=mutation+%7B+__typename+%7D").header("accept", GRAPHQL);
    let (request, format) = mutation.executed(&default_endpoint());
    assert!(!request.allows_mutation, "9C48");
    let refusal = answer(format, Outcome::MutationNotAllowed, "");
    assert_eq!(refusal.status, 405, "9C48");
    assert_eq!(header(&refusal, "allow"), Some("POST"), "9C48");

    let variables = "query=query+Type%28%24name%3A+String%21%29+%7B+__type%28name%3A+%24name%29\
                     +%7B+name+%7D+%7D&variables=%7B%22name%22%3A%22sometype%22%7D";
    for (case, accept) in [("D6D5", GRAPHQL), ("6A70", JSON)] {
        let (request, ..) = get(variables)
            .header("accept", accept)
            .executed(&default_endpoint());
        assert_eq!(
            &*request.query, "query Type($name: String!) { __type(name: $name) { name } }",
            "{case}"
        );
        assert_eq!(request.variables["name"], "sometype", "{case}");
    }
}

#[test]
fn post() {
    let (request, _) = TestRequest::post(TYPENAME).executed(&default_endpoint());
    assert!(request.allows_mutation, "2C94, 03D4");
    let plain = TestRequest::post(TYPENAME).header("content-type", "text/plain;charset=UTF-8");
    is_refused(&plain, 415, "9ABE");
    let untyped = TestRequest::post(TYPENAME).without("content-type");
    is_refused(&untyped, 415, "9ABE");
    is_refused(&TestRequest::post(""), 400, "A5BF");
}

#[test]
fn wrong_parameters() {
    let missing = TestRequest::post(r#"{"notquery":"{ __typename }"}"#).header("accept", GRAPHQL);
    is_refused(&missing, 400, "423L");
    let typo = r#"{"qeury":"{ __typename }"}"#;
    is_refused(&TestRequest::post(typo), 400, "8764, 3E3A");

    for (index, invalid) in [r#"{"obj":"ect"}"#, "0", "false", r#"["array"]"#]
        .iter()
        .enumerate()
    {
        let query = format!(r#"{{"query":{invalid}}}"#);
        is_refused(&TestRequest::post(&query), 400, &format!("LKJ{index}"));
        let name = format!(r#"{{"operationName":{invalid},"query":"{{ __typename }}"}}"#);
        is_refused(&TestRequest::post(&name), 400, &format!("6C0{index}"));
    }
    for (index, invalid) in [r#""string""#, "0", "false", r#"["array"]"#]
        .iter()
        .enumerate()
    {
        for (case, name) in [("476", "variables"), ("58B", "extensions")] {
            let body = format!(r#"{{"query":"{{ __typename }}","{name}":{invalid}}}"#);
            is_refused(&TestRequest::post(&body), 400, &format!("{case}{index}"));
        }
    }
}

#[test]
fn right_parameters() {
    let bodies = [
        ("34A2, 13EE", TYPENAME),
        (
            "8161, B8B3",
            r#"{"operationName":"Query","query":"query Query { __typename }"}"#,
        ),
        (
            "94B0, 0220",
            r#"{"query":"{ __typename }","variables":null}"#,
        ),
        (
            "94B1, 0221",
            r#"{"query":"{ __typename }","operationName":null}"#,
        ),
        (
            "94B2, 0222",
            r#"{"query":"{ __typename }","extensions":null}"#,
        ),
        (
            "2EA1, 28B9",
            r#"{"query":"{ __typename }","variables":{"name":"sometype"}}"#,
        ),
        (
            "428F, 1B7A",
            r#"{"query":"{ __typename }","extensions":{"some":"value"}}"#,
        ),
    ];
    for (case, body) in bodies {
        for (accept, format) in [
            (GRAPHQL, ResponseFormat::GraphqlResponse),
            (JSON, ResponseFormat::Json),
        ] {
            is_executed_as(
                &TestRequest::post(body).header("accept", accept),
                format,
                case,
            );
        }
    }
    let (request, ..) = TestRequest::post(bodies[1].1).executed(&default_endpoint());
    assert_eq!(request.operation_name.as_deref(), Some("Query"));
}

#[test]
fn malformed_json() {
    for (case, accept) in [("B6DC, BCF8", JSON), ("B7N8", GRAPHQL)] {
        let request = TestRequest::post(r#"{ "not a JSON"#).header("accept", accept);
        is_refused(&request, 400, case);
    }
}

#[test]
fn request_errors() {
    let body = r#"{"errors":[{"message":"Syntax error"}]}"#;
    let failed = |format| answer(format, Outcome::RequestError, body);
    let json = failed(ResponseFormat::Json);
    assert_eq!(json.status, 200, "572B, FDE2, 7B9B");
    let graphql = failed(ResponseFormat::GraphqlResponse);
    assert_eq!(graphql.status, 400, "865D, 556A, 51FE, 74FF, 86EE");
    assert_eq!(graphql.body, body.as_bytes(), "D586, 5E5B");
}
