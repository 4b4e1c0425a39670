//! Leaf types: how their values are written.

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::schema::ExtendedType;

/// How the values of a leaf type are written.
#[derive(Debug, Clone)]
pub(crate) enum Leaf {
    Int,
    Float,
    String,
    Boolean,
    Id,
    /// The values of the type, and their names where the database has others.
    Enum(Arc<EnumNames>),
    /// A custom scalar: whatever JSON fits the value best.
    Custom,
}

/// The values of an enum.
#[derive(Debug)]
pub(crate) struct EnumNames {
    pub(crate) type_name: Box<str>,
    /// GraphQL's name by the database's value.
    pub(crate) names: HashMap<Box<str>, Box<str>>,
}

impl Leaf {
    /// The leaf type, or `None` for a composite type.
    pub(crate) fn of(ty: &ExtendedType, enum_names: &HashMap<String, String>) -> Option<Leaf> {
        match ty {
            ExtendedType::Scalar(scalar) => Some(match scalar.name.as_str() {
                "Int" => Leaf::Int,
                "Float" => Leaf::Float,
                "String" => Leaf::String,
                "Boolean" => Leaf::Boolean,
                "ID" => Leaf::Id,
                _ => Leaf::Custom,
            }),
            ExtendedType::Enum(definition) => {
                let mut names: HashMap<Box<str>, Box<str>> = definition
                    .values
                    .keys()
                    .map(|name| (name.as_str().into(), name.as_str().into()))
                    .collect();
                for (value, name) in enum_names {
                    names.insert(value.as_str().into(), name.as_str().into());
                }
                Some(Leaf::Enum(Arc::new(EnumNames {
                    type_name: definition.name.as_str().into(),
                    names,
                })))
            }
            _ => None,
        }
    }
}
