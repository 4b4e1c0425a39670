//! The GraphQL routes of an app, answered without Next.js.
//!
//! Isolates register the routes whose handlers `graphqlRoute()` made. [`GraphqlRoutes::find`] knows them
//! by their paths; a [`GraphqlRoute`] executes what needs no JavaScript, speaks the protocols of
//! subscriptions, and gives every other request back.

mod members;
mod request;
mod route;
mod table;

pub(super) use members::Place;
pub use members::RouteMember;
pub use route::{GraphqlRoute, RouteOptions};
pub use table::GraphqlRoutes;
