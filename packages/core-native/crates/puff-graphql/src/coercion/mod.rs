//! Input coercion: values of variables and arguments as their types want them
//! (GraphQL specification, sections 6.1.2 "Coercing Variable Values" and 6.4.1 "Coercing Field
//! Arguments").
//!
//! Coerced values are JSON: an enum value is its name, an `ID` a string. Values of custom scalars pass
//! through as they are; whoever defines the scalar parses them.

mod arguments;
mod inspect;
mod literal;
mod scalar;
mod suggestion;
mod variables;

pub use arguments::{ArgumentError, coerce_arguments, is_included};
pub(crate) use inspect::number_text;
pub(crate) use literal::constant;
pub(crate) use suggestion::did_you_mean;
pub use variables::coerce_variables;
