//! Prepared statements and the cache of them that each connection keeps.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use lru::LruCache;

use super::config::Int8Mode;
use super::frontend::Name;
use super::message::Reader;
use super::packed::PackedLayout;
use super::types::{Decoding, Kind, decoding};

/// A statement as the server described it.
#[derive(Debug)]
pub struct Statement {
    /// OIDs of the parameters' types.
    pub parameters: Box<[u32]>,
    /// The columns of its rows; empty when it returns none.
    pub columns: Box<[Column]>,
    layout: OnceLock<Arc<PackedLayout>>,
}

impl Statement {
    pub(crate) fn new(parameters: Box<[u32]>, columns: Box<[Column]>) -> Statement {
        Statement {
            parameters,
            columns,
            layout: OnceLock::new(),
        }
    }

    /// How its rows are packed for JavaScript; worked out at the first use.
    pub fn layout(&self) -> Arc<PackedLayout> {
        self.layout
            .get_or_init(|| Arc::new(PackedLayout::new(&self.columns)))
            .clone()
    }
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name in the result.
    pub name: Box<str>,
    /// OID of the type.
    pub type_oid: u32,
    pub(crate) decoding: Decoding,
}

impl Column {
    /// A column of this name and type; `int8` says what 64-bit integers become in JavaScript.
    pub fn new(name: &str, type_oid: u32, int8: Int8Mode) -> Column {
        Column {
            name: name.into(),
            type_oid,
            decoding: decoding(type_oid, int8),
        }
    }

    /// What the column becomes in JavaScript.
    pub fn kind(&self) -> Kind {
        self.decoding.kind
    }

    /// Whether it is an array of that.
    pub fn is_array(&self) -> bool {
        self.decoding.is_array
    }

    /// Whether the bytes are PostgreSQL's binary form rather than text.
    pub fn is_binary(&self) -> bool {
        self.decoding.is_binary
    }
}

/// Reads a ParameterDescription.
pub(crate) fn parse_parameters(body: &[u8]) -> Option<Box<[u32]>> {
    let mut reader = Reader(body);
    let count = reader.u16()?;
    (0..count).map(|_| reader.u32()).collect()
}

/// Reads a RowDescription.
pub(crate) fn parse_columns(body: &[u8], int8: Int8Mode) -> Option<Box<[Column]>> {
    let mut reader = Reader(body);
    let count = reader.u16()?;
    (0..count)
        .map(|_| {
            let name = String::from_utf8_lossy(reader.text()?);
            let _table_oid = reader.u32()?;
            let _attribute_number = reader.u16()?;
            let type_oid = reader.u32()?;
            let _type_size = reader.u16()?;
            let _type_modifier = reader.u32()?;
            let _format = reader.u16()?;
            Some(Column::new(&name, type_oid, int8))
        })
        .collect()
}

/// The named statements of one connection, the least recently used one goes first.
pub(crate) struct StatementCache {
    statements: LruCache<Arc<str>, Prepared>,
    next_name: u32,
}

#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) name: Name,
    pub(crate) statement: Arc<Statement>,
}

impl StatementCache {
    pub(crate) fn new(capacity: usize) -> StatementCache {
        let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        StatementCache {
            statements: LruCache::new(capacity),
            next_name: 1,
        }
    }

    pub(crate) fn get(&mut self, sql: &str) -> Option<Prepared> {
        self.statements.get(sql).cloned()
    }

    pub(crate) fn new_name(&mut self) -> Name {
        let name = Name(self.next_name);
        self.next_name = self.next_name.checked_add(1).unwrap_or(1);
        name
    }

    /// Keeps a statement and returns the name of the one that had to make room for it.
    pub(crate) fn insert(&mut self, sql: Arc<str>, prepared: Prepared) -> Option<Name> {
        self.statements
            .push(sql, prepared)
            .map(|(_, evicted)| evicted.name)
    }

    pub(crate) fn remove(&mut self, sql: &str) -> Option<Name> {
        self.statements.pop(sql).map(|prepared| prepared.name)
    }

    /// Forgets all: the server did so on DISCARD ALL or DEALLOCATE ALL.
    pub(crate) fn clear(&mut self) {
        self.statements.clear();
    }
}
