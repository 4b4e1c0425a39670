//! Prepared statements and the cache of them that each connection keeps.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use lru::LruCache;

use super::config::Int8Mode;
use super::frontend::Name;
use super::message::Reader;
use super::pace::Pace;
use super::packed::PackedLayout;
use super::types::Profile;

/// A statement as the server described it.
#[derive(Debug)]
pub struct Statement {
    /// OIDs of the parameters' types.
    pub parameters: Box<[u32]>,
    /// The columns of its rows; empty when it returns none.
    pub columns: Box<[Column]>,
    int8: Int8Mode,
    /// By profile, worked out at the first use.
    layouts: [OnceLock<Arc<PackedLayout>>; 3],
}

impl Statement {
    pub(crate) fn new(parameters: Box<[u32]>, columns: Box<[Column]>, int8: Int8Mode) -> Statement {
        Statement {
            parameters,
            columns,
            int8,
            layouts: Default::default(),
        }
    }

    /// In which form its columns come, and how its rows are packed for JavaScript.
    pub fn layout(&self, profile: Profile) -> &Arc<PackedLayout> {
        self.layouts[profile as usize]
            .get_or_init(|| Arc::new(PackedLayout::new(&self.columns, profile, self.int8)))
    }
}

/// A column of a result, as a RowDescription has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// The name in the result.
    pub name: Box<str>,
    /// OID of the table that it comes from, 0 for none.
    pub table_oid: u32,
    /// The number of the table's column, 0 for none.
    pub attribute: i16,
    /// OID of the type.
    pub type_oid: u32,
    /// Bytes of a value, negative for variable sizes.
    pub type_size: i16,
    /// The type's modifier, for example the length of a `varchar`; -1 for none.
    pub type_modifier: i32,
}

impl Column {
    /// A computed column of this name and type.
    pub fn new(name: &str, type_oid: u32) -> Column {
        Column {
            name: name.into(),
            table_oid: 0,
            attribute: 0,
            type_oid,
            type_size: -1,
            type_modifier: -1,
        }
    }
}

/// Reads a ParameterDescription.
pub(crate) fn parse_parameters(body: &[u8]) -> Option<Box<[u32]>> {
    let mut reader = Reader(body);
    let count = reader.u16()?;
    (0..count).map(|_| reader.u32()).collect()
}

/// Reads a RowDescription.
pub(crate) fn parse_columns(body: &[u8]) -> Option<Box<[Column]>> {
    let mut reader = Reader(body);
    let count = reader.u16()?;
    (0..count)
        .map(|_| {
            let name = String::from_utf8_lossy(reader.text()?).into();
            let table_oid = reader.u32()?;
            let attribute = reader.u16()?.cast_signed();
            let type_oid = reader.u32()?;
            let type_size = reader.u16()?.cast_signed();
            let type_modifier = reader.i32()?;
            let _format = reader.u16()?;
            Some(Column {
                name,
                table_oid,
                attribute,
                type_oid,
                type_size,
                type_modifier,
            })
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
    pub(crate) pace: Arc<Pace>,
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

    /// Whether a statement is prepared and may share a way to the server.
    pub(crate) fn has_quick_read(&self, sql: &str) -> bool {
        let prepared = self.statements.peek(sql);
        prepared.is_some_and(|prepared| prepared.pace.is_quick_read())
    }

    /// Whether a statement is prepared and changes nothing.
    pub(crate) fn has_plain_read(&self, sql: &str) -> bool {
        let prepared = self.statements.peek(sql);
        prepared.is_some_and(|prepared| prepared.pace.is_plain_read())
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

    /// Forgets all and returns their names, which the server still knows.
    pub(crate) fn take_names(&mut self) -> Vec<Name> {
        let names = self.statements.iter().map(|(_, prepared)| prepared.name);
        let names = names.collect();
        self.statements.clear();
        names
    }
}
