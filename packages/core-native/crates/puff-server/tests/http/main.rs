//! The HTTP server, on real sockets.

mod backpressure;
mod compression;
mod draining;
mod headers;
mod health;
mod listening;
mod malformed;
mod protocols;
mod requests;
mod slow_clients;
mod support;
