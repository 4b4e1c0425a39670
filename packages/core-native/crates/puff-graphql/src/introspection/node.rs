//! What introspection shows: the objects of the meta types.

use apollo_compiler::ast::{
    DirectiveDefinition, DirectiveList, EnumValueDefinition, InputValueDefinition, OperationType,
    Type, Value,
};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::{Name, Node};

use super::default_value::default_text;
use crate::document::TypeSystem;

/// An object of a meta type.
#[derive(Clone, Copy)]
pub(super) enum MetaNode<'a> {
    Schema,
    Type(TypeRef<'a>),
    Field(&'a FieldDefinition),
    InputValue(&'a InputValueDefinition),
    EnumValue(&'a EnumValueDefinition),
    Directive(&'a DirectiveDefinition),
}

/// A type, named or wrapped.
#[derive(Clone, Copy)]
pub(super) enum TypeRef<'a> {
    Named(&'a ExtendedType),
    /// A list or a non-null type of something.
    Wrapped(&'a Type),
    /// A list or named type whose `!` has been taken off.
    Nullable(&'a Type),
}

/// The value of a field of a meta type.
pub(super) enum Answer<'a> {
    Null,
    Bool(bool),
    Text(&'a str),
    Owned(String),
    Names(Vec<&'static str>),
    Object(MetaNode<'a>),
    List(Vec<MetaNode<'a>>),
}

impl<'a> From<Option<&'a Node<str>>> for Answer<'a> {
    fn from(text: Option<&'a Node<str>>) -> Answer<'a> {
        text.map_or(Answer::Null, |text| Answer::Text(text))
    }
}

impl<'a> From<Option<TypeRef<'a>>> for Answer<'a> {
    fn from(ty: Option<TypeRef<'a>>) -> Answer<'a> {
        ty.map_or(Answer::Null, |ty| Answer::Object(MetaNode::Type(ty)))
    }
}

impl<'a> TypeRef<'a> {
    pub(super) fn named(types: &'a TypeSystem, name: &str) -> Option<TypeRef<'a>> {
        types.schema().types.get(name).map(TypeRef::Named)
    }

    fn of(types: &'a TypeSystem, ty: &'a Type) -> Option<TypeRef<'a>> {
        match ty {
            Type::Named(name) => TypeRef::named(types, name),
            _ => Some(TypeRef::Wrapped(ty)),
        }
    }

    fn definition(self) -> Option<&'a ExtendedType> {
        match self {
            TypeRef::Named(definition) => Some(definition),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            TypeRef::Named(ExtendedType::Scalar(_)) => "SCALAR",
            TypeRef::Named(ExtendedType::Object(_)) => "OBJECT",
            TypeRef::Named(ExtendedType::Interface(_)) => "INTERFACE",
            TypeRef::Named(ExtendedType::Union(_)) => "UNION",
            TypeRef::Named(ExtendedType::Enum(_)) => "ENUM",
            TypeRef::Named(ExtendedType::InputObject(_)) => "INPUT_OBJECT",
            TypeRef::Wrapped(ty) if ty.is_non_null() => "NON_NULL",
            TypeRef::Wrapped(_) | TypeRef::Nullable(_) => "LIST",
        }
    }

    fn of_type(self, types: &'a TypeSystem) -> Option<TypeRef<'a>> {
        match self {
            TypeRef::Named(_) => None,
            TypeRef::Wrapped(Type::NonNullNamed(name)) => TypeRef::named(types, name),
            TypeRef::Wrapped(ty @ Type::NonNullList(_)) => Some(TypeRef::Nullable(ty)),
            TypeRef::Wrapped(ty) | TypeRef::Nullable(ty) => TypeRef::of(types, ty.item_type()),
        }
    }
}

impl<'a> MetaNode<'a> {
    /// The name of the object's type.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            MetaNode::Schema => "__Schema",
            MetaNode::Type(_) => "__Type",
            MetaNode::Field(_) => "__Field",
            MetaNode::InputValue(_) => "__InputValue",
            MetaNode::EnumValue(_) => "__EnumValue",
            MetaNode::Directive(_) => "__Directive",
        }
    }

    /// The value of a field; `with_deprecated` is its argument `includeDeprecated`.
    pub(super) fn field(
        self,
        types: &'a TypeSystem,
        name: &str,
        with_deprecated: bool,
    ) -> Answer<'a> {
        match self {
            MetaNode::Schema => schema_field(types, name),
            MetaNode::Type(ty) => type_field(types, ty, name, with_deprecated),
            MetaNode::Field(field) => match name {
                "name" => Answer::Text(&field.name),
                "description" => field.description.as_ref().into(),
                "args" => input_values(field.arguments.iter(), with_deprecated),
                "type" => TypeRef::of(types, &field.ty).into(),
                _ => deprecation(&field.directives, name),
            },
            MetaNode::InputValue(value) => match name {
                "name" => Answer::Text(&value.name),
                "description" => value.description.as_ref().into(),
                "type" => TypeRef::of(types, &value.ty).into(),
                "defaultValue" => default_text(types, value).map_or(Answer::Null, Answer::Owned),
                _ => deprecation(&value.directives, name),
            },
            MetaNode::EnumValue(value) => match name {
                "name" => Answer::Text(&value.value),
                "description" => value.description.as_ref().into(),
                _ => deprecation(&value.directives, name),
            },
            MetaNode::Directive(directive) => match name {
                "name" => Answer::Text(&directive.name),
                "description" => directive.description.as_ref().into(),
                "isRepeatable" => Answer::Bool(directive.repeatable),
                "locations" => Answer::Names(
                    directive
                        .locations
                        .iter()
                        .map(|location| location.name())
                        .collect(),
                ),
                "args" => input_values(directive.arguments.iter(), with_deprecated),
                _ => Answer::Null,
            },
        }
    }
}

fn schema_field<'a>(types: &'a TypeSystem, name: &str) -> Answer<'a> {
    let schema = types.schema();
    let root = |operation_type| -> Answer<'a> {
        types
            .root_type(operation_type)
            .and_then(|name| TypeRef::named(types, name))
            .into()
    };
    match name {
        "description" => schema.schema_definition.description.as_ref().into(),
        "types" => Answer::List(
            schema
                .types
                .values()
                .map(|definition| MetaNode::Type(TypeRef::Named(definition)))
                .collect(),
        ),
        "queryType" => root(OperationType::Query),
        "mutationType" => root(OperationType::Mutation),
        "subscriptionType" => root(OperationType::Subscription),
        "directives" => Answer::List(
            schema
                .directive_definitions
                .values()
                .map(|definition| MetaNode::Directive(definition))
                .collect(),
        ),
        _ => Answer::Null,
    }
}

fn type_field<'a>(
    types: &'a TypeSystem,
    ty: TypeRef<'a>,
    name: &str,
    with_deprecated: bool,
) -> Answer<'a> {
    let definition = ty.definition();
    match name {
        "kind" => Answer::Text(ty.kind()),
        "ofType" => ty.of_type(types).into(),
        "name" => definition.map_or(Answer::Null, |definition| Answer::Text(definition.name())),
        "description" => definition.and_then(ExtendedType::description).into(),
        "specifiedByURL" => match definition {
            Some(ExtendedType::Scalar(scalar)) => scalar
                .directives
                .get("specifiedBy")
                .and_then(|directive| directive.specified_argument_by_name("url"))
                .and_then(|url| url.as_str())
                .map_or(Answer::Null, Answer::Text),
            _ => Answer::Null,
        },
        "isOneOf" => match definition {
            Some(ExtendedType::InputObject(input)) => Answer::Bool(types.is_one_of(&input.name)),
            _ => Answer::Null,
        },
        "fields" => {
            let fields = match definition {
                Some(ExtendedType::Object(object)) => &object.fields,
                Some(ExtendedType::Interface(interface)) => &interface.fields,
                _ => return Answer::Null,
            };
            Answer::List(
                fields
                    .values()
                    .filter(|field| with_deprecated || !field.directives.has("deprecated"))
                    .map(|field| MetaNode::Field(field))
                    .collect(),
            )
        }
        "interfaces" => {
            let interfaces = match definition {
                Some(ExtendedType::Object(object)) => &object.implements_interfaces,
                Some(ExtendedType::Interface(interface)) => &interface.implements_interfaces,
                _ => return Answer::Null,
            };
            named(types, interfaces.iter().map(|interface| &interface.name))
        }
        "possibleTypes" => match definition {
            Some(ExtendedType::Interface(_) | ExtendedType::Union(_)) => {
                let name = definition.map(|definition| definition.name().as_str());
                named(types, types.possible_types(name.unwrap_or_default()).iter())
            }
            _ => Answer::Null,
        },
        "enumValues" => match definition {
            Some(ExtendedType::Enum(definition)) => Answer::List(
                definition
                    .values
                    .values()
                    .filter(|value| with_deprecated || !value.directives.has("deprecated"))
                    .map(|value| MetaNode::EnumValue(value))
                    .collect(),
            ),
            _ => Answer::Null,
        },
        "inputFields" => match definition {
            Some(ExtendedType::InputObject(input)) => input_values(
                input.fields.values().map(|field| &field.node),
                with_deprecated,
            ),
            _ => Answer::Null,
        },
        _ => Answer::Null,
    }
}

fn named<'a>(types: &'a TypeSystem, names: impl Iterator<Item = &'a Name>) -> Answer<'a> {
    Answer::List(
        names
            .filter_map(|name| TypeRef::named(types, name))
            .map(MetaNode::Type)
            .collect(),
    )
}

fn input_values<'a>(
    values: impl Iterator<Item = &'a Node<InputValueDefinition>>,
    with_deprecated: bool,
) -> Answer<'a> {
    Answer::List(
        values
            .filter(|value| with_deprecated || !value.directives.has("deprecated"))
            .map(|value| MetaNode::InputValue(value))
            .collect(),
    )
}

fn deprecation<'a>(directives: &'a DirectiveList, name: &str) -> Answer<'a> {
    let directive = directives.get("deprecated");
    match name {
        "isDeprecated" => Answer::Bool(directive.is_some()),
        "deprecationReason" => match directive {
            None => Answer::Null,
            Some(directive) => match directive.specified_argument_by_name("reason") {
                None => Answer::Text("No longer supported"),
                Some(reason) => match &**reason {
                    Value::String(reason) => Answer::Text(reason),
                    _ => Answer::Null,
                },
            },
        },
        _ => Answer::Null,
    }
}
