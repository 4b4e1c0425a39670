//! Documents, by pairs of files: an input `name.graphql`, and beside it what comes of it in `name.txt` or
//! `name.json`. `UPDATE_EXPECTED=1` writes the expected files anew; read the difference then.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use puff_graphql::coercion::{coerce_arguments, coerce_variables};
use puff_graphql::document::{Document, TypeSystem, check};
use puff_graphql::error::GraphqlError;
use puff_graphql::introspection::introspect;
use puff_graphql::schema::LimitsSpec;
use serde_json::{Map, Value as Json, json};

/// Runs all cases of a folder.
fn cases(folder: &str, extension: &str, run: impl Fn(&str) -> String) {
    let folder = root().join(folder);
    let mut inputs: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "graphql"))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "no cases in {}", folder.display());
    let mut failures = Vec::new();
    for input in inputs {
        let actual = run(&fs::read_to_string(&input).unwrap());
        let file = input.with_extension(extension);
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&file, &actual).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if actual != expected {
            let name = input.file_stem().unwrap().to_string_lossy();
            failures.push(format!("{name}\nexpected:\n{expected}\nactual:\n{actual}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/document")
}

fn types() -> TypeSystem {
    TypeSystem::parse(&fs::read_to_string(root().join("schema.graphql")).unwrap()).unwrap()
}

fn parse(types: &TypeSystem, text: &str) -> Result<Document, Vec<GraphqlError>> {
    Document::parse(types, &Arc::from(text), &LimitsSpec::default())
}

/// A JSON value in a comment of the input: `# variables: {"a": 1}`.
fn setting(text: &str, name: &str) -> Json {
    let prefix = format!("# {name}: ");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    line.map_or(json!({}), |line| serde_json::from_str(line).unwrap())
}

fn print(errors: &[GraphqlError]) -> String {
    let mut out = String::new();
    for error in errors {
        for location in &error.locations {
            out.push_str(&format!("{}:{} ", location.line, location.column));
        }
        let code = error.extensions["code"].as_str().unwrap();
        out.push_str(&format!("{code} {}\n", error.message));
    }
    out
}

fn pretty(value: &Json) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

#[test]
fn validation() {
    let types = types();
    cases("validation", "txt", |text| match parse(&types, text) {
        Ok(_) => "valid\n".to_owned(),
        Err(errors) => print(&errors),
    });
}

#[test]
fn schemas() {
    cases("schemas", "txt", |text| match TypeSystem::parse(text) {
        Ok(_) => "valid\n".to_owned(),
        Err(errors) => print(&errors),
    });
}

/// Coerced variables, and the arguments of the root fields.
#[test]
fn variables() {
    let types = types();
    cases("variables", "json", |text| {
        let document = parse(&types, text).unwrap();
        let operation = document.operation(None).unwrap();
        let given = setting(text, "variables");
        let given = given.as_object().unwrap();
        let variables = match coerce_variables(&types, &document, operation, given) {
            Ok(variables) => variables,
            Err(errors) => return pretty(&json!({ "errors": errors })),
        };
        let arguments: Map<String, Json> = operation
            .root_fields(&document.executable)
            .map(|field| {
                let coerced = coerce_arguments(&types, &field.definition, field, &variables);
                let value = match coerced {
                    Ok(arguments) => Json::Object(arguments),
                    Err(error) => json!({ "error": error.locate(&document) }),
                };
                (field.response_key().to_string(), value)
            })
            .collect();
        pretty(&json!({ "variables": variables, "arguments": arguments }))
    });
}

#[test]
fn limits() {
    let types = types();
    cases("limits", "txt", |text| {
        let limits: LimitsSpec = serde_json::from_value(setting(text, "limits")).unwrap();
        let document = match Document::parse(&types, &Arc::from(text), &limits) {
            Ok(document) => document,
            Err(errors) => return print(&errors),
        };
        let operation = document.operation(None).unwrap();
        let variables = setting(text, "variables");
        match check(
            &document,
            operation,
            variables.as_object().unwrap(),
            &limits,
        ) {
            Ok(()) => "within\n".to_owned(),
            Err(error) => print(&[error]),
        }
    });
}

#[test]
fn introspection() {
    let types = types();
    cases("introspection", "json", |text| {
        let document = parse(&types, text).unwrap();
        let operation = document.operation(None).unwrap();
        let variables = setting(text, "variables");
        let variables = variables.as_object().unwrap();
        let mut answers = Map::new();
        let mut fields: Vec<_> = operation.root_fields(&document.executable).collect();
        while let Some(first) = fields.first().copied() {
            let key = first.response_key();
            let same: Vec<_> = fields
                .iter()
                .copied()
                .filter(|field| field.response_key() == key)
                .collect();
            let answer = introspect(&types, &document, &same, variables).unwrap();
            answers.insert(key.to_string(), serde_json::from_str(answer.get()).unwrap());
            fields.retain(|field| field.response_key() != key);
        }
        pretty(&Json::Object(answers))
    });
}

/// Operations of a document are chosen as graphql-js does it.
#[test]
fn operations() {
    let types = types();
    let message = |text: &str, name: Option<&str>| {
        let document = parse(&types, text).unwrap();
        document.operation(name).map_or_else(
            |error| error.message,
            |operation| format!("{:?}", operation.name),
        )
    };
    let two = "query A { dog { name } } query B { cat { name } }";
    assert_eq!(
        message(two, None),
        "Must provide operation name if query contains multiple operations."
    );
    assert_eq!(message(two, Some("C")), "Unknown operation named \"C\".");
    assert_eq!(message(two, Some("B")), "Some(\"B\")");
    assert_eq!(message("{ dog { name } }", None), "None");
}

#[test]
fn possible_types() {
    let types = types();
    let possible = |name| {
        let names = types.possible_types(name);
        names.iter().map(|name| name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(possible("Named"), ["Dog", "Cat", "Human"]);
    assert_eq!(possible("CatOrDog"), ["Cat", "Dog"]);
    assert_eq!(possible("Dog"), ["Dog"]);
    assert_eq!(possible("Kind"), [""; 0]);
    assert!(types.is_one_of("By") && !types.is_one_of("Point"));
}
