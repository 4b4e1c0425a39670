//! Finds out who answers a request.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use super::error::SiteError;
use super::folder::{self, FolderFile};
use super::manifest::{RouteKind, SiteManifest};
use super::memory::Memory;
use super::pattern::Pattern;
use super::prerender_key::{PrerenderKey, PrerenderVariant};
use super::routes::{KnownPage, KnownPrerender, Match, Routes};
use super::rsc::{Asked, asked};
use super::rules::{AddedHeaders, Conditions, FixedRedirect, Passage, Rules, Verdict};
use super::static_file::StaticFile;
use super::{Decision, url_path};
use crate::http::{Response, ResponseBody};
use crate::script::ScriptRoute;

/// Where a site is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteConfig {
    /// The app's folder, with `public` in it.
    pub project_dir: PathBuf,
    /// What the build has written, `.next` as a rule.
    pub dist_dir: PathBuf,
    /// So many bytes of files are kept in memory.
    #[serde(default = "default_memory")]
    pub memory: u64,
}

fn default_memory() -> u64 {
    64 * 1024 * 1024
}

/// What Next.js has built.
pub struct Site {
    /// By path as it stands in the URL, with the base path.
    known: HashMap<String, Known>,
    rules: Rules,
    routes: Routes,
    base_path: String,
    has_locales: bool,
    /// Whether a folder `static` beside `public` answers, too.
    has_legacy_static: bool,
    is_compressed: bool,
    validate_rsc: bool,
    /// Where pages may be partial: who gets them as a whole.
    whole_page_for: Option<Pattern>,
    opened: Instant,
}

/// A path of which everything is known that does not depend on the request.
struct Known {
    /// Under these conditions only Next.js can say.
    unless: Vec<Conditions>,
    answer: KnownAnswer,
}

enum KnownAnswer {
    File(Box<StaticFile>),
    Page {
        path: Arc<str>,
        page: KnownPage,
    },
    /// Only Next.js can say.
    Next,
}

impl Site {
    /// Reads what a build has left.
    ///
    /// It lists the folders of static files, and reads the manifest; files are read when they are
    /// asked for.
    ///
    /// # Errors
    ///
    /// If the app was not built with the adapter of `withPuff`, or by another version of it.
    /// JavaScript can then still answer every request.
    pub fn open(config: &SiteConfig) -> Result<Site, SiteError> {
        let mut manifest = SiteManifest::read(&config.dist_dir)?;
        let mut site = Site {
            known: HashMap::new(),
            rules: Rules::new(&manifest),
            routes: Routes::new(&mut manifest),
            base_path: manifest.base_path.clone(),
            has_locales: manifest.has_locales,
            has_legacy_static: config.project_dir.join("static").is_dir(),
            is_compressed: manifest.compress,
            validate_rsc: manifest.validate_rsc_headers,
            whole_page_for: manifest
                .has_partial_pages
                .then(|| Pattern::new(&manifest.html_limited_bots, true)),
            opened: Instant::now(),
        };
        site.add_files(config, &manifest)?;
        // With locales, Next.js looks at headers and cookies first.
        if !site.has_locales {
            site.add_pages(&manifest);
        }
        Ok(site)
    }

    /// What all paths of the app begin with; empty, or with a slash in front and none behind.
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// Whether answers are compressed: `compress` of the app's config.
    pub fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// Answers a request, or says who does.
    ///
    /// It never waits for the network; for a file that is asked for the first time, or has changed,
    /// it reads from the disk.
    pub fn decide(&self, parts: &Parts) -> Decision {
        let path = parts.uri.path();
        let Some(known) = self.known.get(path) else {
            return self.decide_unknown(path, parts).unwrap_or_else(next);
        };
        if known
            .unless
            .iter()
            .any(|conditions| conditions.may_hold(parts))
        {
            return next();
        }
        match &known.answer {
            KnownAnswer::Next => next(),
            KnownAnswer::File(file) => {
                let now_ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
                file.answer(parts, now_ms)
                    .map_or_else(next, Decision::Answer)
            }
            KnownAnswer::Page { path, page } => self.decide_page(parts, path, page),
        }
    }

