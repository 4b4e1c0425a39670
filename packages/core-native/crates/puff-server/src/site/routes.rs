//! What answers a path that is no file.

use std::collections::HashMap;
use std::sync::Arc;

use super::manifest::{DynamicRoute, RouteKind, SiteManifest, SiteRoute};
use super::pattern::Pattern;
use super::url_path;
use crate::script::ScriptRoute;

/// Routes by number, and those with parameters in the order in which Next.js tries them.
pub(super) struct Routes {
    by_number: HashMap<u32, SiteRoute>,
    dynamic: Vec<CompiledRoute>,
}

struct CompiledRoute {
    route: DynamicRoute,
    pattern: Pattern,
}

/// A route and the parameters that a path gives it.
pub(super) struct Match<'s> {
    pub(super) route: &'s SiteRoute,
    pub(super) params: Vec<(String, String)>,
    /// Whether it only has the paths that the build has prerendered.
    pub(super) is_closed: bool,
}

/// A path that the build knows, as it stands in the URL.
#[derive(Clone)]
pub(super) struct KnownPage {
    /// The route that answers, if that is certain.
    pub(super) script: ScriptRoute,
    pub(super) kind: RouteKind,
    /// What it has in store.
    pub(super) prerender: Option<KnownPrerender>,
    /// Whether routes with parameters are tried to find it, and so the rewrites before them.
    pub(super) is_dynamic: bool,
}

/// What the build has prerendered for a path.
#[derive(Clone)]
pub(super) struct KnownPrerender {
    pub(super) segments: Vec<Arc<str>>,
}

impl Routes {
    /// Takes the routes out of a manifest.
    pub(super) fn new(manifest: &mut SiteManifest) -> Routes {
        let by_number = std::mem::take(&mut manifest.routes);
        let compiled = |route: DynamicRoute| CompiledRoute {
            pattern: Pattern::new(&route.regex, false),
            route,
        };
        Routes {
            by_number: by_number
                .into_iter()
                .map(|route| (route.number, route))
                .collect(),
            dynamic: std::mem::take(&mut manifest.dynamic_routes)
                .into_iter()
                .map(compiled)
                .collect(),
        }
    }

    /// The route with parameters that takes a path without the base path. None if there is none, or
    /// if only Next.js can say.
    pub(super) fn match_dynamic(&self, path: &str) -> Option<Match<'_>> {
        for CompiledRoute { route, pattern } in &self.dynamic {
            let Some(captures) = pattern.captures(path).ok()? else {
                continue;
            };
            let params = route.params.iter().zip(captures.iter().skip(1));
            // An optional parameter may have no value.
            let params =
                params.filter_map(|(name, value)| Some((name.clone(), value?.as_str().to_owned())));
            return Some(Match {
                route: self.by_number.get(&route.number)?,
                params: params.collect(),
                is_closed: route.is_closed,
            });
        }
        None
    }

    /// The paths without the base path that need no parameters, and those that the build has
    /// prerendered.
    pub(super) fn known_pages(&self, manifest: &SiteManifest) -> HashMap<String, KnownPage> {
        let is_dynamic = |number| self.dynamic.iter().any(|it| it.route.number == number);
        let mut pages = HashMap::new();
        let fixed = self
            .by_number
            .values()
            .filter(|route| !is_dynamic(route.number));
        for route in fixed.filter(|route| url_path::is_plain(&route.page)) {
            let number = if route.is_direct { route.number } else { 0 };
            let script = ScriptRoute {
                number,
                ..ScriptRoute::default()
            };
            let page = KnownPage {
                script,
                kind: route.kind,
                prerender: None,
                is_dynamic: false,
            };
            pages.insert(route.page.clone(), page);
        }
        for prerender in &manifest.prerenders {
            let segments = prerender
                .segments
                .iter()
                .map(|segment| segment.as_str().into())
                .collect();
            let in_store = Some(KnownPrerender { segments });
            if let Some(page) = pages.get_mut(&prerender.path) {
                if page.script.number == prerender.number {
                    page.prerender = in_store;
                }
            } else if url_path::is_plain(&prerender.path)
                && let Some(Match { route, params, .. }) = self.match_dynamic(&prerender.path)
                && route.number == prerender.number
                && route.is_direct
            {
                let script = ScriptRoute {
                    number: route.number,
                    params,
                    headers: None,
                };
                let page = KnownPage {
                    script,
                    kind: route.kind,
                    prerender: in_store,
                    is_dynamic: true,
                };
                pages.insert(prerender.path.clone(), page);
            }
        }
        pages
    }
}
