//! PostgreSQL's built-in types by their OIDs, and what becomes of them in JavaScript.

use super::config::Int8Mode;

/// OIDs from `pg_type.dat`; they never change.
pub(crate) mod oid {
    pub(crate) const BOOL: u32 = 16;
    pub(crate) const BYTEA: u32 = 17;
    pub(crate) const CHAR: u32 = 18;
    pub(crate) const NAME: u32 = 19;
    pub(crate) const INT8: u32 = 20;
    pub(crate) const INT2: u32 = 21;
    pub(crate) const INT4: u32 = 23;
    pub(crate) const TEXT: u32 = 25;
    pub(crate) const OID: u32 = 26;
    pub(crate) const JSON: u32 = 114;
    pub(crate) const XML: u32 = 142;
    pub(crate) const CIDR: u32 = 650;
    pub(crate) const FLOAT4: u32 = 700;
    pub(crate) const FLOAT8: u32 = 701;
    pub(crate) const UNKNOWN: u32 = 705;
    pub(crate) const MACADDR8: u32 = 774;
    pub(crate) const MONEY: u32 = 790;
    pub(crate) const MACADDR: u32 = 829;
    pub(crate) const INET: u32 = 869;
    pub(crate) const BPCHAR: u32 = 1042;
    pub(crate) const VARCHAR: u32 = 1043;
    pub(crate) const DATE: u32 = 1082;
    pub(crate) const TIME: u32 = 1083;
    pub(crate) const TIMESTAMP: u32 = 1114;
    pub(crate) const TIMESTAMPTZ: u32 = 1184;
    pub(crate) const INTERVAL: u32 = 1186;
    pub(crate) const TIMETZ: u32 = 1266;
    pub(crate) const BIT: u32 = 1560;
    pub(crate) const VARBIT: u32 = 1562;
    pub(crate) const NUMERIC: u32 = 1700;
    pub(crate) const UUID: u32 = 2950;
    pub(crate) const JSONB: u32 = 3802;
}

/// The element type of a built-in array type.
pub(crate) fn array_element(type_oid: u32) -> Option<u32> {
    Some(match type_oid {
        1000 => oid::BOOL,
        1001 => oid::BYTEA,
        1002 => oid::CHAR,
        1003 => oid::NAME,
        1016 => oid::INT8,
        1005 => oid::INT2,
        1007 => oid::INT4,
        1009 => oid::TEXT,
        1028 => oid::OID,
        199 => oid::JSON,
        143 => oid::XML,
        651 => oid::CIDR,
        775 => oid::MACADDR8,
        791 => oid::MONEY,
        1040 => oid::MACADDR,
        1041 => oid::INET,
        1021 => oid::FLOAT4,
        1022 => oid::FLOAT8,
        1014 => oid::BPCHAR,
        1015 => oid::VARCHAR,
        1182 => oid::DATE,
        1183 => oid::TIME,
        1115 => oid::TIMESTAMP,
        1185 => oid::TIMESTAMPTZ,
        1187 => oid::INTERVAL,
        1270 => oid::TIMETZ,
        1561 => oid::BIT,
        1563 => oid::VARBIT,
        1231 => oid::NUMERIC,
        2951 => oid::UUID,
        3807 => oid::JSONB,
        _ => return None,
    })
}

/// The name that PostgreSQL gives a built-in type in its messages.
pub(crate) fn type_name(type_oid: u32) -> String {
    if let Some(element) = array_element(type_oid) {
        return format!("{}[]", type_name(element));
    }
    let name = match type_oid {
        oid::BOOL => "boolean",
        oid::BYTEA => "bytea",
        oid::CHAR => "\"char\"",
        oid::NAME => "name",
        oid::INT8 => "bigint",
        oid::INT2 => "smallint",
        oid::INT4 => "integer",
        oid::TEXT | oid::UNKNOWN => "text",
        oid::OID => "oid",
        oid::JSON => "json",
        oid::FLOAT4 => "real",
        oid::FLOAT8 => "double precision",
        oid::BPCHAR => "character",
        oid::VARCHAR => "character varying",
        oid::DATE => "date",
        oid::TIME => "time",
        oid::TIMESTAMP => "timestamp",
        oid::TIMESTAMPTZ => "timestamp with time zone",
        oid::INTERVAL => "interval",
        oid::NUMERIC => "numeric",
        oid::UUID => "uuid",
        oid::JSONB => "jsonb",
        oid::XML => "xml",
        oid::CIDR => "cidr",
        oid::MACADDR8 => "macaddr8",
        oid::MONEY => "money",
        oid::MACADDR => "macaddr",
        oid::INET => "inet",
        oid::TIMETZ => "time with time zone",
        oid::BIT => "bit",
        oid::VARBIT => "bit varying",
        _ => return format!("the type with OID {type_oid}"),
    };
    name.into()
}

