//! The engine, against a host that knows the answer to each statement.

mod execution;
mod subscription;
mod support;
