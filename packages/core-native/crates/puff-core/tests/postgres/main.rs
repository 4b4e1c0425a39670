//! Pools and connections against a real server, named by `PUFF_TEST_DATABASE_URL`.
//!
//! `npm test` starts one. What needs a server that is killed or restarted is tested from JavaScript.

mod cancellation;
mod cells;
mod companions;
mod failures;
mod sessions;
mod statements;
mod support;
mod tls;
