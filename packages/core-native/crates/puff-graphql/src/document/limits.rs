//! Bounds of what an operation may ask for, checked before it is executed.
//!
//! Fragments are measured once, so that a document whose fragments double at every step is measured
//! in time proportional to its text.

use std::collections::{HashMap, HashSet};

use apollo_compiler::Name;
use apollo_compiler::ast::{Type, Value};
use apollo_compiler::executable::{DirectiveList, Field, Operation, Selection, SelectionSet};
use serde_json::{Map, Value as Json};

use super::parsed::Document;
use crate::error::GraphqlError;
use crate::schema::LimitsSpec;

/// How many items a list is taken to have whose page size is not given.
const DEFAULT_PAGE: u64 = 10;
/// How deep selections may go under `__schema` and `__type`: deeper than the query of GraphiQL, which
/// the depth of ordinary fields would not let pass.
const INTROSPECTION_DEPTH: u32 = 20;

/// Checks an operation against the limits.
///
/// `variables` are those of the request, coerced or not. What `@skip` and `@include` leave out does
/// not count.
pub fn check(
    document: &Document,
    operation: &Operation,
    variables: &Map<String, Json>,
    limits: &LimitsSpec,
) -> Result<(), GraphqlError> {
    let mut meter = Meter {
        document,
        variables,
        page_size: limits.page_size,
        fragments: HashMap::new(),
    };
    let measure = meter.measure(&operation.selection_set, None)?;
    let exceeds = |limit: u64, value: u64| limit != 0 && value > limit;

    if exceeds(limits.depth.into(), measure.depth.into()) {
        return Err(GraphqlError::new(
            format!(
                "The operation is {} levels deep, but at most {} are allowed. Ask for what is deeper in another operation.",
                measure.depth, limits.depth
            ),
            "PUFF_GRAPHQL_LIMIT_DEPTH",
        ));
    }
    if measure.introspection_depth > INTROSPECTION_DEPTH {
        return Err(GraphqlError::new(
            format!(
                "The introspection query is {} levels deep, but at most {INTROSPECTION_DEPTH} are allowed. Ask for less at once.",
                measure.introspection_depth
            ),
            "PUFF_GRAPHQL_LIMIT_DEPTH",
        ));
    }
    if exceeds(limits.aliases.into(), measure.aliases) {
        return Err(GraphqlError::new(
            format!(
                "The operation has {} aliases, but at most {} are allowed. Split it into several operations, or use variables with a list.",
                measure.aliases, limits.aliases
            ),
            "PUFF_GRAPHQL_LIMIT_ALIASES",
        ));
    }
    let root_fields = meter.root_fields(&operation.selection_set);
    if exceeds(limits.root_fields.into(), root_fields) {
        return Err(GraphqlError::new(
            format!(
                "The operation has {root_fields} root fields, but at most {} are allowed. Split it into several operations.",
                limits.root_fields
            ),
            "PUFF_GRAPHQL_LIMIT_ROOT_FIELDS",
        ));
    }
    if exceeds(limits.cost, measure.cost) {
        return Err(GraphqlError::new(
            format!(
                "The operation may answer {} fields, but at most {} are allowed. Ask for smaller pages (`first`, `last` or `limit`), or for fewer nested lists.",
                Saturated(measure.cost),
                limits.cost
            ),
            "PUFF_GRAPHQL_LIMIT_COST",
        ));
    }
    Ok(())
}

/// A number that may have reached its end.
struct Saturated(u64);

impl std::fmt::Display for Saturated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == u64::MAX {
            f.write_str("countless")
        } else {
            self.0.fmt(f)
        }
    }
}

/// What a selection set amounts to, with all fragments in it.
#[derive(Clone, Copy, Default)]
struct Measure {
    depth: u32,
    introspection_depth: u32,
    aliases: u64,
    cost: u64,
}

impl Measure {
    /// Two parts of one selection set.
    fn beside(self, other: Measure) -> Measure {
        Measure {
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            aliases: self.aliases.saturating_add(other.aliases),
            cost: self.cost.saturating_add(other.cost),
        }
    }
}

struct Meter<'a> {
    document: &'a Document,
    variables: &'a Map<String, Json>,
    page_size: u64,
    /// By name and by the page size that lists in it have.
    fragments: HashMap<(&'a Name, Option<u64>), Measure>,
}

