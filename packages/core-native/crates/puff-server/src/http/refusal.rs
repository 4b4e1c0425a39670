//! What the server itself answers.

use ::http::{HeaderValue, StatusCode, header};

use super::Response;
use super::body::ResponseBody;
use super::body_bounds::BodyFault;
use crate::script::Unanswered;

/// An answer of one line.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(ResponseBody::full(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same, after which the connection of HTTP/1 is closed: nobody knows what the client takes for
/// its next request.
pub(super) fn closing(status: StatusCode, text: &'static str) -> Response {
    let mut response = plain(status, text);
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// No isolate answered.
pub(super) fn unanswered(reason: Unanswered) -> Response {
    match reason {
        Unanswered::Busy => {
            let text = "The server is busy; try again.\n";
            let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, text);
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Unanswered::Lost => plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n"),
    }
}

/// A request's body could not be read to its end.
pub(super) fn body_fault(fault: BodyFault) -> Response {
    match fault {
        BodyFault::TooLarge => closing(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The body is larger than the server allows.\n",
        ),
        BodyFault::TooSlow => closing(StatusCode::REQUEST_TIMEOUT, "The body came too slowly.\n"),
        BodyFault::Malformed => closing(StatusCode::BAD_REQUEST, "The body is malformed.\n"),
    }
}
