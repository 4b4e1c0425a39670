//! Rules for type systems that apollo-compiler does not have: `@oneOf`, deprecation of what is
//! required, and default values (GraphQL specification, sections 3.6 and 3.10).

use std::collections::HashSet;

use apollo_compiler::ast::Value;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{ExtendedType, InputObjectType, InputValueDefinition};
use apollo_compiler::{Name, Node};

use super::print::print_literal;
use super::type_system::TypeSystem;
use crate::coercion::constant;

/// What breaks a rule, and where.
pub(super) type Problem = (String, Option<SourceSpan>);

/// All problems of a type system that is valid otherwise.
pub(super) fn check(types: &TypeSystem) -> Vec<Problem> {
    let mut problems = default_cycles(types);
    // Values cannot be coerced if their defaults have no end.
    let can_coerce = problems.is_empty();
    let mut check = |coordinate: String, kind: &str, definition: &Node<InputValueDefinition>| {
        if definition.is_required() && definition.directives.has("deprecated") {
            problems.push((
                format!("Required {kind} {coordinate} cannot be deprecated."),
                definition.location(),
            ));
        }
        if let Some(default) = &definition.default_value
            && can_coerce
            && constant(types, default, &definition.ty).is_none()
        {
            problems.push((
                format!(
                    "{coordinate} has the default value {}, which is no value of its type {}.",
                    print_literal(default),
                    definition.ty
                ),
                default.location(),
            ));
        }
    };
    for directive in types.schema().directive_definitions.values() {
        for argument in &directive.arguments {
            let coordinate = format!("@{}({}:)", directive.name, argument.name);
            check(coordinate, "argument", argument);
        }
    }
    for (type_name, definition) in &types.schema().types {
        let fields = match definition {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(interface) => &interface.fields,
            ExtendedType::InputObject(input) => {
                for field in input.fields.values() {
                    let coordinate = format!("{type_name}.{}", field.name);
                    check(coordinate, "input field", field);
                }
                continue;
            }
            _ => continue,
        };
        for field in fields.values() {
            for argument in &field.arguments {
                let coordinate = format!("{type_name}.{}({}:)", field.name, argument.name);
                check(coordinate, "argument", argument);
            }
        }
    }
    one_of(types, &mut problems);
    problems
}

fn one_of(types: &TypeSystem, problems: &mut Vec<Problem>) {
    let inputs = types.schema().types.values();
    for input in inputs.filter_map(ExtendedType::as_input_object) {
        if !types.is_one_of(&input.name) {
            continue;
        }
        for field in input.fields.values() {
            let coordinate = format!("{}.{}", input.name, field.name);
            if field.ty.is_non_null() {
                problems.push((
                    format!("OneOf input field {coordinate} must be nullable."),
                    field.location(),
                ));
            }
            if field.default_value.is_some() {
                problems.push((
                    format!("OneOf input field {coordinate} cannot have a default value."),
                    field.location(),
                ));
            }
        }
    }
}

/// Input fields whose default needs itself (specification,
/// `InputObjectDefaultValueHasCycle`).
fn default_cycles(types: &TypeSystem) -> Vec<Problem> {
    let mut search = CycleSearch {
        types,
        under_way: Vec::new(),
        done: HashSet::new(),
        problems: Vec::new(),
    };
    let inputs = types.schema().types.values();
    for input in inputs.filter_map(ExtendedType::as_input_object) {
        search.object(input, &[]);
    }
    search.problems
}

struct CycleSearch<'a> {
    types: &'a TypeSystem,
    /// The fields whose defaults lead to here.
    under_way: Vec<(&'a Name, &'a Name)>,
    done: HashSet<(&'a Name, &'a Name)>,
    problems: Vec<Problem>,
}

impl<'a> CycleSearch<'a> {
    /// An input object of which some fields are given; the others take their defaults.
    fn object(&mut self, input: &'a InputObjectType, given: &'a [(Name, Node<Value>)]) {
        for (name, field) in &input.fields {
            let Some(below) = self
                .types
                .schema()
                .get_input_object(field.ty.inner_named_type())
            else {
                continue;
            };
            if let Some((_, value)) = given.iter().find(|(given, _)| given == name) {
                self.value(below, value);
                continue;
            }
            let Some(default) = &field.default_value else {
                continue;
            };
            let place = (&input.name, name);
            if self.under_way.contains(&place) {
                self.problems.push((
                    format!(
                        "The default value of input field {}.{name} needs itself: there is no end to it.",
                        input.name
                    ),
                    field.location(),
                ));
                continue;
            }
            if self.done.contains(&place) {
                continue;
            }
            self.under_way.push(place);
            self.value(below, default);
            self.under_way.pop();
            self.done.insert(place);
        }
    }

    fn value(&mut self, input: &'a InputObjectType, value: &'a Value) {
        match value {
            Value::List(items) => {
                for item in items {
                    self.value(input, item);
                }
            }
            Value::Object(fields) => self.object(input, fields),
            _ => {}
        }
    }
}
