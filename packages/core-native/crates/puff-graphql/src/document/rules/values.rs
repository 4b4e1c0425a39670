//! Literals and variables in them: what apollo-compiler checks at the top of an argument only, and
//! `@oneOf`.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{
    Argument, Directive, InputValueDefinition, Type, Value, VariableDefinition,
};
use apollo_compiler::executable::{Operation, Selection};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Name, Node};

use super::{Findings, each_selection};
use crate::document::TypeSystem;

pub(super) fn check(
    types: &TypeSystem,
    document: &ExecutableDocument,
    findings: &mut Findings<'_>,
) {
    for operation in document.operations.iter() {
        let variables = operation
            .variables
            .iter()
            .map(|definition| (definition.name.as_str(), definition))
            .collect();
        let mut values = Values {
            types,
            operation,
            variables,
            findings,
        };
        values.operation(document);
    }
}

/// A place that a value is in.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The type there; `None` within custom scalars.
    ty: Option<&'a Type>,
    has_default: bool,
    /// The type of the input object that the place is a field of, if exactly one field of it must be
    /// given.
    one_of: Option<&'a Name>,
}

impl<'a> Place<'a> {
    fn of(definition: &'a InputValueDefinition) -> Place<'a> {
        Place {
            ty: Some(&definition.ty),
            has_default: definition.default_value.is_some(),
            one_of: None,
        }
    }
}

struct Values<'a, 'f, 'g> {
    types: &'a TypeSystem,
    operation: &'a Operation,
    variables: HashMap<&'a str, &'a Node<VariableDefinition>>,
    findings: &'g mut Findings<'f>,
}

impl<'a> Values<'a, '_, '_> {
    /// All values in an operation and in the fragments it uses.
    fn operation(&mut self, document: &'a ExecutableDocument) {
        for definition in &self.operation.variables {
            if let Some(default) = &definition.default_value {
                self.value(
                    default,
                    Place {
                        ty: Some(&definition.ty),
                        has_default: false,
                        one_of: None,
                    },
                );
            }
            self.directives(&definition.directives);
        }
        self.directives(&self.operation.directives);

        let mut seen = HashSet::new();
        let mut sets = vec![&self.operation.selection_set];
        while let Some(set) = sets.pop() {
            each_selection(&set.selections, |selection| {
                self.directives(selection.directives());
                match selection {
                    Selection::Field(field) => {
                        self.arguments(&field.arguments, &field.definition.arguments);
                    }
                    Selection::FragmentSpread(spread) => {
                        if seen.insert(&spread.fragment_name)
                            && let Some(fragment) = document.fragments.get(&spread.fragment_name)
                        {
                            self.directives(&fragment.directives);
                            sets.push(&fragment.selection_set);
                        }
                    }
                    Selection::InlineFragment(_) => {}
                }
            });
        }
    }

    fn directives(&mut self, directives: &'a [Node<Directive>]) {
        for directive in directives {
            let definitions = &self.types.schema().directive_definitions;
            if let Some(definition) = definitions.get(&directive.name) {
                self.arguments(&directive.arguments, &definition.arguments);
            }
        }
    }

    fn arguments(
        &mut self,
        arguments: &'a [Node<Argument>],
        definitions: &'a [Node<InputValueDefinition>],
    ) {
        for argument in arguments {
            let definition = definitions
                .iter()
                .find(|definition| definition.name == argument.name);
            if let Some(definition) = definition {
                self.value(&argument.value, Place::of(definition));
            }
        }
    }

    fn value(&mut self, value: &'a Node<Value>, place: Place<'a>) {
        match &**value {
            Value::Variable(name) => self.variable(value, name, place),
            Value::List(items) => {
                let place = Place {
                    ty: place.ty.map(Type::item_type),
                    has_default: false,
                    one_of: None,
                };
                for item in items {
                    self.value(item, place);
                }
            }
            Value::Object(fields) => self.object(value, fields, place),
            _ => {}
        }
    }

    fn object(&mut self, value: &Node<Value>, fields: &'a [(Name, Node<Value>)], place: Place<'a>) {
        let definition = place.ty.and_then(|ty| {
            let name = ty.inner_named_type();
            match self.types.schema().types.get(name) {
                Some(ExtendedType::InputObject(definition)) => Some(definition),
                _ => None,
            }
        });
        let one_of = definition
            .map(|definition| &definition.name)
            .filter(|name| self.types.is_one_of(name));
        let mut seen = HashMap::new();
        for (name, field) in fields {
            if let Some(first) = seen.insert(name.as_str(), name.location()) {
                self.findings.add(
                    format!("There can be only one input field named \"{name}\"."),
                    [first, name.location()],
                );
            }
            let field_definition =
                definition.and_then(|definition| definition.fields.get(name.as_str()));
            let mut place = Place {
                ty: None,
                has_default: false,
                one_of,
            };
            if let Some(definition) = field_definition {
                place = Place {
                    one_of,
                    ..Place::of(definition)
                };
            }
            self.value(field, place);
        }
        let Some(type_name) = one_of else {
            return;
        };
        if seen.len() != 1 {
            self.findings.add(
                format!("OneOf Input Object \"{type_name}\" must specify exactly one key."),
                [value.location()],
            );
        } else if let Some((name, field)) = fields.first()
            && field.is_null()
        {
            self.findings.add(
                format!("Field \"{type_name}.{name}\" must be non-null."),
                [value.location()],
            );
        }
    }

    fn variable(&mut self, value: &Node<Value>, name: &Name, place: Place<'_>) {
        let Some(definition) = self.variables.get(name.as_str()).copied() else {
            let by = match &self.operation.name {
                Some(operation) => format!(" by operation \"{operation}\""),
                None => String::new(),
            };
            self.findings.add(
                format!("Variable \"${name}\" is not defined{by}."),
                [value.location()],
            );
            return;
        };
        let given = &definition.ty;
        let spans = [definition.location(), value.location()];
        if let Some(wanted) = place.ty
            && !is_allowed(definition, wanted, place.has_default)
        {
            self.findings.add(
                format!(
                    "Variable \"${name}\" of type \"{given}\" used in position expecting type \"{wanted}\"."
                ),
                spans,
            );
        }
        if let Some(type_name) = place.one_of
            && !given.is_non_null()
        {
            self.findings.add(
                format!(
                    "Variable \"${name}\" is of type \"{given}\" but must be non-nullable to be used for OneOf Input Object \"{type_name}\"."
                ),
                spans,
            );
        }
    }
}

/// Whether a variable may be used in a place (specification, section 5.8.5 "All Variable Usages Are
/// Allowed").
fn is_allowed(definition: &VariableDefinition, wanted: &Type, has_default: bool) -> bool {
    let given = &definition.ty;
    if !wanted.is_non_null() || given.is_non_null() {
        return given.is_assignable_to(wanted);
    }
    let default = definition.default_value.as_ref();
    let has_value = default.is_some_and(|default| !default.is_null());
    (has_value || has_default) && given.is_assignable_to(&wanted.clone().nullable())
}
