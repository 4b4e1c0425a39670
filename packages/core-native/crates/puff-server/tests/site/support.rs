//! A built app, as far as the server sees it.

use std::fs;
use std::path::{Path, PathBuf};

use http::request::Parts;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use puff_server::script::ScriptRoute;
use puff_server::site::{Decision, PrerenderVariant, Site, SiteConfig, SiteError};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const BUILD_ID: &str = "build-1";

/// A folder with an app in it.
pub(crate) struct App {
    dir: TempDir,
    manifest: Value,
    memory: u64,
}

impl App {
    /// Without files, routes and rules.
    pub(crate) fn new() -> App {
        let dir = TempDir::new().expect("a folder");
        fs::create_dir_all(dir.path().join(".next/static")).expect("a folder");
        fs::create_dir_all(dir.path().join("public")).expect("a folder");
        let manifest = json!({
            "version": 1,
            "buildId": BUILD_ID,
            "nextVersion": "16.4.6",
            "basePath": "",
            "hasLocales": false,
            "generateEtags": true,
            "compress": true,
            "hasPartialPages": false,
            "htmlLimitedBots": "Slackbot|[\\w-]+-Google",
            "compress": true,
            "validateRscHeaders": true,
            "contentTypes": {
                "txt": "text/plain; charset=UTF-8",
                "js": "application/javascript; charset=UTF-8",
                "json": "application/json; charset=UTF-8",
                "license": "application/octet-stream",
                "bin": "application/octet-stream",
                "hidden": "application/octet-stream",
            },
            "routes": [],
            "dynamicRoutes": [],
            "prerenders": [],
            "headers": [],
            "onMatchHeaders": [],
            "redirects": [],
            "proxy": [],
            "beforeFiles": [],
            "afterFiles": [],
        });
        App {
            dir,
            manifest,
            memory: 1024 * 1024,
        }
    }

    /// Sets a field of the manifest.
    pub(crate) fn with(mut self, field: &str, value: Value) -> App {
        self.manifest[field] = value;
        self
    }

    /// How much of the files is kept in memory.
    pub(crate) fn with_memory(mut self, bytes: u64) -> App {
        self.memory = bytes;
        self
    }

    /// Writes a file, as in `public/a.txt`.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn try_open(&self) -> Result<Site, SiteError> {
        Site::open(&SiteConfig {
            project_dir: self.dir.path().to_owned(),
            dist_dir: self.dir.path().join(".next"),
            memory: self.memory,
        })
    }

    pub(crate) fn open(&self) -> Site {
        self.write(".next/BUILD_ID", BUILD_ID);
        self.write(".next/next-puff/site.json", self.manifest.to_string());
        self.try_open().expect("a site")
    }
}

/// A rule for the paths that a regular expression matches.
pub(crate) fn rule(regex: &str) -> Value {
    json!({ "regex": regex, "ignoreCase": true, "has": [], "missing": [] })
}

/// Adds fields to an object.
pub(crate) fn and(mut object: Value, fields: Value) -> Value {
    for (key, value) in fields.as_object().expect("an object") {
        object[key] = value.clone();
    }
    object
}

pub(crate) fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

pub(crate) fn get(uri: &str) -> Parts {
    request("GET", uri, &[])
}

/// A response, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("ASCII"))
    }
}

/// What a site decides, in a form that can be compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    Answered(u16),
    Prerender(String, PrerenderVariant, u32),
    Script(u32, Vec<(String, String)>),
}

/// The full request handler of Next.js.
pub(crate) const NEXT: Decided = Decided::Script(0, Vec::new());

pub(crate) fn decide(site: &Site, parts: &Parts) -> Decided {
    match site.decide(parts) {
        Decision::Answer(response) => Decided::Answered(response.status().as_u16()),
        Decision::Prerender { key, route } => {
            Decided::Prerender(key.path.to_string(), key.variant, route.number)
        }
        Decision::Script(ScriptRoute { number, params, .. }) => Decided::Script(number, params),
    }
}

/// The site's own answer.
pub(crate) async fn answer(site: &Site, parts: &Parts) -> Answer {
    let Decision::Answer(response) = site.decide(parts) else {
        panic!("{} {} was not answered", parts.method, parts.uri);
    };
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes().to_vec();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    }
}

/// Gives a file a time of its own, so that a change is one whatever the clock of the disk.
pub(crate) fn set_modified(path: &Path, seconds: u64) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    let file = fs::File::options().append(true).open(path).expect("a file");
    file.set_modified(time).expect("a time");
}
