//! Collecting the fields of a selection set (GraphQL specification, section 6.3.2 "CollectFields").

use apollo_compiler::ast::{DirectiveList, Value};
use apollo_compiler::collections::{HashSet, IndexMap};
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::{Name, Node};
use serde_json::{Map, Value as Json};

use crate::document::{Document, TypeSystem};

/// Fields by response key, in the order of their first occurrence.
pub(crate) type Collected<'d> = IndexMap<&'d Name, Vec<&'d Node<Field>>>;

/// Collects the fields of selection sets for an object type.
pub(crate) struct Collector<'d> {
    types: &'d TypeSystem,
    document: &'d Document,
    variables: &'d Map<String, Json>,
    object_type: &'d Name,
    visited: HashSet<&'d Name>,
    fields: Collected<'d>,
}

impl<'d> Collector<'d> {
    pub(crate) fn new(
        types: &'d TypeSystem,
        document: &'d Document,
        variables: &'d Map<String, Json>,
        object_type: &'d Name,
    ) -> Collector<'d> {
        Collector {
            types,
            document,
            variables,
            object_type,
            visited: HashSet::default(),
            fields: IndexMap::default(),
        }
    }

    pub(crate) fn add(&mut self, set: &'d SelectionSet) {
        for selection in &set.selections {
            if is_left_out(selection.directives(), self.variables) {
                continue;
            }
            match selection {
                Selection::Field(field) => self
                    .fields
                    .entry(field.response_key())
                    .or_default()
                    .push(field),
                Selection::InlineFragment(fragment) => {
                    if self.applies(fragment.type_condition.as_ref()) {
                        self.add(&fragment.selection_set);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if !self.visited.insert(&spread.fragment_name) {
                        continue;
                    }
                    let fragments = &self.document.executable.fragments;
                    if let Some(fragment) = fragments.get(&spread.fragment_name)
                        && self.applies(Some(fragment.type_condition()))
                    {
                        self.add(&fragment.selection_set);
                    }
                }
            }
        }
    }

    pub(crate) fn finish(self) -> Collected<'d> {
        self.fields
    }

    fn applies(&self, condition: Option<&Name>) -> bool {
        condition.is_none_or(|condition| {
            condition == self.object_type
                || self
                    .types
                    .possible_types(condition)
                    .contains(self.object_type)
        })
    }
}

fn is_left_out(directives: &DirectiveList, variables: &Map<String, Json>) -> bool {
    condition(directives, "skip", variables) == Some(true)
        || condition(directives, "include", variables) == Some(false)
}

fn condition(
    directives: &DirectiveList,
    name: &str,
    variables: &Map<String, Json>,
) -> Option<bool> {
    let argument = directives.get(name)?.specified_argument_by_name("if")?;
    match argument.as_ref() {
        Value::Boolean(value) => Some(*value),
        Value::Variable(variable) => variables.get(variable.as_str())?.as_bool(),
        _ => None,
    }
}

/// The variables that decide which fields of a document are collected.
pub(crate) fn deciding_variables(document: &Document) -> Vec<Name> {
    let mut found = Vec::new();
    let executable = &document.executable;
    let sets = executable
        .operations
        .iter()
        .map(|operation| &operation.selection_set)
        .chain(
            executable
                .fragments
                .values()
                .map(|fragment| &fragment.selection_set),
        );
    for set in sets {
        find_deciding(set, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn find_deciding(set: &SelectionSet, found: &mut Vec<Name>) {
    for selection in &set.selections {
        for directive in selection.directives().iter() {
            if matches!(directive.name.as_str(), "skip" | "include")
                && let Some(argument) = directive.specified_argument_by_name("if")
                && let Value::Variable(name) = argument.as_ref()
            {
                found.push(name.clone());
            }
        }
        match selection {
            Selection::Field(field) => find_deciding(&field.selection_set, found),
            Selection::InlineFragment(fragment) => find_deciding(&fragment.selection_set, found),
            Selection::FragmentSpread(_) => {}
        }
    }
}
