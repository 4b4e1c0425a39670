//! Fields of objects without selections (specification, section 5.3.3 "Leaf Field Selections").
//!
//! apollo-compiler looks at what is left of a document after it has dropped undefined fields, and so
//! misses selections where there are some, all wrong.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::Selection;

use super::{Findings, each_selection};
use crate::document::TypeSystem;

pub(super) fn check(
    types: &TypeSystem,
    document: &ExecutableDocument,
    findings: &mut Findings<'_>,
) {
    let operations = document.operations.iter().map(|one| &one.selection_set);
    let fragments = document.fragments.values().map(|one| &one.selection_set);
    for set in operations.chain(fragments) {
        each_selection(&set.selections, |selection| {
            let Selection::Field(field) = selection else {
                return;
            };
            let ty = &field.definition.ty;
            let is_leaf = types
                .schema()
                .types
                .get(ty.inner_named_type())
                .is_none_or(|definition| definition.is_leaf());
            if is_leaf || !field.selection_set.is_empty() {
                return;
            }
            let source = field
                .location()
                .and_then(|span| findings.text.get(span.offset()..span.end_offset()))
                .unwrap_or_default();
            if !source.ends_with('}') {
                let name = &field.name;
                findings.add(
                    format!(
                        "Field \"{name}\" of type \"{ty}\" must have a selection of subfields. Did you mean \"{name} {{ ... }}\"?"
                    ),
                    [field.location()],
                );
            }
        });
    }
}
