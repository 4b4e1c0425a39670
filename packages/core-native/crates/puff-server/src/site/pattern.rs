//! Regular expressions of JavaScript on paths.

use fancy_regex::{Captures, Regex};

/// What set operations of character classes begin with, and nested classes: JavaScript has none
/// without the `v` flag.
const OTHER_MEANING: [&str; 5] = ["&&", "--", "~~", "[[", "[^["];

/// A regular expression that Next.js would run in JavaScript. It is only asked about ASCII.
pub(super) enum Pattern {
    /// It means the same here.
    Known(Regex),
    /// Only JavaScript can say what it matches.
    Unknown,
}

impl Pattern {
    pub(super) fn new(source: &str, ignore_case: bool) -> Pattern {
        if OTHER_MEANING.iter().any(|text| source.contains(text)) {
            return Pattern::Unknown;
        }
        let flags = if ignore_case { "(?i)" } else { "" };
        match Regex::new(&format!("{flags}{source}")) {
            Ok(regex) => Pattern::Known(regex),
            Err(_) => Pattern::Unknown,
        }
    }

    /// False only if it certainly does not match.
    pub(super) fn may_match(&self, text: &str) -> bool {
        match self {
            // The error is that of a match that takes too many steps.
            Pattern::Known(regex) => regex.is_match(text).unwrap_or(true),
            Pattern::Unknown => true,
        }
    }

    /// Whether it matches, and what its groups hold; an error if only JavaScript can say.
    pub(super) fn captures<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, Unknown> {
        match self {
            Pattern::Known(regex) => regex.captures(text).map_err(|_| Unknown),
            Pattern::Unknown => Err(Unknown),
        }
    }
}

/// Only JavaScript can say.
pub(super) struct Unknown;

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn what_next_compiles_means_the_same() {
        let redirect = Pattern::new(r"^(?!\/_next)\/old(?:\/([^/]+?))(?:\/)?$", true);
        assert!(redirect.may_match("/OLD/post"));
        assert!(redirect.may_match("/old/post/"));
        assert!(!redirect.may_match("/old"));
        assert!(!redirect.may_match("/_next/old/post"));
        let proxy = Pattern::new(
            r"^(?:\/(_next\/data\/[^/]{1,}))?(?:\/((?!api|_next).*))(\.json)?[\/#\?]?$",
            false,
        );
        assert!(proxy.may_match("/about"));
        assert!(!proxy.may_match("/api/about"));
    }

    #[test]
    fn what_only_javascript_understands_may_match_anything() {
        for source in ["^[^]$", r"^[\w--a]$", "^[[a]$", "("] {
            assert!(
                Pattern::new(source, false).may_match("/nothing"),
                "{source}"
            );
            assert!(
                Pattern::new(source, false).captures("/nothing").is_err(),
                "{source}"
            );
        }
    }

    #[test]
    fn a_pattern_that_takes_too_long_may_match() {
        let explosive = Pattern::new(r"^(a|a)*(?=b)\1$", false);
        assert!(explosive.may_match(&"a".repeat(60)));
    }
}
