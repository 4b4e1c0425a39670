//! What a document comes to when its fragments are put in their places.
//!
//! A few hundred bytes of fragments that spread each other twice stand for billions of fields. Whoever
//! merges or plans selections visits them all, so they are counted first: fragment by fragment, in
//! time proportional to the document.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, FragmentSpread, Selection};

use super::Findings;

/// How many fields the operations of a document may have, with the fragments in their places.
const MAX_FIELDS: u64 = 100_000;
/// How deep selections may be nested, with the fragments in their places.
const MAX_DEPTH: usize = 200;

/// Reports cycles of fragments, and documents that come to too much.
pub(super) fn check(document: &Document, findings: &mut Findings<'_>) {
    let mut expansion = Expansion {
        fragments: HashMap::new(),
        spreads: Vec::new(),
        is_too_deep: false,
        findings,
    };
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            let entry = expansion.fragments.entry(fragment.name.as_str());
            // Another one with the same name is an error that is found later.
            entry.or_insert((fragment, Visit::Ahead));
        }
    }
    let mut fields = 0u64;
    for definition in &document.definitions {
        if let Definition::OperationDefinition(operation) = definition {
            let size = expansion.selections(&operation.selection_set, 1);
            fields = fields.saturating_add(size.fields);
        }
    }
    // Cycles are errors in fragments that no operation uses too.
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            expansion.fragment(&fragment.name, None, 1);
        }
    }
    if expansion.is_too_deep {
        findings.add_with_code(
            format!(
                "The document is nested more than {MAX_DEPTH} levels deep, which is the limit. Ask for what is deeper in another operation."
            ),
            "PUFF_GRAPHQL_LIMIT_DEPTH",
            None,
        );
    } else if fields > MAX_FIELDS {
        findings.add_with_code(
            format!(
                "The document asks for more than {MAX_FIELDS} fields when its fragments are put in their places, which is the limit. Ask for less in one document."
            ),
            "PUFF_GRAPHQL_LIMIT_COST",
            None,
        );
    }
}

#[derive(Clone, Copy)]
enum Visit {
    Ahead,
    /// With its place among the spreads that lead here.
    UnderWay(usize),
    Done(Size),
}

/// How large a selection set is.
#[derive(Clone, Copy, Default)]
struct Size {
    fields: u64,
    depth: usize,
}

struct Expansion<'d, 'f, 'g> {
    fragments: HashMap<&'d str, (&'d Node<FragmentDefinition>, Visit)>,
    /// The spreads that lead from where the visit began to where it is.
    spreads: Vec<&'d Node<FragmentSpread>>,
    is_too_deep: bool,
    findings: &'g mut Findings<'f>,
}

impl<'d> Expansion<'d, '_, '_> {
    fn selections(&mut self, selections: &'d [Selection], depth: usize) -> Size {
        let mut whole = Size::default();
        if depth > MAX_DEPTH || self.is_too_deep {
            self.is_too_deep = true;
            return whole;
        }
        for selection in selections {
            let part = match selection {
                Selection::Field(field) => {
                    let mut size = self.selections(&field.selection_set, depth + 1);
                    size.fields = size.fields.saturating_add(1);
                    size.depth += 1;
                    size
                }
                Selection::InlineFragment(fragment) => {
                    let mut size = self.selections(&fragment.selection_set, depth + 1);
                    size.depth += 1;
                    size
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.fragment_name, Some(spread), depth + 1)
                }
            };
            whole.fields = whole.fields.saturating_add(part.fields);
            whole.depth = whole.depth.max(part.depth);
        }
        whole
    }

    fn fragment(
        &mut self,
        name: &str,
        spread: Option<&'d Node<FragmentSpread>>,
        depth: usize,
    ) -> Size {
        // A fragment that is not there is an error that is found later.
        let Some((fragment, visit)) = self.fragments.get(name).copied() else {
            return Size::default();
        };
        match visit {
            Visit::Done(size) => {
                if depth + size.depth > MAX_DEPTH {
                    self.is_too_deep = true;
                }
                return size;
            }
            Visit::UnderWay(place) => {
                self.spreads.extend(spread);
                self.cycle(name, place);
                if spread.is_some() {
                    self.spreads.pop();
                }
                return Size::default();
            }
            Visit::Ahead => {}
        }
        self.spreads.extend(spread);
        self.set(&fragment.name, Visit::UnderWay(self.spreads.len()));
        let mut size = self.selections(&fragment.selection_set, depth);
        size.depth += 1;
        self.set(&fragment.name, Visit::Done(size));
        if spread.is_some() {
            self.spreads.pop();
        }
        size
    }

    fn set(&mut self, name: &str, visit: Visit) {
        if let Some((_, known)) = self.fragments.get_mut(name) {
            *known = visit;
        }
    }

    /// Reports a cycle: the spreads from a place on.
    fn cycle(&mut self, name: &str, place: usize) {
        let cycle = &self.spreads[place..];
        let via: Vec<String> = cycle
            .iter()
            .take(cycle.len().saturating_sub(1))
            .map(|spread| format!("\"{}\"", spread.fragment_name))
            .collect();
        let via = if via.is_empty() {
            String::new()
        } else {
            format!(" via {}", via.join(", "))
        };
        self.findings.add(
            format!("Cannot spread fragment \"{name}\" within itself{via}."),
            cycle.iter().map(|spread| spread.location()),
        );
    }
}
