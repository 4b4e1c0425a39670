//! Fields of one response key with list arguments of different lengths.
//!
//! apollo-compiler 1.33 takes `a(x: [1])` and `a(x: [1, 2])` for the same (it compares lists only as
//! far as the shorter one goes). Which fields meet under a key is known to be right for the rest, so
//! only fields with lists in their arguments are looked at here.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{Argument, Value};
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::{ExecutableDocument, Name, Node};

use super::{Findings, each_selection};
use crate::document::TypeSystem;

pub(super) fn check(
    types: &TypeSystem,
    document: &ExecutableDocument,
    findings: &mut Findings<'_>,
) {
    if !has_lists(document) {
        return;
    }
    let mut merging = Merging {
        types,
        document,
        findings,
        merged: HashSet::new(),
        reported: HashSet::new(),
    };
    for operation in document.operations.iter() {
        merging.merge(vec![&operation.selection_set]);
    }
}

/// Whether a field has a list with items in its arguments.
fn has_lists(document: &ExecutableDocument) -> bool {
    let mut found = false;
    let operations = document.operations.iter().map(|one| &one.selection_set);
    let fragments = document.fragments.values().map(|one| &one.selection_set);
    for set in operations.chain(fragments) {
        each_selection(&set.selections, |selection| {
            if let Selection::Field(field) = selection {
                found |= field.arguments.iter().any(|one| has_list(&one.value));
            }
        });
    }
    found
}

fn has_list(value: &Value) -> bool {
    match value {
        Value::List(_) => true,
        Value::Object(fields) => fields.iter().any(|(_, value)| has_list(value)),
        _ => false,
    }
}

struct Merging<'a, 'f, 'g> {
    types: &'a TypeSystem,
    document: &'a ExecutableDocument,
    findings: &'g mut Findings<'f>,
    /// The selection sets that were merged already, together.
    merged: HashSet<Vec<*const SelectionSet>>,
    reported: HashSet<&'a Name>,
}

/// A field and the type it is selected on.
type Selected<'a> = (&'a Name, &'a Node<Field>);

impl<'a> Merging<'a, '_, '_> {
    /// Compares what meets in merged selection sets, and below. Every set that is merged is part of the
    /// expanded document, whose size is limited.
    fn merge(&mut self, sets: Vec<&'a SelectionSet>) {
        let known = sets.iter().map(|set| std::ptr::from_ref(*set)).collect();
        if !self.merged.insert(known) {
            return;
        }
        let mut keys: HashMap<&Name, Vec<Selected<'a>>> = HashMap::new();
        for (ty, field) in self.expand(&sets) {
            keys.entry(field.response_key())
                .or_default()
                .push((ty, field));
        }
        for fields in keys.into_values() {
            for group in self.meeting(fields) {
                self.compare(&group);
                let below: Vec<&SelectionSet> = group
                    .iter()
                    .map(|field| &field.selection_set)
                    .filter(|set| !set.selections.is_empty())
                    .collect();
                if !below.is_empty() {
                    self.merge(below);
                }
            }
        }
    }

    /// Groups fields that an object may have at once: those on one object type together with those on
    /// interfaces and unions.
    fn meeting(&self, fields: Vec<Selected<'a>>) -> Vec<Vec<&'a Node<Field>>> {
        let mut anywhere = Vec::new();
        let mut by_object: HashMap<&Name, Vec<&Node<Field>>> = HashMap::new();
        for (ty, field) in fields {
            if self.types.schema().get_object(ty).is_some() {
                by_object.entry(ty).or_default().push(field);
            } else {
                anywhere.push(field);
            }
        }
        if by_object.is_empty() {
            return vec![anywhere];
        }
        by_object
            .into_values()
            .map(|mut group| {
                group.extend(&anywhere);
                group
            })
            .collect()
    }

    fn compare(&mut self, group: &[&'a Node<Field>]) {
        let Some((first, rest)) = group.split_first() else {
            return;
        };
        for other in rest {
            if !same_arguments(&first.arguments, &other.arguments)
                && self.reported.insert(other.response_key())
            {
                let key = first.response_key();
                self.findings.add(
                    format!(
                        "Fields \"{key}\" conflict because they have differing arguments. Use different aliases on the fields to fetch both if this was intentional."
                    ),
                    [first.location(), other.location()],
                );
            }
        }
    }

    fn expand(&self, sets: &[&'a SelectionSet]) -> Vec<Selected<'a>> {
        let mut fields = Vec::new();
        let mut seen = HashSet::new();
        let mut sets: Vec<&'a SelectionSet> = sets.to_vec();
        while let Some(set) = sets.pop() {
            for selection in &set.selections {
                match selection {
                    Selection::Field(field) => fields.push((&set.ty, field)),
                    Selection::InlineFragment(fragment) => sets.push(&fragment.selection_set),
                    Selection::FragmentSpread(spread) => {
                        if seen.insert(&spread.fragment_name)
                            && let Some(fragment) =
                                self.document.fragments.get(&spread.fragment_name)
                        {
                            sets.push(&fragment.selection_set);
                        }
                    }
                }
            }
        }
        fields
    }
}

fn same_arguments(one: &[Node<Argument>], other: &[Node<Argument>]) -> bool {
    one.len() == other.len()
        && one.iter().all(|argument| {
            other
                .iter()
                .find(|candidate| candidate.name == argument.name)
                .is_some_and(|candidate| same_value(&argument.value, &candidate.value))
        })
}

fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    other
                        .iter()
                        .find(|(candidate, _)| candidate == name)
                        .is_some_and(|(_, candidate)| same_value(value, candidate))
                })
        }
        _ => one == other,
    }
}
