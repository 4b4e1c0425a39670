//! Literals and variables in them: what apollo-compiler checks at the top of an argument only, and
//! `@oneOf`.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{
    Argument, Directive, InputValueDefinition, Type, Value, VariableDefinition,
};
use apollo_compiler::executable::{Operation, Selection};
use apollo_compiler::schema::{EnumType, ExtendedType, InputObjectType};
use apollo_compiler::{ExecutableDocument, Name, Node};

use super::{Findings, each_selection};
use crate::coercion::did_you_mean;
use crate::document::{TypeSystem, print_literal};

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

    fn is_list(self) -> bool {
        self.ty.is_some_and(Type::is_list)
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
            Value::List(items) if place.is_list() || self.is_custom(place) => {
                let place = Place {
                    ty: place.ty.map(Type::item_type),
                    has_default: false,
                    one_of: None,
                };
                for item in items {
                    self.value(item, place);
                }
            }
            Value::Object(fields) if self.input_object(place).is_some() => {
                self.object(value, fields, place);
            }
            Value::Object(fields) if self.is_custom(place) => {
                self.object(value, fields, Place { ty: None, ..place });
            }
            Value::Null => {
                if let Some(ty) = place.ty
                    && ty.is_non_null()
                {
                    self.unexpected(value, ty);
                }
            }
            _ => self.leaf(value, place),
        }
    }

    fn input_object(&self, place: Place<'a>) -> Option<&'a Node<InputObjectType>> {
        let name = place.ty?.inner_named_type();
        self.types.schema().get_input_object(name)
    }

    /// Whether a place takes any literal: that of a custom scalar, or within one.
    fn is_custom(&self, place: Place<'_>) -> bool {
        place.ty.is_none_or(|ty| {
            let scalar = self.types.schema().get_scalar(ty.inner_named_type());
            scalar.is_some_and(|scalar| !scalar.is_built_in())
        })
    }

    /// A literal that is not made of others, or that is and must not be.
    fn leaf(&mut self, value: &Node<Value>, place: Place<'_>) {
        let Some(ty) = place.ty else {
            return;
        };
        match self.types.schema().types.get(ty.inner_named_type()) {
            Some(ExtendedType::Scalar(scalar)) if scalar.is_built_in() => {
                if let Some(problem) = builtin_problem(&scalar.name, value) {
                    let shown = print_literal(value);
                    self.findings
                        .add(format!("{problem}: {shown}"), [value.location()]);
                }
            }
            Some(ExtendedType::Scalar(_)) => {}
            Some(ExtendedType::Enum(definition)) => self.enum_value(value, definition),
            Some(_) => self.unexpected(value, ty),
            // An unknown type is an error of its own.
            None => {}
        }
    }

    fn enum_value(&mut self, value: &Node<Value>, definition: &EnumType) {
        let shown = print_literal(value);
        let problem = match &**value {
            Value::Enum(name) if definition.values.contains_key(name) => return,
            Value::Enum(_) => format!(
                "Value \"{shown}\" does not exist in \"{}\" enum.",
                definition.name
            ),
            _ => format!(
                "Enum \"{}\" cannot represent non-enum value: {shown}.",
                definition.name
            ),
        };
        let names = definition.values.keys().map(|name| name.as_str());
        let suggestion = if self.types.suggests {
            did_you_mean(Some("the enum value"), &shown, names)
        } else {
            String::new()
        };
        self.findings
            .add(format!("{problem}{suggestion}"), [value.location()]);
    }

    fn unexpected(&mut self, value: &Node<Value>, ty: &Type) {
        let shown = print_literal(value);
        self.findings.add(
            format!("Expected value of type \"{ty}\", found {shown}."),
            [value.location()],
        );
    }

    fn object(&mut self, value: &Node<Value>, fields: &'a [(Name, Node<Value>)], place: Place<'a>) {
        let definition = self.input_object(place);
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
            if let Some(definition) = definition
                && field_definition.is_none()
            {
                let names = definition.fields.keys().map(|name| name.as_str());
                let suggestion = if self.types.suggests {
                    did_you_mean(None, name, names)
                } else {
                    String::new()
                };
                self.findings.add(
                    format!(
                        "Field \"{name}\" is not defined by type \"{}\".{suggestion}",
                        definition.name
                    ),
                    [name.location()],
                );
            }
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
        for field in definition.iter().flat_map(|one| one.fields.values()) {
            if field.is_required() && !seen.contains_key(field.name.as_str()) {
                self.findings.add(
                    format!(
                        "Field \"{}.{}\" of required type \"{}\" was not provided.",
                        place.ty.map_or("", |ty| ty.inner_named_type()),
                        field.name,
                        field.ty
                    ),
                    [value.location()],
                );
            }
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
        let is_known = self
            .types
            .schema()
            .types
            .contains_key(given.inner_named_type());
        if let Some(wanted) = place.ty
            && is_known
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

/// What is wrong with a literal as a value of a built-in scalar.
fn builtin_problem(scalar: &str, value: &Value) -> Option<&'static str> {
    match (scalar, value) {
        ("Int", Value::Int(int)) => int
            .try_to_i32()
            .err()
            .map(|_| "Int cannot represent non 32-bit signed integer value"),
        ("Float", Value::Int(int)) => int
            .try_to_f64()
            .err()
            .map(|_| "Float cannot represent non numeric value"),
        ("Float", Value::Float(float)) => float
            .try_to_f64()
            .err()
            .map(|_| "Float cannot represent non numeric value"),
        ("ID", Value::Int(_) | Value::String(_))
        | ("String", Value::String(_))
        | ("Boolean", Value::Boolean(_)) => None,
        ("Int", _) => Some("Int cannot represent non-integer value"),
        ("Float", _) => Some("Float cannot represent non numeric value"),
        ("ID", _) => Some("ID cannot represent a non-string and non-integer value"),
        ("String", _) => Some("String cannot represent a non string value"),
        _ => Some("Boolean cannot represent a non boolean value"),
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
