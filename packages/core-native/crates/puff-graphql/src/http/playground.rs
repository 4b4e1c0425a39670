//! The page that a browser gets: a client for people.

use std::borrow::Cow;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use super::response::HttpResponse;

/// A file of a CDN with the hash that it must have (W3C Subresource Integrity).
struct Resource {
    url: &'static str,
    /// The SHA-384 of the file in the npm package, which this CDN serves as it is.
    integrity: &'static str,
}

const GRAPHIQL_SCRIPTS: [Resource; 3] = [
    Resource {
        url: "https://unpkg.com/react@18.3.1/umd/react.production.min.js",
        integrity: "sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z",
    },
    Resource {
        url: "https://unpkg.com/react-dom@18.3.1/umd/react-dom.production.min.js",
        integrity: "sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1",
    },
    Resource {
        url: "https://unpkg.com/graphiql@3.9.0/graphiql.min.js",
        integrity: "sha384-8NGfVj4CVlqHajlZj+bPJT4thxPMHMJYn7DWK2CvtopLd02E7qsPHazniBYvVjOO",
    },
];

const GRAPHIQL_STYLE: Resource = Resource {
    url: "https://unpkg.com/graphiql@3.9.0/graphiql.min.css",
    integrity: "sha384-QMux00XgRtwRLSYIY3kw2rj1ovk5AuuliAchk+HSQbqdbGFnz9GYuqIlOqxhwCE2",
};

/// Not checked by a hash: the file changes with the Sandbox that it embeds.
const SANDBOX_SCRIPT: &str =
    "https://embeddable-sandbox.cdn.apollographql.com/v2/embeddable-sandbox.umd.production.min.js";

/// A page with the policy under which browsers run it (W3C Content Security Policy, level 3).
pub(super) struct Page {
    html: String,
    policy: String,
}

impl Page {
    /// GraphiQL; `offers_explain` adds a switch for explanations.
    pub(super) fn graphiql(offers_explain: bool) -> Page {
        let script = include_str!("playground/graphiql.js");
        let mut head = format!(
            r#"<link rel="stylesheet" href="{}" integrity="{}" crossorigin="anonymous">"#,
            GRAPHIQL_STYLE.url, GRAPHIQL_STYLE.integrity
        );
        let mut sources = String::new();
        for Resource { url, integrity } in &GRAPHIQL_SCRIPTS {
            let _ = write!(
                head,
                r#"<script src="{url}" integrity="{integrity}" crossorigin="anonymous" defer></script>"#
            );
            let _ = write!(sources, " {url}");
        }
        // The editor sets styles of elements, and the style sheet brings its fonts along.
        let policy = format!(
            "style-src 'unsafe-inline' {}; font-src data:; img-src data:; script-src{sources}",
            GRAPHIQL_STYLE.url
        );
        Page::new("GraphiQL", &head, script, &policy, offers_explain)
    }

    /// Apollo Sandbox.
    pub(super) fn sandbox() -> Page {
        let script = include_str!("playground/sandbox.js");
        let head = format!(r#"<script src="{SANDBOX_SCRIPT}" defer></script>"#);
        let policy = format!(
            "style-src 'unsafe-inline'; frame-src https://sandbox.embed.apollographql.com; \
             img-src https://*.apollographql.com data:; script-src {SANDBOX_SCRIPT}"
        );
        Page::new("Apollo Sandbox", &head, script, &policy, false)
    }

    fn new(title: &str, head: &str, script: &str, policy: &str, offers_explain: bool) -> Page {
        // A module runs after the deferred scripts, and its hash admits it alone.
        let hash = BASE64.encode(Sha256::digest(script));
        let html = format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>html, body, #playground, iframe {{ margin: 0; border: 0; width: 100%; height: 100%; }}</style>
{head}
</head>
<body>
<div id="playground" data-explain="{offers_explain}">Loading {title}…</div>
<script type="module">{script}</script>
</body>
</html>
"#
        );
        let policy = format!(
            "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'self'; {policy} 'sha256-{hash}'"
        );
        Page { html, policy }
    }

    /// The page as an answer.
    pub(super) fn response(&self) -> HttpResponse {
        HttpResponse {
            status: 200,
            headers: vec![
                ("content-type", Cow::Borrowed("text/html; charset=utf-8")),
                ("content-security-policy", Cow::Owned(self.policy.clone())),
                ("x-content-type-options", Cow::Borrowed("nosniff")),
                ("referrer-policy", Cow::Borrowed("same-origin")),
                // The same URL answers programs in JSON.
                ("vary", Cow::Borrowed("accept")),
                ("cache-control", Cow::Borrowed("no-cache")),
            ],
            body: self.html.clone().into_bytes(),
        }
    }
}
