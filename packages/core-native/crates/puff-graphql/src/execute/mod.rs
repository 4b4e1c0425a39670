//! Running plans: layer by layer, siblings at the same time.

mod answers;
mod connections;
mod cursor;
mod data;
mod executor;
mod explain;
mod json_objects;
mod keys;
mod parameters;
mod statements;

pub(crate) use cursor::encode_cursor;
pub(crate) use data::{
    ChildData, ClientError, FieldData, LayerData, LeafRows, Objects, RowObjects, Slot, Slots,
};
pub(crate) use executor::Executor;
pub(crate) use explain::Trace;
pub(crate) use json_objects::property;
