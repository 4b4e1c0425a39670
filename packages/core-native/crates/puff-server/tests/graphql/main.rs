//! GraphQL operations against a real server, named by `PUFF_TEST_DATABASE_URL`.

mod asks;
mod bounds;
mod statements;
mod subscriptions;
mod support;
mod transactions;
