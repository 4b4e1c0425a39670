//! What apollo-compiler finds, as errors of a response.

use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::parser::FileId;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList};

use super::lines::Lines;
use crate::error::GraphqlError;

/// How many errors one document gets at most; graphql-js stops at the same number.
pub(crate) const MAX_ERRORS: usize = 100;

/// How long a message gets.
const MAX_MESSAGE: usize = 1_000;

/// The first [`MAX_ERRORS`] diagnostics of a text.
pub(crate) fn to_errors(
    diagnostics: &DiagnosticList,
    text: &str,
    lines: &Lines,
    code: &str,
) -> Vec<GraphqlError> {
    diagnostics
        .iter()
        .take(MAX_ERRORS)
        .map(|diagnostic| to_error(&diagnostic, text, lines, code))
        .collect()
}

/// One diagnostic of a text.
pub(crate) fn to_error(
    diagnostic: &Diagnostic<'_, DiagnosticData>,
    text: &str,
    lines: &Lines,
    code: &str,
) -> GraphqlError {
    // The wording of graphql-js where apollo-compiler knows it: what clients see should not depend on
    // which of the two validated.
    let mut message = diagnostic
        .error
        .unstable_compat_message()
        .unwrap_or_else(|| diagnostic.error.to_string());
    match diagnostic.error.unstable_error_name() {
        // Slips in what apollo-compiler has of graphql-js.
        Some("ConflictingFieldType") => message = message.replacen(" and \"", "\" and \"", 1),
        Some("SubselectionOnScalarType" | "SubselectionOnEnumType") => message.push('.'),
        _ => {}
    }
    if message.len() > MAX_MESSAGE {
        // It repeats a literal of the document, which may be as long as a document.
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push_str("...");
    }
    let error = GraphqlError::new(message, code);
    match diagnostic.error.location() {
        Some(span) if span.file_id() != FileId::BUILT_IN => {
            error.at(lines.location(text, span.offset()))
        }
        _ => error,
    }
}
