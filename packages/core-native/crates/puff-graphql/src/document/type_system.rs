//! The type system that documents are validated against.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::OperationType;
use apollo_compiler::parser::Parser;
use apollo_compiler::schema::{Component, ExtendedType, FieldDefinition};
use apollo_compiler::validation::{Valid, WithErrors};
use apollo_compiler::{Name, Node, Schema, name, ty};

use super::diagnostics::to_errors;
use super::lines::Lines;
use super::schema_rules;
use crate::error::GraphqlError;

/// The code of errors in a schema.
const INVALID_SCHEMA: &str = "PUFF_GRAPHQL_SCHEMA_INVALID";

/// A validated schema, with what the September 2025 edition of the specification has and
/// apollo-compiler does not know yet: `@oneOf` and `__Type.isOneOf`.
pub struct TypeSystem {
    /// Whether messages suggest names of the schema; `true` unless set. Where introspection is off,
    /// suggestions would tell what it does not.
    pub suggests: bool,
    schema: Valid<Schema>,
    one_of: HashSet<Name>,
    possible_types: HashMap<Name, Vec<Name>>,
}

impl TypeSystem {
    /// Parses and validates a schema in the schema definition language.
    pub fn parse(sdl: &str) -> Result<TypeSystem, Vec<GraphqlError>> {
        let mut builder = Schema::builder();
        Parser::new().parse_into_schema_builder(sdl, "schema.graphql", &mut builder);
        let lines = Lines::new(sdl);
        let failed =
            |failure: WithErrors<Schema>| to_errors(&failure.errors, sdl, &lines, INVALID_SCHEMA);
        let mut schema = builder.build().map_err(failed)?;
        add_one_of(&mut schema);
        let schema = schema.validate().map_err(failed)?;

        let one_of = schema
            .types
            .values()
            .filter_map(ExtendedType::as_input_object)
            .filter(|definition| definition.directives.has("oneOf"))
            .map(|definition| definition.name.clone())
            .collect();
        let possible_types = possible_types(&schema);
        let types = TypeSystem {
            suggests: true,
            schema,
            one_of,
            possible_types,
        };
        let problems = schema_rules::check(&types);
        if problems.is_empty() {
            return Ok(types);
        }
        Err(problems
            .into_iter()
            .map(|(message, span)| {
                let error = GraphqlError::new(message, INVALID_SCHEMA);
                match span {
                    Some(span) => error.at(lines.location(sdl, span.offset())),
                    None => error,
                }
            })
            .collect())
    }

    /// The schema as apollo-compiler has it.
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// Whether a type is an input object of which exactly one field must be given.
    pub fn is_one_of(&self, type_name: &str) -> bool {
        self.one_of.contains(type_name)
    }

    /// The object types that a value of a type can have: the type itself if it is an object type, the
    /// implementers of an interface, the members of a union; none for other types.
    pub fn possible_types(&self, type_name: &str) -> &[Name] {
        self.possible_types
            .get(type_name)
            .map_or(&[], |names| names.as_slice())
    }

    /// The object type that operations of a kind begin at.
    pub fn root_type(&self, operation_type: OperationType) -> Option<&Name> {
        self.schema.root_operation(operation_type)
    }
}

/// Adds `directive @oneOf` and `__Type.isOneOf`.
fn add_one_of(schema: &mut Schema) {
    schema
        .directive_definitions
        .entry(name!("oneOf"))
        .or_insert_with(|| {
            Node::new(apollo_compiler::ast::DirectiveDefinition {
                description: Some(
                    "Indicates exactly one field must be supplied and this field must not be `null`."
                        .into(),
                ),
                name: name!("oneOf"),
                arguments: Vec::new(),
                repeatable: false,
                locations: vec![apollo_compiler::ast::DirectiveLocation::InputObject],
            })
        });
    if let Some(ExtendedType::Object(definition)) = schema.types.get_mut("__Type") {
        definition.make_mut().fields.insert(
            name!("isOneOf"),
            Component::new(FieldDefinition {
                description: None,
                name: name!("isOneOf"),
                arguments: Vec::new(),
                ty: ty!(Boolean),
                directives: Default::default(),
            }),
        );
    }
}

fn possible_types(schema: &Schema) -> HashMap<Name, Vec<Name>> {
    let mut possible = HashMap::<Name, Vec<Name>>::new();
    for (name, definition) in &schema.types {
        match definition {
            ExtendedType::Object(object) => {
                possible.insert(name.clone(), vec![name.clone()]);
                for interface in &object.implements_interfaces {
                    possible
                        .entry(interface.name.clone())
                        .or_default()
                        .push(name.clone());
                }
            }
            ExtendedType::Union(union) => {
                let members = union.members.iter().map(|member| member.name.clone());
                possible.insert(name.clone(), members.collect());
            }
            _ => {}
        }
    }
    possible
}
