//! Parameter values, as the engine pushes them and as PostgreSQL takes them.

use puff_core::postgres::Params as PostgresParams;
use puff_graphql::host::Params;

/// The values of a statement's parameters.
#[derive(Debug, Clone, Default)]
pub struct StatementParams(pub(super) PostgresParams);

impl Params for StatementParams {
    fn push_null(&mut self) {
        self.0.push_null();
    }

    fn push_bool(&mut self, value: bool) {
        self.0.push_bool(value);
    }

    fn push_number(&mut self, value: f64) {
        self.0.push_number(value);
    }

    fn push_text(&mut self, value: &str) {
        self.0.push_text(value);
    }

    fn push_json(&mut self, text: &str) {
        self.0.push_json(text);
    }

    fn push_array(&mut self, text: &str) {
        self.0.push_array(text);
    }

    fn push_cells<'a>(
        &mut self,
        type_oid: u32,
        is_binary: bool,
        cells: impl Iterator<Item = &'a [u8]>,
    ) {
        self.0.push_cells(type_oid, is_binary, cells);
    }

    fn push_packed(&mut self, count: usize, bytes: &[u8]) {
        self.0.push_packed(count, bytes);
    }
}
