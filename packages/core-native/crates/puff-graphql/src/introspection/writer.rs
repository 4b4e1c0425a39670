//! Writes meta objects as JSON, as the selections ask for them.

use std::collections::HashSet;

use apollo_compiler::Node;
use apollo_compiler::executable::{Field, Selection, SelectionSet};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::node::{Answer, MetaNode};
use crate::coercion::{coerce_arguments, is_included};
use crate::document::{Document, TypeSystem};
use crate::error::GraphqlError;

/// How long an answer gets. The usual query takes some 2 MB for a schema of a thousand types.
const MAX_BYTES: usize = 32 << 20;

pub(super) struct Writer<'a> {
    types: &'a TypeSystem,
    document: &'a Document,
    variables: &'a Map<String, Json>,
    out: String,
}

/// Fields with one response key, in the order of their selection.
type Group<'a> = (&'a str, Vec<&'a Node<Field>>);

impl<'a> Writer<'a> {
    pub(super) fn new(
        types: &'a TypeSystem,
        document: &'a Document,
        variables: &'a Map<String, Json>,
    ) -> Writer<'a> {
        Writer {
            types,
            document,
            variables,
            out: String::new(),
        }
    }

    pub(super) fn finish(self) -> Result<Box<RawValue>, GraphqlError> {
        RawValue::from_string(self.out).map_err(|error| {
            GraphqlError::new(
                format!("The answer to an introspection query is not JSON: {error}."),
                "INTERNAL_SERVER_ERROR",
            )
        })
    }

    pub(super) fn null(&mut self) {
        self.out.push_str("null");
    }

    /// Writes one object with the merged selections of `fields`.
    pub(super) fn object(
        &mut self,
        node: MetaNode<'a>,
        fields: &[&'a Node<Field>],
    ) -> Result<(), GraphqlError> {
        let groups = self.collect(node.type_name(), fields);
        self.collected_object(node, &groups)
    }

    fn collected_object(
        &mut self,
        node: MetaNode<'a>,
        groups: &[Group<'a>],
    ) -> Result<(), GraphqlError> {
        if self.out.len() > MAX_BYTES {
            return Err(GraphqlError::new(
                format!(
                    "The answer to the introspection query has more than {MAX_BYTES} bytes, which is the limit. Ask for less at once."
                ),
                "PUFF_GRAPHQL_LIMIT_COST",
            ));
        }
        self.out.push('{');
        for (index, (key, fields)) in groups.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            // Names need no escapes.
            self.out.push('"');
            self.out.push_str(key);
            self.out.push_str("\":");
            self.field(node, fields)?;
        }
        self.out.push('}');
        Ok(())
    }

    fn field(
        &mut self,
        node: MetaNode<'a>,
        fields: &[&'a Node<Field>],
    ) -> Result<(), GraphqlError> {
        let field = fields[0];
        if field.name == "__typename" {
            self.text(node.type_name());
            return Ok(());
        }
        let with_deprecated = !field.definition.arguments.is_empty()
            && coerce_arguments(self.types, &field.definition, field, self.variables)
                .map_err(|error| error.locate(self.document))?
                .get("includeDeprecated")
                .and_then(Json::as_bool)
                .unwrap_or(false);
        match node.field(self.types, &field.name, with_deprecated) {
            Answer::Null => self.null(),
            Answer::Bool(value) => self.out.push_str(if value { "true" } else { "false" }),
            Answer::Text(text) => self.text(text),
            Answer::Owned(text) => self.text(&text),
            Answer::Names(names) => {
                self.out.push('[');
                for (index, name) in names.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.text(name);
                }
                self.out.push(']');
            }
            Answer::Object(node) => self.object(node, fields)?,
            Answer::List(nodes) => {
                self.out.push('[');
                if let Some(first) = nodes.first() {
                    let groups = self.collect(first.type_name(), fields);
                    for (index, node) in nodes.into_iter().enumerate() {
                        if index > 0 {
                            self.out.push(',');
                        }
                        self.collected_object(node, &groups)?;
                    }
                }
                self.out.push(']');
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(&Json::from(text).to_string());
    }

    /// Collects the selections of fields by response key (specification, section 6.3.2 "Field
    /// Collection"). Meta types are all objects, so a fragment applies if it is on the same type.
    fn collect(&self, type_name: &str, fields: &[&'a Node<Field>]) -> Vec<Group<'a>> {
        let mut groups = Vec::new();
        let mut seen = HashSet::new();
        for field in fields {
            self.collect_set(type_name, &field.selection_set, &mut seen, &mut groups);
        }
        groups
    }

    fn collect_set(
        &self,
        type_name: &str,
        set: &'a SelectionSet,
        seen: &mut HashSet<&'a str>,
        groups: &mut Vec<Group<'a>>,
    ) {
        for selection in &set.selections {
            if !is_included(selection.directives(), self.variables) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let key = field.response_key().as_str();
                    match groups.iter_mut().find(|(other, _)| *other == key) {
                        Some((_, fields)) => fields.push(field),
                        None => groups.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let applies = |condition: &str| condition == type_name;
                    if fragment.type_condition.as_deref().is_none_or(applies) {
                        self.collect_set(type_name, &fragment.selection_set, seen, groups);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if !seen.insert(spread.fragment_name.as_str()) {
                        continue;
                    }
                    let fragments = &self.document.executable.fragments;
                    if let Some(fragment) = fragments.get(&spread.fragment_name)
                        && fragment.type_condition() == type_name
                    {
                        self.collect_set(type_name, &fragment.selection_set, seen, groups);
                    }
                }
            }
        }
    }
}
