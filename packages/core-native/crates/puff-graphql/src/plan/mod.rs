//! Plans: the layers of an operation, worked out once per document.

mod arguments;
mod collect;
mod field;
mod leaf;
mod planner;
mod script_need;
mod statement;

pub(crate) use arguments::Arguments;
pub(crate) use field::{ConnectionPart, ConnectionPlan, Field, Layer, Source, TypeShape};
pub(crate) use leaf::{EnumNames, Leaf};
pub(crate) use planner::{Plan, Planner, Plans, plan_for};
pub(crate) use statement::{ColumnNames, Param, StatementPlan};
