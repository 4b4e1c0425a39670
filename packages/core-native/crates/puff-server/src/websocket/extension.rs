//! Negotiation of permessage-deflate (RFC 7692).

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

/// What the response to an accepted offer says. The client keeps no context either: it would oblige us
/// to keep 32 KB for each socket.
pub(super) const RESPONSE: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Whether the client offers permessage-deflate in a form that can be accepted.
pub(super) fn offers_deflate(headers: &HeaderMap) -> bool {
    headers
        .get_all(SEC_WEBSOCKET_EXTENSIONS)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(is_acceptable)
}

fn is_acceptable(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    if !parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case("permessage-deflate"))
    {
        return false;
    }
    let mut seen: Vec<String> = Vec::new();
    parts.all(|parameter| {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (parameter, None),
        };
        let name = name.to_ascii_lowercase();
        let is_new = !seen.contains(&name);
        let is_known = match &*name {
            "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
            "client_max_window_bits" => value.is_none_or(is_window),
            // Frames are shared by sockets, so all are compressed with the same window.
            "server_max_window_bits" => value == Some("15"),
            _ => false,
        };
        seen.push(name);
        is_new && is_known
    })
}

fn is_window(bits: &str) -> bool {
    matches!(bits, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{SEC_WEBSOCKET_EXTENSIONS, offers_deflate};

    fn offers(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(value));
        offers_deflate(&headers)
    }

    #[test]
    fn offers_are_accepted_as_the_specification_allows() {
        assert!(offers("permessage-deflate"));
        assert!(offers("permessage-deflate; client_max_window_bits"));
        assert!(offers("permessage-deflate; client_max_window_bits=\"10\""));
        assert!(offers(
            "x-webkit-deflate-frame, permessage-deflate; server_no_context_takeover"
        ));
        assert!(offers(
            "permessage-deflate; server_max_window_bits=10, permessage-deflate"
        ));
        assert!(offers("Permessage-Deflate;server_max_window_bits=15"));
    }

    #[test]
    fn offers_with_unknown_wrong_or_repeated_parameters_are_declined() {
        assert!(!offers("x-webkit-deflate-frame"));
        assert!(!offers("permessage-deflate; server_max_window_bits=10"));
        assert!(!offers("permessage-deflate; server_max_window_bits"));
        assert!(!offers("permessage-deflate; client_max_window_bits=16"));
        assert!(!offers("permessage-deflate; client_no_context_takeover=1"));
        assert!(!offers("permessage-deflate; made_up"));
        assert!(!offers(
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover"
        ));
    }
}
