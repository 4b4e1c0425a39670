//! Which encoding a client gets (RFC 9110, 12.5.3).

use ::http::{HeaderMap, header};

use super::encoder::Encoding;

/// The encoding that the client likes best; among those that it likes equally, the first of
/// `offered`. None for the body as it is.
pub(super) fn choose(headers: &HeaderMap, offered: &[Encoding]) -> Option<Encoding> {
    let mut best: Option<(Encoding, u16)> = None;
    if !headers.contains_key(header::ACCEPT_ENCODING) {
        return None;
    }
    for encoding in offered {
        let weight = weight(headers, *encoding);
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((*encoding, weight));
        }
    }
    let (encoding, weight) = best?;
    // Who says that the plain body is better gets it.
    (weight >= explicit_weight(headers, "identity").unwrap_or(0)).then_some(encoding)
}

fn weight(headers: &HeaderMap, encoding: Encoding) -> u16 {
    explicit_weight(headers, encoding.name())
        .or_else(|| {
            // Who says that anything will do was hardly thinking of what is newer than gzip.
            let is_known = encoding == Encoding::Gzip;
            explicit_weight(headers, "*").filter(|_| is_known)
        })
        .unwrap_or(0)
}

/// The weight of a coding in thousandths, where it is named.
fn explicit_weight(headers: &HeaderMap, coding: &str) -> Option<u16> {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|element| {
            let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
            let is_meant = name.trim().eq_ignore_ascii_case(coding);
            is_meant.then(|| quality(parameters))
        })
}

fn quality(parameters: &str) -> u16 {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(1_000, |(_, value)| {
            let value = value.trim().parse::<f32>().unwrap_or(0.0);
            (value.clamp(0.0, 1.0) * 1_000.0) as u16
        })
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    #[test]
    fn the_client_decides() {
        let all = [Encoding::Brotli, Encoding::Zstd, Encoding::Gzip];
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Some(Encoding::Brotli)),
            ("gzip, zstd", Some(Encoding::Zstd)),
            ("GZIP", Some(Encoding::Gzip)),
            ("br;q=0.5, gzip;q=0.8", Some(Encoding::Gzip)),
            ("*", Some(Encoding::Gzip)),
            ("br;q=0, *", Some(Encoding::Gzip)),
            ("*;q=0", None),
            ("identity", None),
            ("identity;q=1, gzip;q=0.5", None),
            ("gzip;q=0.001, identity;q=0", Some(Encoding::Gzip)),
            ("gzip;q=banana", None),
            ("", None),
            ("brotli", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(choose(&headers, &all), expected, "{accepted}");
        }
        assert_eq!(choose(&HeaderMap::new(), &all), None);
    }
}
