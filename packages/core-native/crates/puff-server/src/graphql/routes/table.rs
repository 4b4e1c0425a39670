//! The routes of a server, by their paths.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use ::http::request::Parts;

use super::members::RouteMember;
use super::route::{GraphqlRoute, RouteOptions};
use crate::graphql::schema::Schema;
use crate::script::Exchanges;

/// The GraphQL routes of a server.
#[derive(Default)]
pub struct GraphqlRoutes {
    by_path: RwLock<HashMap<Box<str>, Arc<GraphqlRoute>>>,
    /// Most requests are for something else.
    has_any: AtomicBool,
}

impl GraphqlRoutes {
    /// The route that a request is for.
    pub fn find(&self, parts: &Parts) -> Option<Arc<GraphqlRoute>> {
        if !self.has_any.load(Ordering::Relaxed) {
            return None;
        }
        self.read().get(parts.uri.path()).cloned()
    }

    /// Registers a route for one more isolate. Where the schema or the options are not what other isolates
    /// have registered, they take the place of the former ones: the app was compiled anew.
    pub fn add(&self, path: &str, schema: Arc<Schema>, options: RouteOptions, member: RouteMember) {
        let mut by_path = self
            .by_path
            .write()
            .unwrap_or_else(|poison| poison.into_inner());
        let known = by_path
            .get(path)
            .filter(|route| route.is_for(&schema, &options));
        if let Some(route) = known {
            return route.members().add(member);
        }
        let route = Arc::new(GraphqlRoute::new(schema, options));
        route.members().add(member);
        let replaced = by_path.insert(path.into(), route);
        self.has_any.store(true, Ordering::Relaxed);
        drop(by_path);
        if let Some(replaced) = replaced {
            replaced.members().replace();
        }
    }

    /// Asks an isolate nothing any more: it has ended, or will. Its clients connect again.
    pub fn remove_isolate(&self, isolate: &Arc<Exchanges>) {
        let mut by_path = self
            .by_path
            .write()
            .unwrap_or_else(|poison| poison.into_inner());
        by_path.retain(|_, route| !route.members().remove(isolate));
        self.has_any.store(!by_path.is_empty(), Ordering::Relaxed);
    }

    /// Ends all streams of events: the server goes down, and their clients go elsewhere.
    pub fn end_streams(&self) {
        for route in self.read().values() {
            route.members().end_streams();
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Box<str>, Arc<GraphqlRoute>>> {
        self.by_path
            .read()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}
