//! Documents: the type system they are written against, parsing, validation, the cache, the limits.

mod diagnostics;
mod documents;
mod lexer;
mod limits;
mod lines;
mod parsed;
mod print;
mod rules;
mod schema_rules;
mod syntax;
mod type_system;

pub use documents::Documents;
pub use limits::check;
pub(crate) use parsed::BAD_USER_INPUT;
pub use parsed::Document;
pub(crate) use print::{print_literal, write_literal, write_string};
pub use type_system::TypeSystem;
