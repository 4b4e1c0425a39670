//! Validation (GraphQL specification, section 5): the rules of apollo-compiler, and those that it does
//! not have or does not apply everywhere.

mod expansion;
mod introspection_depth;
mod merging;
mod selections;
mod values;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast;
use apollo_compiler::diagnostic::Diagnostic;
use apollo_compiler::executable::{Operation, Selection};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::validation::{DiagnosticData, Valid, WithErrors};
use std::collections::HashSet;

use super::diagnostics::{MAX_ERRORS, to_error};
use super::lines::Lines;
use super::parsed::VALIDATION_FAILED;
use super::type_system::TypeSystem;
use crate::error::GraphqlError;

/// Validates a document against a type system.
pub(super) fn validate(
    types: &TypeSystem,
    document: &ast::Document,
    text: &str,
    lines: &Lines,
) -> Result<Valid<ExecutableDocument>, Vec<GraphqlError>> {
    let mut findings = Findings {
        text,
        lines,
        errors: Vec::new(),
    };
    // First, because what follows takes time by the size of the expanded document.
    expansion::check(document, &mut findings);
    findings.result()?;

    let mut executable = match document.to_executable_validate(types.schema()) {
        Ok(executable) => executable.into_inner(),
        Err(WithErrors { partial, errors }) => {
            let all: Vec<_> = errors
                .iter()
                .filter(|diagnostic| !is_too_strict(diagnostic.error, &partial))
                .collect();
            values::check(types, &partial, &mut findings);
            selections::check(types, &partial, &mut findings);
            let others = all.iter().filter(|one| !is_found_here(one.error));
            findings.extend(others);
            if findings.errors.is_empty() {
                findings.extend(all.iter());
            }
            findings.result()?;
            partial
        }
    };
    values::check(types, &executable, &mut findings);
    merging::check(types, &executable, &mut findings);
    introspection_depth::check(&executable, &mut findings);
    findings.result()?;
    // It keeps a copy of the text, for reports that nobody will ask for.
    executable.sources = Default::default();
    Ok(Valid::assume_valid(executable))
}

/// Whether `values` and `selections` find the same, and say it in the words of graphql-js.
fn is_found_here(error: &DiagnosticData) -> bool {
    matches!(
        error.unstable_error_name(),
        Some(
            "UnsupportedValueType"
                | "IntCoercionError"
                | "FloatCoercionError"
                | "UndefinedEnumValue"
                | "UndefinedInputValue"
                | "RequiredField"
                | "UndefinedVariable"
                | "DisallowedVariableUsage"
                | "MissingSubselection"
        )
    )
}

/// apollo-compiler counts the root fields of a subscription; the specification counts what is left when
/// fields with the same response key are merged (section 5.2.4.1 "Single Root Field").
fn is_too_strict(error: &DiagnosticData, document: &ExecutableDocument) -> bool {
    error.unstable_error_name() == Some("SubscriptionUsesMultipleFields")
        && document
            .operations
            .iter()
            .filter(|operation| operation.is_subscription())
            .all(|operation| has_single_root_field(operation, document))
}

fn has_single_root_field(operation: &Operation, document: &ExecutableDocument) -> bool {
    let keys: HashSet<_> = operation
        .root_fields(document)
        .map(|field| field.response_key())
        .collect();
    keys.len() == 1
}

/// The errors found so far.
pub(super) struct Findings<'a> {
    text: &'a str,
    lines: &'a Lines,
    errors: Vec<GraphqlError>,
}

impl Findings<'_> {
    fn add(&mut self, message: String, spans: impl IntoIterator<Item = Option<SourceSpan>>) {
        self.add_with_code(message, VALIDATION_FAILED, spans);
    }

    fn add_with_code(
        &mut self,
        message: String,
        code: &str,
        spans: impl IntoIterator<Item = Option<SourceSpan>>,
    ) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        let mut error = GraphqlError::new(message, code);
        for span in spans.into_iter().flatten() {
            error = error.at(self.lines.location(self.text, span.offset()));
        }
        self.errors.push(error);
    }

    fn extend<'d>(
        &mut self,
        diagnostics: impl Iterator<Item = &'d Diagnostic<'d, DiagnosticData>>,
    ) {
        let room = MAX_ERRORS.saturating_sub(self.errors.len());
        for diagnostic in diagnostics.take(room) {
            let error = to_error(diagnostic, self.text, self.lines, VALIDATION_FAILED);
            self.errors.push(error);
        }
        self.errors.sort_by_key(|error| {
            let location = error.locations.last();
            location.map(|location| (location.line, location.column))
        });
    }

    fn result(&mut self) -> Result<(), Vec<GraphqlError>> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(std::mem::take(&mut self.errors))
        }
    }
}

/// All selections below a list of selections without those of fragments that are spread there, with
/// those lists themselves; `visit` is called for each.
fn each_selection<'a>(selections: &'a [Selection], mut visit: impl FnMut(&'a Selection)) {
    let mut lists = vec![selections];
    while let Some(list) = lists.pop() {
        for selection in list {
            visit(selection);
            match selection {
                Selection::Field(field) => lists.push(&field.selection_set.selections),
                Selection::InlineFragment(fragment) => {
                    lists.push(&fragment.selection_set.selections);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }
}
