//! How the fields of a schema are resolved, made ready.

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::Name;
use apollo_compiler::ast::OperationType;
use apollo_compiler::schema::ExtendedType;

use super::spec::{FieldSpec, SchemaSpec, StatementSpec, StreamSpec};
use crate::document::TypeSystem;
use crate::plan::{ConnectionPlan, Source, StatementPlan};

/// The sources of the fields that the schema says something about.
#[derive(Debug)]
pub(crate) struct Resolvers {
    by_type: HashMap<Box<str>, HashMap<Box<str>, Source>>,
    /// Of the fields of the subscription type.
    streams: HashMap<Box<str>, StreamSpec>,
}

impl Resolvers {
    /// Checks what the schema says about its fields.
    ///
    /// # Errors
    /// The first thing that cannot be, with its coordinate.
    pub(crate) fn new(spec: &SchemaSpec, types: &TypeSystem) -> Result<Resolvers, String> {
        let mut by_type: HashMap<Box<str>, HashMap<Box<str>, Source>> = HashMap::new();
        let mut of_interfaces = Vec::new();
        for (coordinate, field) in &spec.fields {
            let fail = |reason: String| format!("{coordinate}: {reason}");
            let (type_name, field_name) = coordinate
                .split_once('.')
                .ok_or_else(|| fail("is no coordinate of a field".into()))?;
            let ty = types
                .schema()
                .types
                .get(type_name)
                .ok_or_else(|| fail(format!("there is no type {type_name}")))?;
            let definition = match ty {
                ExtendedType::Object(ty) => ty.fields.get(field_name),
                ExtendedType::Interface(ty) => ty.fields.get(field_name),
                _ => return Err(fail(format!("{type_name} has no fields"))),
            }
            .ok_or_else(|| fail(format!("{type_name} has no field {field_name}")))?;
            let source = source_of(field).map_err(fail)?;
            if matches!(source, Source::Statement(_)) && is_nested_list(&definition.ty) {
                return Err(fail(
                    "the rows of a statement cannot be lists of lists".into(),
                ));
            }
            if matches!(ty, ExtendedType::Interface(_)) {
                of_interfaces.push((type_name, field_name, source));
                continue;
            }
            by_type
                .entry(type_name.into())
                .or_default()
                .insert(field_name.into(), source);
        }
        for (interface, field_name, source) in of_interfaces {
            for type_name in types.possible_types(interface) {
                by_type
                    .entry(type_name.as_str().into())
                    .or_default()
                    .entry(field_name.into())
                    .or_insert_with(|| source.clone());
            }
        }
        let streams = streams_of(spec, types)?;
        Ok(Resolvers { by_type, streams })
    }

    /// Where the events of a field of the subscription type come from.
    pub(crate) fn stream(&self, field: &Name) -> Option<&StreamSpec> {
        self.streams.get(field.as_str())
    }

    pub(crate) fn get(&self, type_name: &Name, field: &Name) -> Option<&Source> {
        self.by_type.get(type_name.as_str())?.get(field.as_str())
    }
}

fn streams_of(
    spec: &SchemaSpec,
    types: &TypeSystem,
) -> Result<HashMap<Box<str>, StreamSpec>, String> {
    let root = types.root_type(OperationType::Subscription);
    let fields = root.and_then(|root| types.schema().get_object(root));
    spec.streams
        .iter()
        .map(|(coordinate, stream)| {
            let field = fields.and_then(|ty| {
                let (type_name, field) = coordinate.split_once('.')?;
                (*ty.name == *type_name && ty.fields.contains_key(field)).then_some(field)
            });
            match field {
                Some(field) => Ok((field.into(), stream.clone())),
                None => Err(format!(
                    "{coordinate}: only fields of the subscription type have events"
                )),
            }
        })
        .collect()
}

fn is_nested_list(ty: &apollo_compiler::ast::Type) -> bool {
    ty.is_list() && ty.item_type().is_list()
}

fn source_of(field: &FieldSpec) -> Result<Source, String> {
    let statement = |spec: &StatementSpec| StatementPlan::new(spec).map(Arc::new);
    Ok(match field {
        FieldSpec::Column(column) => Source::Column(Arc::new(column.clone())),
        FieldSpec::Statement(spec) => Source::Statement(statement(spec)?),
        FieldSpec::Layer(layer) => Source::Layer(Arc::new(layer.clone())),
        FieldSpec::Resolver => Source::Resolver,
        FieldSpec::Connection(spec) => Source::Connection(Arc::new(ConnectionPlan {
            forward: statement(&spec.forward)?,
            backward: statement(&spec.backward)?,
            total: spec.total.as_ref().map(statement).transpose()?,
            spec: (**spec).clone(),
        })),
    })
}