    fn decide_page(&self, parts: &Parts, path: &Arc<str>, page: &KnownPage) -> Decision {
        let Some(asked) = self.asked(parts, page.kind) else {
            return next();
        };
        let route = page.script.clone();
        let Some(prerender) = &page.prerender else {
            return Decision::Script(route);
        };
        match self.variant(parts, &asked, Some(prerender)) {
            Some(variant) => Decision::Prerender {
                key: PrerenderKey {
                    path: path.clone(),
                    variant,
                },
                route,
            },
            None => Decision::Script(route),
        }
    }

    /// None where only Next.js can say.
    fn decide_unknown(&self, path: &str, parts: &Parts) -> Option<Decision> {
        if self.has_locales || !url_path::is_plain(path) {
            return None;
        }
        let below_base = self.below_base(path)?;
        // What is there is known; the rest are data, images, and errors. Neither do routes have
        // these suffixes.
        let is_special = below_base.starts_with("/_next/") || below_base.ends_with(".rsc");
        if is_special || (self.has_legacy_static && below_base.starts_with("/static/")) {
            return None;
        }
        let Verdict {
            passage,
            headers,
            mut unless,
        } = self.rules.verdict(path);
        let is_rewritten = self.rules.rewrites_after_files(path, &mut unless);
        if unless.iter().any(|conditions| conditions.may_hold(parts)) {
            return None;
        }
        if let Passage::Redirect(index) = passage {
            let is_fixed = parts.uri.query().is_none();
            let redirect = self.rules.fixed_redirect(index).filter(|_| is_fixed)?;
            return Some(Decision::Answer(redirect.response(&parts.method)));
        }
        if matches!(passage, Passage::Next) || is_rewritten {
            return None;
        }
        let Match {
            route,
            params,
            is_closed,
        } = self.routes.match_dynamic(below_base)?;
        if is_closed || !route.is_direct {
            return None;
        }
        let asked = self.asked(parts, route.kind)?;
        let script = direct_route(
            ScriptRoute {
                number: route.number,
                params,
                headers: None,
            },
            headers,
        );
        let variant = route
            .is_on_demand
            .then(|| self.variant(parts, &asked, None))
            .flatten();
        Some(match variant {
            Some(variant) => Decision::Prerender {
                key: PrerenderKey {
                    path: path.into(),
                    variant,
                },
                route: script,
            },
            None => Decision::Script(script),
        })
    }

    fn below_base<'p>(&self, path: &'p str) -> Option<&'p str> {
        match path.strip_prefix(&self.base_path)? {
            "" => Some("/"),
            below if below.starts_with('/') => Some(below),
            _ => None,
        }
    }

    /// What a request asks of a route; none if only Next.js can say.
    fn asked<'r>(&self, parts: &'r Parts, kind: RouteKind) -> Option<Asked<'r>> {
        let asked = asked(parts, self.validate_rsc);
        let is_page = matches!(kind, RouteKind::AppPage | RouteKind::Page);
        let is_clear = match asked {
            Asked::Document => !is_page || is_for_page(parts),
            Asked::Unclear => false,
            _ => kind == RouteKind::AppPage && is_for_page(parts),
        };
        is_clear.then_some(asked)
    }

    /// Which of the answers in store a request is for, if it is for one of them at all.
    fn variant(
        &self,
        parts: &Parts,
        asked: &Asked<'_>,
        known: Option<&KnownPrerender>,
    ) -> Option<PrerenderVariant> {
        if !takes_from_store(parts) {
            return None;
        }
        if let Some(bots) = &self.whole_page_for {
            let user_agent = parts
                .headers
                .get(header::USER_AGENT)
                .map(HeaderValue::as_bytes);
            let user_agent = str::from_utf8(user_agent.unwrap_or_default()).ok()?;
            let is_whole = !user_agent.is_ascii() || bots.may_match(user_agent);
            if is_whole || !matches!(asked, Asked::Document | Asked::Segment(_)) {
                return None;
            }
        }
        Some(match asked {
            Asked::Document => PrerenderVariant::Document,
            Asked::Rsc => PrerenderVariant::Rsc,
            Asked::Prefetch => PrerenderVariant::Prefetch,
            Asked::Segment(segment) => {
                let mut segments = known?.segments.iter();
                PrerenderVariant::Segment(segments.find(|it| ***it == **segment)?.clone())
            }
            Asked::Other | Asked::Unclear => return None,
        })
    }
}

