//! Paths as they stand in URLs.

use std::fmt::Write;

/// Whether a path is written in the one way in which all parts of Next.js read it alike: no
/// escapes, nothing that they would escape or resolve.
pub(super) fn is_plain(path: &str) -> bool {
    let is_plain_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.!~*'".contains(&byte);
    path.starts_with('/')
        && path.bytes().all(is_plain_byte)
        && !path.contains("//")
        && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The path of a file as `encodeURIComponent` writes each of its segments.
pub(super) fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.!~*'()".contains(&byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes everything");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{encode, is_plain};

    #[test]
    fn only_what_has_one_reading_is_plain() {
        for path in [
            "/",
            "/about",
            "/about/",
            "/a-b_c.d~e!f*'",
            "/.well-known/x",
            "/...",
            "/a/..b",
        ] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "",
            "*",
            "a",
            "//",
            "/a//b",
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/%2e%2e/a",
            "/a%2Fb",
            "/a\\b",
            "/a b",
            "/é",
            "/a\0b",
            "/a:b",
            "/a(b)",
            "/a;b",
            "/a@b",
            "/a+b",
            "/a&b",
            "/a=b",
            "/a,b",
            "/a$b",
            "/a\"b",
            "/a|b",
            "/[a]",
            "/{a}",
            "/a^b",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn file_names_are_encoded_as_javascript_does() {
        assert_eq!(encode("/a b/é(1)[2].js"), "/a%20b/%C3%A9(1)%5B2%5D.js");
        assert_eq!(
            encode("/a@b,c;d=e+f&g$h:i"),
            "/a%40b%2Cc%3Bd%3De%2Bf%26g%24h%3Ai"
        );
    }
}
