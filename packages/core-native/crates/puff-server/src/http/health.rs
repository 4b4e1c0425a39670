//! How the server tells how it is.

use ::http::request::Parts;
use ::http::{HeaderValue, Method, StatusCode, header};

use super::Response;
use super::body::ResponseBody;
use super::refusal::plain;
use super::service::Service;

/// Where an administrator's connection finds what a site's may have elsewhere, or nowhere.
const LIVE: &str = "/healthz";
const READY: &str = "/readyz";
const METRICS: &str = "/metrics";

/// Answers a request for the state of the server; all requests of an administrator.
pub(super) fn answer(service: &Service, parts: &Parts, is_admin: bool) -> Option<Response> {
    let path = parts.uri.path();
    let is = |configured: &Option<String>| configured.as_deref() == Some(path);
    let health = &service.health;
    let (is_live, is_ready, is_metrics) = match is_admin {
        true => (path == LIVE, path == READY, path == METRICS),
        false => (
            is(&health.live),
            is(&health.ready),
            is(&service.metrics_path),
        ),
    };
    if !(is_live || is_ready || is_metrics) {
        return is_admin.then(|| {
            plain(
                StatusCode::NOT_FOUND,
                "Here are /metrics, /healthz and /readyz.\n",
            )
        });
    }
    if parts.method != Method::GET && parts.method != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(header::ALLOW, allowed);
        return Some(response);
    }
    Some(if is_metrics {
        metrics(service)
    } else if is_live {
        plain(StatusCode::OK, "ok\n")
    } else if service.is_ready() {
        plain(StatusCode::OK, "ready\n")
    } else if service.is_draining() {
        plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    })
}

fn metrics(service: &Service) -> Response {
    let mut response = plain(StatusCode::OK, "");
    *response.body_mut() = ResponseBody::full(service.metrics.text(service));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}