/// What a column becomes in JavaScript, and so how its cells are laid out for it.
///
/// The discriminants are part of the packed format, see [`super::packed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// `number` from a 32-bit integer.
    Int = 1,
    /// `boolean`.
    Bool = 2,
    /// `number` from a double.
    Float = 3,
    /// `string`.
    Text = 4,
    /// `Date`, or ±Infinity.
    Date = 5,
    /// The parsed JSON value.
    Json = 6,
    /// `Buffer`.
    Bytes = 7,
    /// `bigint`.
    BigInt = 8,
    /// `number` from a 64-bit integer.
    Int8Number = 9,
}

/// How a column comes from the server and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decoding {
    pub(crate) kind: Kind,
    pub(crate) is_array: bool,
    /// Whether the server sends its binary form.
    pub(crate) is_binary: bool,
}

/// What a caller wants columns to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The JavaScript value that fits the type; see [`Kind`].
    #[default]
    Typed,
    /// The text that PostgreSQL prints, whatever the type: for callers with parsers of their own.
    Text,
    /// As `Typed` where that is exactly the value that node-postgres' parsers make of the text, and
    /// otherwise the text: arrays, dates and timestamps of the local time, intervals.
    NodePostgres,
}

/// Chooses the form of a column for a profile.
pub(crate) fn decoding_for(profile: Profile, type_oid: u32, int8: Int8Mode) -> Decoding {
    match profile {
        Profile::Typed => decoding(type_oid, int8),
        Profile::NodePostgres if is_same_in_node_postgres(type_oid) => {
            decoding(type_oid, Int8Mode::String)
        }
        Profile::Text | Profile::NodePostgres => Decoding {
            kind: Kind::Text,
            is_array: false,
            is_binary: false,
        },
    }
}

fn is_same_in_node_postgres(type_oid: u32) -> bool {
    matches!(
        type_oid,
        oid::BOOL
            | oid::INT2
            | oid::INT4
            | oid::INT8
            | oid::OID
            | oid::FLOAT4
            | oid::FLOAT8
            | oid::TIMESTAMPTZ
            | oid::JSON
            | oid::JSONB
            | oid::BYTEA
            | oid::UUID
            | oid::TEXT
            | oid::VARCHAR
            | oid::BPCHAR
            | oid::NAME
    )
}

/// Chooses the form of a column. Types whose text is what JavaScript wants anyway (numeric, dates
/// without a time, enums, ranges, extensions' types) are asked for as text.
pub(crate) fn decoding(type_oid: u32, int8: Int8Mode) -> Decoding {
    if let Some(element) = array_element(type_oid) {
        let element = decoding(element, int8);
        return Decoding {
            is_array: true,
            ..element
        };
    }
    let (kind, is_binary) = match type_oid {
        oid::BOOL => (Kind::Bool, true),
        oid::INT2 | oid::INT4 => (Kind::Int, true),
        oid::FLOAT4 | oid::FLOAT8 => (Kind::Float, true),
        oid::OID => (Kind::Int8Number, true),
        oid::INT8 => match int8 {
            Int8Mode::String => (Kind::Text, true),
            Int8Mode::BigInt => (Kind::BigInt, true),
            Int8Mode::Number => (Kind::Int8Number, true),
        },
        oid::TIMESTAMP | oid::TIMESTAMPTZ => (Kind::Date, true),
        oid::JSON | oid::JSONB => (Kind::Json, true),
        oid::BYTEA => (Kind::Bytes, true),
        oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::UUID | oid::CHAR => {
            (Kind::Text, true)
        }
        _ => (Kind::Text, false),
    };
    Decoding {
        kind,
        is_array: false,
        is_binary,
    }
}
