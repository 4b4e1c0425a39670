//! What joins the services of next-puff: the HTTP server and what it serves.

mod fan_out;

pub mod graphql;
pub mod http;
pub mod script;
pub mod site;
pub mod websocket;
