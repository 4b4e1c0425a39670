//! The task queue on PostgreSQL: jobs run at least once, on whichever worker has a free slot.
//!
//! Everything is batched: jobs that are added while a statement is on its way go in one statement, a worker
//! completes and claims many jobs in one, and whoever waits for results shares statements with all others of
//! the process. A job belongs to a worker for as long as the worker's lease, which a task of the runtime
//! renews: a blocked event loop does not lose it, a dead process does. All times are PostgreSQL's clock.
//!
//! - [`Store`] is one database's jobs: [`Store::add`] goes through `adding` and `inserting`, [`Store::ended`] through
//!   `waiting`
//! - [`Worker`] claims jobs and hands them to a [`Runner`]; `working` is its loop, `runs` the jobs that it has, `turn` what it
//!   stores and claims in one go, `claiming` the statements, `completing` its second connection, `lease` its lease
//! - `listening` and `clock` tell the process what others did and what time has come
//! - `schema` makes the tables

mod adding;
mod claiming;
mod clock;
mod completing;
mod error;
mod inserting;
mod job;
mod lease;
mod listening;
mod params;
mod records;
mod runner;
mod runs;
mod schema;
mod store;
mod turn;
mod waiting;
mod worker;
mod working;

pub use error::Error;
pub use uuid::Uuid as JobId;

pub use job::{AddedJob, ClaimedJob, NewJob, Outcome, Report};
pub use records::Filter;
pub use runner::{Abort, Limits, Runner, WorkerOptions};
pub use schema::SCHEMA_SQL;
pub use store::Store;
pub use worker::Worker;
