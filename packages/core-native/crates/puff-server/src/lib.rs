//! What joins the services of next-puff into a server.
//!
//! The services know nothing of each other: `puff-core` has pools, `puff-graphql` an engine without IO.
//! Here they meet; whoever drives it, Node.js or a program in Rust, is behind a trait.

pub mod graphql;
