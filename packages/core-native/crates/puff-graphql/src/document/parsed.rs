//! One valid executable document.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use apollo_compiler::executable::Operation;
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node};

use super::diagnostics::to_errors;
use super::lines::Lines;
use super::rules::validate;
use super::syntax::{self, SyntaxErrorKind};
use super::type_system::TypeSystem;
use crate::error::{GraphqlError, Location};
use crate::schema::LimitsSpec;

/// The code of syntax errors.
pub(crate) const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
/// The code of documents that break a validation rule.
pub(crate) const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
/// The code of errors in what comes beside the document.
pub(crate) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";

/// For apollo-parser, which counts in its own way but never above what [`syntax`] lets through.
const RECURSION_LIMIT: usize = 4 * syntax::MAX_NESTING;

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
    limits: &LimitsSpec,
) -> Result<Valid<ExecutableDocument>, Vec<GraphqlError>> {
    let descriptions = syntax::read(text, limits.tokens).map_err(|error| {
        let code = match error.kind {
            SyntaxErrorKind::Grammar => PARSE_FAILED,
            SyntaxErrorKind::Tokens => "PUFF_GRAPHQL_LIMIT_TOKENS",
            SyntaxErrorKind::Nesting => "PUFF_GRAPHQL_LIMIT_DEPTH",
            SyntaxErrorKind::NotExecutable => VALIDATION_FAILED,
        };
        let location = lines.location(text, error.offset);
        vec![GraphqlError::new(error.message, code).at(location)]
    })?;
    let source = without(text, &descriptions);
    let ast = Parser::new()
        .recursion_limit(RECURSION_LIMIT)
        .parse_ast(source, "document.graphql")
        .map_err(|failure| {
            let mut errors = to_errors(&failure.errors, text, lines, PARSE_FAILED);
            errors.truncate(1);
            errors
        })?;
    validate(types, &ast, text, lines)
}

/// The text with blanks where descriptions are; all else stays in its place.
fn without(text: &str, descriptions: &[Range<usize>]) -> String {
    let mut source = String::with_capacity(text.len());
    let mut end = 0;
    for description in descriptions {
        source.push_str(&text[end..description.start]);
        for byte in text[description.clone()].bytes() {
            source.push(match byte {
                b'\n' | b'\r' => byte.into(),
                _ => ' ',
            });
        }
        end = description.end;
    }
    source.push_str(&text[end..]);
    source
}