/// Opening a site.
impl Site {
    fn add_files(&mut self, config: &SiteConfig, manifest: &SiteManifest) -> Result<(), SiteError> {
        let memory = Arc::new(Memory::new(config.memory));
        let list = |path: PathBuf| {
            folder::files(&path).map_err(|error: io::Error| SiteError::read(&path, error))
        };
        for file in list(config.dist_dir.join("static"))? {
            let is_service_worker = file.name.starts_with("/service-worker/");
            let path = format!(
                "{}/_next/static{}",
                self.base_path,
                url_path::encode(&file.name)
            );
            let caching = if is_service_worker {
                Caching::ServiceWorker
            } else {
                Caching::Immutable
            };
            self.add_file(path, file, caching, manifest, &memory);
        }
        // Their paths get the locale first.
        if self.has_locales {
            return Ok(());
        }
        for file in list(config.project_dir.join("public"))? {
            let path = format!("{}{}", self.base_path, url_path::encode(&file.name));
            if !(self.has_legacy_static && file.name.starts_with("/static/")) {
                self.add_file(path, file, Caching::Revalidated, manifest, &memory);
            }
        }
        Ok(())
    }

    fn add_file(
        &mut self,
        path: String,
        file: FolderFile,
        caching: Caching,
        manifest: &SiteManifest,
        memory: &Arc<Memory>,
    ) {
        let Verdict {
            passage,
            headers,
            unless,
        } = self.rules.verdict(&path);
        let is_immutable = !matches!(caching, Caching::Revalidated);
        let served = match passage {
            Passage::Through => file_headers(&file, &caching, headers, manifest),
            _ => None,
        };
        let answer = served.map_or(KnownAnswer::Next, |headers| {
            let has_etag = manifest.generate_etags;
            let file = StaticFile::new(file.path, is_immutable, has_etag, headers, memory.clone());
            KnownAnswer::File(Box::new(file))
        });
        self.known.entry(path).or_insert(Known { unless, answer });
    }

    fn add_pages(&mut self, manifest: &SiteManifest) {
        for (page_path, page) in self.routes.known_pages(manifest) {
            let path = match page_path.as_str() {
                "/" if !self.base_path.is_empty() => self.base_path.clone(),
                _ => format!("{}{page_path}", self.base_path),
            };
            // One of the two is redirected to the other, unless the config leaves both.
            if path != "/" {
                self.add_page(format!("{path}/"), &page);
            }
            self.add_page(path, &page);
        }
    }

    fn add_page(&mut self, path: String, page: &KnownPage) {
        let Verdict {
            passage,
            headers,
            mut unless,
        } = self.rules.verdict(&path);
        let is_rewritten = page.is_dynamic && self.rules.rewrites_after_files(&path, &mut unless);
        let answer = match passage {
            Passage::Redirect(_) => return,
            Passage::Next => KnownAnswer::Next,
            Passage::Through if is_rewritten => KnownAnswer::Next,
            Passage::Through => KnownAnswer::Page {
                path: path.as_str().into(),
                page: KnownPage {
                    script: direct_route(page.script.clone(), headers),
                    ..page.clone()
                },
            },
        };
        self.known.entry(path).or_insert(Known { unless, answer });
    }
}

/// How long browsers may keep a file.
enum Caching {
    Immutable,
    ServiceWorker,
    Revalidated,
}

