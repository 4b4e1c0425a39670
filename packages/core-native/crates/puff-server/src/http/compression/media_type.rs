//! Which media types are worth compressing.

/// Those that mime-db marks as compressible and whose names do not tell.
const COMPRESSIBLE: [&str; 40] = [
    "application/dart",
    "application/ecmascript",
    "application/javascript",
    "application/json",
    "application/postscript",
    "application/raml+yaml",
    "application/rtf",
    "application/tar",
    "application/toml",
    "application/vnd.dart",
    "application/vnd.ms-fontobject",
    "application/vnd.ms-opentype",
    "application/wasm",
    "application/x-httpd-php",
    "application/x-javascript",
    "application/x-ns-proxy-autoconfig",
    "application/x-sh",
    "application/x-tar",
    "application/x-virtualbox-hdd",
    "application/x-virtualbox-ova",
    "application/x-virtualbox-ovf",
    "application/x-virtualbox-vbox",
    "application/x-virtualbox-vdi",
    "application/x-virtualbox-vhd",
    "application/x-virtualbox-vmdk",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/xml-dtd",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.adobe.photoshop",
    "image/vnd.microsoft.icon",
    "image/vnd.ms-dds",
    "image/x-icon",
    "image/x-ms-bmp",
    "message/rfc822",
    "model/gltf-binary",
    "x-shader/x-fragment",
    "x-shader/x-vertex",
];

/// Whether a `Content-Type` names something that becomes smaller: what the package `compressible`
/// says.
pub(super) fn is_compressible(content_type: &str) -> bool {
    let media_type = content_type.trim_start().split([';', ' ', '\t']).next();
    let media_type = media_type.unwrap_or_default().as_bytes();
    let begins_with = |prefix: &[u8]| {
        media_type.len() >= prefix.len() && media_type[..prefix.len()].eq_ignore_ascii_case(prefix)
    };
    let ends_with = |suffix: &[u8]| {
        media_type.len() >= suffix.len()
            && media_type[media_type.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
    };
    begins_with(b"text/")
        || ends_with(b"+json")
        || ends_with(b"+text")
        || ends_with(b"+xml")
        || COMPRESSIBLE
            .iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(media_type))
}

#[cfg(test)]
mod tests {
    use super::is_compressible;

    #[test]
    fn types_are_known_by_name_or_by_list() {
        for content_type in [
            "text/html; charset=utf-8",
            "TEXT/plain",
            "text/x-component",
            "application/json",
            "Application/JSON;charset=utf-8",
            "application/problem+json",
            "image/svg+xml",
            "font/ttf",
        ] {
            assert!(is_compressible(content_type), "{content_type}");
        }
        for content_type in [
            "image/png",
            "font/woff2",
            "application/octet-stream",
            "",
            "text",
        ] {
            assert!(!is_compressible(content_type), "{content_type}");
        }
    }
}
