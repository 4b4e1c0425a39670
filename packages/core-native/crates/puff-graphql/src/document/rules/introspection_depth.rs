//! Introspection that walks from types to fields to types again.
//!
//! Each such step multiplies the answer by the size of the schema, so graphql-js allows two of them
//! (its rule `MaxIntrospectionDepthRule`).

use std::collections::HashMap;

use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Name};

use super::{Findings, each_selection};

/// The depth of lists that is too much.
const TOO_DEEP: u32 = 3;

pub(super) fn check(document: &ExecutableDocument, findings: &mut Findings<'_>) {
    let mut depths = HashMap::new();
    let operations = document.operations.iter().map(|one| &one.selection_set);
    let fragments = document.fragments.values().map(|one| &one.selection_set);
    for set in operations.chain(fragments) {
        each_selection(&set.selections, |selection| {
            if let Selection::Field(field) = selection
                && matches!(field.name.as_str(), "__schema" | "__type")
                && depth(document, &field.selection_set, &mut depths) >= TOO_DEEP
            {
                findings.add(
                    "Maximum introspection depth exceeded".to_owned(),
                    [field.location()],
                );
            }
        });
    }
}

/// How many lists of fields, types or arguments are within one another.
fn depth<'d>(
    document: &'d ExecutableDocument,
    set: &'d SelectionSet,
    fragments: &mut HashMap<&'d Name, u32>,
) -> u32 {
    let mut deepest = 0;
    for selection in &set.selections {
        let part = match selection {
            Selection::Field(field) => {
                let is_list = matches!(
                    field.name.as_str(),
                    "fields" | "interfaces" | "possibleTypes" | "inputFields"
                );
                u32::from(is_list) + depth(document, &field.selection_set, fragments)
            }
            Selection::InlineFragment(fragment) => {
                depth(document, &fragment.selection_set, fragments)
            }
            Selection::FragmentSpread(spread) => match fragments.get(&spread.fragment_name) {
                Some(depth) => *depth,
                None => {
                    let Some(fragment) = document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    let depth = depth(document, &fragment.selection_set, fragments);
                    fragments.insert(&fragment.name, depth);
                    depth
                }
            },
        };
        deepest = deepest.max(part);
    }
    deepest
}
