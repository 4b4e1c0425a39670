//! Headers that only Next.js itself may send.

use ::http::HeaderMap;

/// As `INTERNAL_HEADERS` in Next.js 16.4.6 (`server/lib/server-ipc/utils.js`), which
/// `router-server.js` removes from every request.
const NAMES: [&str; 11] = [
    "x-middleware-rewrite",
    "x-middleware-redirect",
    "x-middleware-set-cookie",
    "x-middleware-skip",
    "x-middleware-override-headers",
    "x-middleware-next",
    "x-now-route-matches",
    "x-matched-path",
    "x-nextjs-data",
    "x-next-resume-state-length",
    "next-resume",
];

/// Removes them.
pub(super) fn remove(headers: &mut HeaderMap) {
    // Most requests have none: a look at the first bytes costs less than eleven look-ups.
    let has_any = headers.keys().any(|name| {
        let name = name.as_str();
        (name.starts_with("x-") || name.starts_with("next-")) && NAMES.contains(&name)
    });
    if has_any {
        for name in NAMES {
            headers.remove(name);
        }
    }
}
