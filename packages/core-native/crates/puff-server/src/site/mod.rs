//! What Next.js has built, as far as it is served without JavaScript.
//!
//! [`Site::decide`] answers a request itself, or says who does. It says what `next start` would, or
//! leaves the request to Next.js' own request handler: `ScriptRoute` number 0.
//!
//! The order is that of Next.js' router: headers, redirects, proxy, rewrites before files, files,
//! rewrites after files, routes with parameters, other rewrites. Whatever does not depend on the
//! request is worked out when a site is opened: a path that the build knows takes one look into a
//! map.

use crate::http::Response;
use crate::script::ScriptRoute;

mod conditional;
mod error;
mod file_state;
mod file_stream;
mod folder;
mod manifest;
mod memory;
mod pattern;
mod prerender_key;
mod prerenders;
mod routes;
mod rsc;
mod rules;
#[expect(clippy::module_inception, reason = "the file of the type `Site`")]
mod site;
mod static_file;
mod url_path;

pub use error::SiteError;
pub use prerender_key::{PrerenderKey, PrerenderVariant};
pub use prerenders::{Prerenders, Recorder};
pub use site::{Site, SiteConfig};

/// Who answers a request.
pub enum Decision {
    /// This is the answer: a file or a redirect.
    Answer(Response),
    /// Next.js has an answer in store that is the same for everybody, until it is stale. Whoever
    /// has a copy of it may send it; otherwise `route` makes it.
    Prerender {
        /// Which answer: equal keys, equal answers.
        key: PrerenderKey,
        /// Who makes it.
        route: ScriptRoute,
    },
    /// JavaScript.
    Script(ScriptRoute),
}