/// The headers of a file that do not depend on what is in it; none if only Next.js can say.
fn file_headers(
    file: &FolderFile,
    caching: &Caching,
    added: Option<AddedHeaders>,
    manifest: &SiteManifest,
) -> Option<HeaderMap> {
    // Next.js does not show hidden files, and pipes would keep it waiting.
    let (_, name) = file.name.rsplit_once('/')?;
    if name.starts_with('.') || !file.is_regular {
        return None;
    }
    let extension = name.rsplit(['.', '\\']).next()?.to_lowercase();
    let content_type = manifest.content_types.get(&extension)?;
    let added = added?;
    const OF_THE_FILE: [HeaderName; 8] = [
        header::ACCEPT_RANGES,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::ETAG,
        header::LAST_MODIFIED,
        header::TRANSFER_ENCODING,
    ];
    if OF_THE_FILE.iter().any(|name| added.get(name).is_some()) {
        return None;
    }
    let mut headers = added.map().clone();
    if added.get(&header::CACHE_CONTROL).is_none() {
        let cache_control = match caching {
            Caching::Immutable => "public, max-age=31536000, immutable",
            Caching::ServiceWorker => "public, max-age=0, must-revalidate",
            Caching::Revalidated => "public, max-age=0",
        };
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static(cache_control),
        );
        if matches!(caching, Caching::ServiceWorker) {
            let scope = if manifest.base_path.is_empty() {
                "/"
            } else {
                &manifest.base_path
            };
            let name = HeaderName::from_static("service-worker-allowed");
            headers.insert(name, HeaderValue::from_str(scope).ok()?);
        }
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_str(content_type).ok()?,
    );
    Some(headers)
}

impl FixedRedirect {
    fn response(&self, method: &Method) -> Response {
        let body = match *method {
            Method::HEAD => ResponseBody::empty(),
            _ => ResponseBody::full(self.location.as_bytes().to_vec()),
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::TEMPORARY_REDIRECT);
        let headers = response.headers_mut();
        if self.status == StatusCode::PERMANENT_REDIRECT {
            let refresh = [b"0;url=", self.location.as_bytes()].concat();
            if let Ok(refresh) = HeaderValue::from_bytes(&refresh) {
                headers.insert(header::REFRESH, refresh);
            }
        }
        headers.insert(header::LOCATION, self.location.clone());
        response
    }
}

/// The route to the full request handler of Next.js.
fn next() -> Decision {
    Decision::Script(ScriptRoute::default())
}

/// The route with the headers of the config; the full request handler if only Next.js can say what they are.
fn direct_route(route: ScriptRoute, headers: Option<AddedHeaders>) -> ScriptRoute {
    match headers {
        Some(headers) => ScriptRoute {
            headers: headers.into_shared(),
            ..route
        },
        None => ScriptRoute::default(),
    }
}

/// Whether a page itself says how it answers: to other methods the server around it answers.
fn is_for_page(parts: &Parts) -> bool {
    match parts.method {
        Method::GET | Method::HEAD => true,
        Method::POST => parts.headers.contains_key("next-action"),
        _ => false,
    }
}

/// Whether a request takes an answer that is the same for everybody: no draft, no revalidation, no
/// action.
fn takes_from_store(parts: &Parts) -> bool {
    const OTHERWISE: [HeaderName; 4] = [
        HeaderName::from_static("next-action"),
        HeaderName::from_static("x-prerender-revalidate"),
        HeaderName::from_static("x-prerender-revalidate-if-generated"),
        header::CONTENT_TYPE,
    ];
    const COOKIES: [&str; 3] = [
        "__prerender_bypass",
        "__next_preview_data",
        "next-instant-navigation-testing",
    ];
    let headers = &parts.headers;
    let cookie_says_otherwise = |cookie: &HeaderValue| {
        let text = String::from_utf8_lossy(cookie.as_bytes());
        COOKIES.iter().any(|name| text.contains(name))
    };
    // Next.js names parameters of the path so, where somebody else has routed.
    let is_internal = |pair: &str| {
        let name = pair.split('=').next().unwrap_or(pair);
        name.starts_with("nxt") || name.starts_with("__next") || name.contains('%')
    };
    let query = parts.uri.query().unwrap_or("");
    matches!(parts.method, Method::GET | Method::HEAD)
        && !OTHERWISE.iter().any(|name| headers.contains_key(name))
        && !headers
            .get_all(header::COOKIE)
            .iter()
            .any(cookie_says_otherwise)
        && !query.split('&').any(is_internal)
}
