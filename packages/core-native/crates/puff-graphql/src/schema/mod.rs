//! Schemas: the types, and how their fields are resolved.

mod spec;

pub use spec::{
    ArgParam, ColumnSpec, ConnectionSpec, FieldSpec, LayerSpec, LimitsSpec, PageSize, ParamSpec,
    SchemaOptions, SchemaSpec, StatementSpec,
};
