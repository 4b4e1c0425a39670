//! One valid executable document.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use apollo_compiler::executable::Operation;
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node};

use super::diagnostics::to_errors;
use super::lines::Lines;
use super::type_system::TypeSystem;
use crate::error::{GraphqlError, Location};
use crate::schema::LimitsSpec;

/// The code of syntax errors.
pub(crate) const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
/// The code of documents that break a validation rule.
pub(crate) const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
/// The code of errors in what comes beside the document.
pub(crate) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";

static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// A document that is valid for the type system it was parsed with.
pub struct Document {
    /// Unique in this process.
    pub id: u32,
    /// The text it was parsed from.
    pub text: Arc<str>,
    /// Its operations and fragments.
    pub executable: Valid<ExecutableDocument>,
    /// What others derive from the document once and want to keep as long as it lives, for example
    /// plans.
    pub extension: OnceLock<Box<dyn Any + Send + Sync>>,
    lines: Lines,
}

impl Document {
    /// Parses and validates a text.
    ///
    /// Errors are those of the syntax (the first one) or of validation (all), with locations and a
    /// code. Whatever the text is, this neither panics nor overflows the stack, and it takes time in
    /// proportion to the text.
    pub fn parse(
        types: &TypeSystem,
        text: &Arc<str>,
        limits: &LimitsSpec,
    ) -> Result<Document, Vec<GraphqlError>> {
        let lines = Lines::new(text);
        let parsed = catch_unwind(AssertUnwindSafe(|| parse(types, text, &lines, limits)));
        let executable = parsed.unwrap_or_else(|_| {
            Err(vec![GraphqlError::new(
                "The document could not be read: its parser failed. Please report the document.",
                PARSE_FAILED,
            )])
        })?;
        Ok(Document {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            text: text.clone(),
            executable,
            extension: OnceLock::new(),
            lines,
        })
    }

    /// The operation to execute: the one with the name, or without a name the only one
    /// (specification, section 6.1 "Executing Requests").
    pub fn operation(&self, name: Option<&str>) -> Result<&Node<Operation>, GraphqlError> {
        let operations = &self.executable.operations;
        operations.get(name).map_err(|_| {
            let message = match name {
                Some(name) => format!("Unknown operation named \"{name}\"."),
                None if operations.is_empty() => "Must provide an operation.".to_owned(),
                None => {
                    "Must provide operation name if query contains multiple operations.".to_owned()
                }
            };
            GraphqlError::new(message, "OPERATION_RESOLUTION_FAILURE")
        })
    }

    /// Where a span begins.
    pub fn location(&self, span: SourceSpan) -> Location {
        self.lines.location(&self.text, span.offset())
    }

    /// Adds to an error where a node is.
    pub(crate) fn locate<T: ?Sized>(&self, error: GraphqlError, node: &Node<T>) -> GraphqlError {
        match node.location() {
            Some(span) => error.at(self.location(span)),
            None => error,
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("id", &self.id)
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

fn parse(
    types: &TypeSystem,
    text: &Arc<str>,
    lines: &Lines,
    _limits: &LimitsSpec,
) -> Result<Valid<ExecutableDocument>, Vec<GraphqlError>> {
    let ast = Parser::new()
        .parse_ast(text.as_ref(), "document.graphql")
        .map_err(|failure| {
            let mut errors = to_errors(&failure.errors, text, lines, PARSE_FAILED);
            errors.truncate(1);
            errors
        })?;
    let executable = ast
        .to_executable_validate(types.schema())
        .map_err(|failure| to_errors(&failure.errors, text, lines, VALIDATION_FAILED))?;
    // It keeps a copy of the text, for reports that nobody will ask for.
    let mut executable = executable.into_inner();
    executable.sources = Default::default();
    Ok(Valid::assume_valid(executable))
}
