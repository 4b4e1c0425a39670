//! The services under next-puff: one Tokio runtime per process and what runs on it.
//!
//! This crate knows neither Node.js nor Next.js. The binding crate turns JavaScript calls into calls
//! of what is public here and brings the answers back.

pub mod cache;
pub mod event_loop;
pub mod postgres;
pub mod pubsub;
pub mod rate_limit;
pub mod redis;
pub mod runtime;
mod stream;
pub mod tasks;
