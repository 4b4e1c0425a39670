//! Schemas: the types, and how their fields are resolved.

mod resolvers;
mod spec;

pub(crate) use resolvers::Resolvers;
pub use spec::{
    ArgParam, ChannelPart, ColumnSpec, ConnectionSpec, FieldSpec, LayerSpec, LimitsSpec, PageSize,
    ParamSpec, SchemaOptions, SchemaSpec, StatementSpec, StreamSpec,
};
