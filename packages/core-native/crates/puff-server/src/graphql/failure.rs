//! Why a statement or a question failed, as the engine takes it.

use std::time::Duration;

use bytes::Bytes;
use puff_core::postgres::Error;
use puff_graphql::host::Failure;
use serde_json::{Map, json};

/// What an error of PostgreSQL becomes in a response.
///
/// It is not public: where the schema masks errors, clients see neither message nor `sqlState`.
pub fn failure_of(error: &Error) -> Failure {
    let mut extensions = Map::new();
    if let Error::Server(server) = error {
        extensions.insert("sqlState".into(), server.sqlstate.clone().into());
    }
    Failure {
        message: error.to_string(),
        code: error.code().into(),
        extensions,
        is_public: false,
    }
}

fn public(code: &str, message: String) -> Failure {
    Failure {
        message,
        code: code.into(),
        extensions: Map::new(),
        is_public: true,
    }
}

fn private(code: &str, message: String) -> Failure {
    Failure {
        is_public: false,
        ..public(code, message)
    }
}

/// The response of an operation that ended with a failure which clients may see.
pub(super) fn response_of(failure: &Failure) -> Bytes {
    let error = json!({ "message": failure.message, "extensions": { "code": failure.code } });
    Bytes::from(json!({ "errors": [error] }).to_string())
}

/// Events came faster than they could be executed or sent.
pub(super) fn too_slow() -> Failure {
    let message = "Too many events are waiting for this subscription: subscribe again.";
    public("PUFF_GRAPHQL_TOO_SLOW", message.into())
}

/// A connection has as many operations as it may have.
pub(super) fn too_many_operations(limit: usize) -> Failure {
    let message = format!(
        "This connection has {limit} operations already, which is the limit (subscriptions.maxOperations)."
    );
    public("PUFF_GRAPHQL_TOO_MANY_OPERATIONS", message)
}

/// The operation took too long.
pub(super) fn timed_out(limit: Duration) -> Failure {
    let limit = limit.as_millis();
    let message = format!("The operation did not end within {limit} ms.");
    public("PUFF_GRAPHQL_TIMEOUT", message)
}

/// The operation wants too many rows.
pub(super) fn too_many_rows(limit: u64) -> Failure {
    let message = format!(
        "The operation fetches more than {limit} rows, which is the limit (limits.rows): ask for fewer."
    );
    public("PUFF_GRAPHQL_ROWS", message)
}

/// There is no pool.
pub(super) fn no_database() -> Failure {
    private(
        "PUFF_POSTGRES_NOT_CONFIGURED",
        "The schema has statements to run, but no pool to run them on.".into(),
    )
}

/// There is nobody to ask.
pub(super) fn no_script(what: &str) -> Failure {
    private(
        "PUFF_GRAPHQL_NO_JAVASCRIPT",
        format!("{what} is a matter of JavaScript, and this server runs none."),
    )
}

/// JavaScript answered something that is no answer.
pub(super) fn bad_answer(what: impl std::fmt::Display) -> Failure {
    private(
        "PUFF_INTERNAL",
        format!("JavaScript's answer to the engine makes no sense: {what}"),
    )
}

/// Somebody wants the transaction of an operation that has ended.
pub(super) fn over() -> Failure {
    private(
        "PUFF_POSTGRES_CLOSED",
        "The operation is over, and so is its transaction.".into(),
    )
}

/// A statement failed, and nobody gave the error to the engine.
pub(super) fn rolled_back() -> Failure {
    private(
        "PUFF_POSTGRES_TRANSACTION",
        "The transaction was rolled back: a statement in it had failed.".into(),
    )
}

/// What somebody waited for went away without a word.
pub(super) fn lost() -> Failure {
    private(
        "PUFF_INTERNAL",
        "The task that a statement was given to panicked.".into(),
    )
}