impl<'a> Meter<'a> {
    /// `page` is the page size that the field around it was given and has not used for itself: of a
    /// connection `questions(first: 50) { edges { .. } }` the edges are a list of 50.
    fn measure(
        &mut self,
        set: &'a SelectionSet,
        page: Option<u64>,
    ) -> Result<Measure, GraphqlError> {
        let mut whole = Measure::default();
        for selection in &set.selections {
            if self.is_left_out(selection.directives()) {
                continue;
            }
            let part = match selection {
                Selection::Field(field) => self.field(field, page)?,
                Selection::InlineFragment(fragment) => {
                    self.measure(&fragment.selection_set, page)?
                }
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    let Some(fragment) = document.executable.fragments.get(&spread.fragment_name)
                    else {
                        continue;
                    };
                    let key = (&fragment.name, page);
                    match self.fragments.get(&key) {
                        Some(measure) => *measure,
                        None => {
                            let measure = self.measure(&fragment.selection_set, page)?;
                            self.fragments.insert(key, measure);
                            measure
                        }
                    }
                }
            };
            whole = whole.beside(part);
        }
        Ok(whole)
    }

    fn field(&mut self, field: &'a Field, page: Option<u64>) -> Result<Measure, GraphqlError> {
        let aliases = u64::from(field.alias.is_some());
        if matches!(field.name.as_str(), "__schema" | "__type") {
            let inner = self.measure(&field.selection_set, None)?;
            return Ok(Measure {
                depth: 1,
                introspection_depth: inner.depth,
                aliases: aliases.saturating_add(inner.aliases),
                cost: 1,
            });
        }
        let is_list = field.definition.ty.is_list();
        let own_page = if is_list || !field.selection_set.is_empty() {
            self.page_of(field)?
        } else {
            None
        };
        let inner = if is_list {
            self.measure(&field.selection_set, None)?
        } else {
            self.measure(&field.selection_set, own_page)?
        };
        let mut times = 1u64;
        let mut ty = &field.definition.ty;
        let mut size = own_page.or(page).unwrap_or(DEFAULT_PAGE);
        while let Type::List(item) | Type::NonNullList(item) = ty {
            times = times.saturating_mul(size);
            size = DEFAULT_PAGE;
            ty = item;
        }
        Ok(Measure {
            depth: inner.depth.saturating_add(1),
            introspection_depth: inner.introspection_depth,
            aliases: aliases.saturating_add(inner.aliases),
            cost: times.saturating_mul(inner.cost).saturating_add(1),
        })
    }

    /// The page size that a field is given by an argument or by an argument's default; the largest if
    /// there are several.
    fn page_of(&self, field: &Field) -> Result<Option<u64>, GraphqlError> {
        let mut page = None;
        for definition in &field.definition.arguments {
            let name = definition.name.as_str();
            if !matches!(name, "first" | "last" | "limit") {
                continue;
            }
            let given = field
                .arguments
                .iter()
                .find(|argument| argument.name == definition.name);
            let size = match given {
                Some(argument) => self.number(&argument.value),
                None => None,
            };
            let default = || self.number(definition.default_value.as_ref()?);
            let is_null = given.is_some_and(|argument| argument.value.is_null());
            let Some(size) = size.or_else(|| if is_null { None } else { default() }) else {
                continue;
            };
            if self.page_size != 0 && size > self.page_size && given.is_some() {
                let error = GraphqlError::new(
                    format!(
                        "Field \"{}\" is asked for {size} items by its argument \"{name}\", but at most {} are allowed. Ask for a smaller page.",
                        field.name, self.page_size
                    ),
                    "PUFF_GRAPHQL_LIMIT_PAGE_SIZE",
                );
                return Err(match given {
                    Some(argument) => self.document.locate(error, argument),
                    None => error,
                });
            }
            page = page.max(Some(size));
        }
        Ok(page)
    }

    /// A whole number of 0 or more, from a literal or a variable.
    fn number(&self, value: &Value) -> Option<u64> {
        match value {
            Value::Int(int) => int.as_str().parse().ok(),
            Value::Variable(name) => match self.variables.get(name.as_str())? {
                Json::Number(number) => number
                    .as_u64()
                    .or_else(|| number.as_f64().map(|float| float as u64)),
                _ => None,
            },
            _ => None,
        }
    }

    /// How many keys the answer has.
    fn root_fields(&self, set: &'a SelectionSet) -> u64 {
        let mut keys = HashSet::new();
        let mut seen = HashSet::new();
        let mut sets = vec![set];
        while let Some(set) = sets.pop() {
            for selection in &set.selections {
                if self.is_left_out(selection.directives()) {
                    continue;
                }
                match selection {
                    Selection::Field(field) => {
                        keys.insert(field.response_key());
                    }
                    Selection::InlineFragment(fragment) => sets.push(&fragment.selection_set),
                    Selection::FragmentSpread(spread) => {
                        let fragments = &self.document.executable.fragments;
                        if seen.insert(&spread.fragment_name)
                            && let Some(fragment) = fragments.get(&spread.fragment_name)
                        {
                            sets.push(&fragment.selection_set);
                        }
                    }
                }
            }
        }
        keys.len() as u64
    }

    fn is_left_out(&self, directives: &DirectiveList) -> bool {
        let condition = |name: &str| {
            let directive = directives.get(name)?;
            match &**directive.specified_argument_by_name("if")? {
                Value::Boolean(value) => Some(*value),
                Value::Variable(name) => self.variables.get(name.as_str())?.as_bool(),
                _ => None,
            }
        };
        condition("skip") == Some(true) || condition("include") == Some(false)
    }
}
