//! Jobs in a real PostgreSQL.

mod adding;
mod leases;
mod schema;
mod support;
mod working;
