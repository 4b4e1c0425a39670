//! Documents: the type system they are written against, parsing, validation, the cache, the limits.

mod diagnostics;
mod document;
mod documents;
mod limits;
mod lines;
mod print;
mod type_system;

pub(crate) use document::BAD_USER_INPUT;
pub use document::Document;
pub use documents::Documents;
pub use limits::check;
pub(crate) use print::{print_literal, write_literal, write_string};
pub use type_system::TypeSystem;
