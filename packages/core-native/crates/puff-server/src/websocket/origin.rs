//! Which pages may connect (RFC 6455, section 10.2).
//!
//! Browsers let any page connect anywhere and send the user's cookies along; the `Origin` header is all
//! that tells. Other clients send none, and have no user to deceive.

use http::header::{HOST, ORIGIN};
use http::request::Parts;

/// Whether the request comes from the server's own origin, an allowed one, or no page at all.
pub(super) fn is_allowed(parts: &Parts, allowed: &[String]) -> bool {
    let mut origins = parts.headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if origins.next().is_some() {
        return false;
    }
    let Some((scheme, host)) = origin.split_once("://") else {
        // `null`, of a page without an origin of its own.
        return allowed.iter().any(|pattern| pattern == "*");
    };
    let host = normal(scheme, host);
    requested_host(parts).is_some_and(|requested| normal(scheme, requested) == host)
        || allowed
            .iter()
            .any(|pattern| matches(pattern, scheme, &host))
}

/// Where the page believes the server to be. No page can set `X-Forwarded-Host` on a handshake, so it
/// can be believed whoever sent it.
fn requested_host(parts: &Parts) -> Option<&str> {
    let header = |name: &str| parts.headers.get(name)?.to_str().ok();
    header("x-forwarded-host")
        .and_then(|hosts| hosts.split(',').next())
        .map(str::trim)
        .or_else(|| parts.uri.authority().map(|authority| authority.as_str()))
        .or_else(|| header(HOST.as_str()))
}

/// A host in lower case, without the port that its scheme implies.
fn normal(scheme: &str, host: &str) -> String {
    let port = match scheme {
        "https" | "wss" => ":443",
        "http" | "ws" => ":80",
        _ => "",
    };
    let host = host.to_ascii_lowercase();
    match host.strip_suffix(port) {
        Some(short) if !port.is_empty() => short.to_owned(),
        _ => host,
    }
}

fn matches(pattern: &str, scheme: &str, host: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let pattern = match pattern.split_once("://") {
        Some((wanted, rest)) if wanted == scheme => rest,
        Some(_) => return false,
        None => pattern,
    };
    let pattern = normal(scheme, pattern);
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .is_some_and(|prefix| prefix.len() > 1 && prefix.ends_with('.')),
        None => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::is_allowed;

    fn allows(headers: &[(&str, &str)], allowed: &[&str]) -> bool {
        let mut request = Request::builder().uri("/socket");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let allowed: Vec<String> = allowed.iter().map(|origin| (*origin).into()).collect();
        is_allowed(&parts, &allowed)
    }

    #[test]
    fn a_page_of_the_server_may_connect() {
        assert!(allows(
            &[("host", "a.example"), ("origin", "https://a.example")],
            &[]
        ));
        assert!(allows(
            &[("host", "a.example:443"), ("origin", "https://a.example")],
            &[]
        ));
        assert!(allows(
            &[
                ("host", "A.example:3000"),
                ("origin", "http://a.EXAMPLE:3000")
            ],
            &[]
        ));
        let forwarded = [
            ("host", "10.0.0.1:3000"),
            ("x-forwarded-host", "a.example"),
            ("origin", "https://a.example"),
        ];
        assert!(allows(&forwarded, &[]));
    }

    #[test]
    fn a_client_that_is_no_browser_may_connect() {
        assert!(allows(&[("host", "a.example")], &[]));
    }

    #[test]
    fn other_pages_may_not() {
        for origin in [
            "https://evil.example",
            "https://a.example.evil.example",
            "https://a.example:444",
            "http://a.example:3001",
            "null",
            "a.example",
            "",
        ] {
            assert!(
                !allows(&[("host", "a.example"), ("origin", origin)], &[]),
                "{origin}"
            );
        }
        let twice = [
            ("host", "a.example"),
            ("origin", "https://a.example"),
            ("origin", "https://evil.example"),
        ];
        assert!(!allows(&twice, &[]));
    }

    #[test]
    fn pages_of_allowed_origins_may() {
        let from = |origin: &'static str| [("host", "a.example"), ("origin", origin)];
        assert!(allows(&from("https://b.example"), &["b.example"]));
        assert!(allows(&from("https://b.example"), &["https://b.example"]));
        assert!(!allows(&from("http://b.example"), &["https://b.example"]));
        assert!(!allows(&from("https://b.example:8080"), &["b.example"]));
        assert!(allows(&from("https://x.b.example"), &["*.b.example"]));
        assert!(!allows(&from("https://b.example"), &["*.b.example"]));
        assert!(!allows(&from("https://xb.example"), &["*.b.example"]));
        assert!(allows(&from("null"), &["*"]));
    }
}
