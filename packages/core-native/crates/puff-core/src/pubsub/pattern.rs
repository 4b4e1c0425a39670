//! Patterns of channels, as Redis' PSUBSCRIBE has them.
//!
//! `*` is any number of bytes, `?` one byte, `[abc]` one of these, `[^abc]` none of these, `[a-z]` one of a
//! range, and `\` takes the next byte as it is. Everything counts in bytes of UTF-8, so that patterns
//! mean the same whoever matches them, Redis or we. A `[` that nothing closes ends with the pattern; a `\` at
//! the very end is itself.

use std::ops::RangeInclusive;

/// A pattern, ready to be matched.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What every channel begins with.
    prefix: Box<[u8]>,
    /// What follows it.
    rest: Box<[Part]>,
}

#[derive(Clone, Debug)]
enum Part {
    Any,
    One,
    Byte(u8),
    Set {
        is_negated: bool,
        ranges: Box<[RangeInclusive<u8>]>,
    },
}

impl Pattern {
    /// Reads a pattern; every text is one.
    pub fn new(text: &str) -> Pattern {
        let mut bytes = text.as_bytes();
        let mut parts = Vec::new();
        while let Some((part, rest)) = Part::read(bytes) {
            bytes = rest;
            // Several are as good as one, and cheaper.
            if !(matches!(part, Part::Any) && matches!(parts.last(), Some(Part::Any))) {
                parts.push(part);
            }
        }
        let literal = |part: &Part| match part {
            Part::Byte(byte) => Some(*byte),
            Part::Any | Part::One | Part::Set { .. } => None,
        };
        let prefix: Box<[u8]> = parts.iter().map_while(literal).collect();
        parts.drain(..prefix.len());
        Pattern {
            prefix,
            rest: parts.into(),
        }
    }

    /// What every channel that it matches begins with.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Whether it matches a channel's whole name. Takes at most as many steps as the product of the lengths.
    pub fn matches(&self, channel: &str) -> bool {
        channel
            .as_bytes()
            .strip_prefix(&*self.prefix)
            .is_some_and(|rest| self.matches_rest(rest))
    }

    fn matches_rest(&self, bytes: &[u8]) -> bool {
        let (mut part, mut byte) = (0, 0);
        // Where to go on when what followed the last `*` did not match: it takes one byte more.
        let mut retry: Option<(usize, usize)> = None;
        while byte < bytes.len() {
            match self.rest.get(part) {
                Some(Part::Any) => {
                    retry = Some((part + 1, byte));
                    part += 1;
                    continue;
                }
                Some(single) if single.takes(bytes[byte]) => {
                    part += 1;
                    byte += 1;
                    continue;
                }
                Some(_) | None => {}
            }
            let Some((after, from)) = retry else {
                return false;
            };
            retry = Some((after, from + 1));
            part = after;
            byte = from + 1;
        }
        self.rest[part..]
            .iter()
            .all(|part| matches!(part, Part::Any))
    }
}

impl Part {
    /// The first part of a pattern, and what is left.
    fn read(bytes: &[u8]) -> Option<(Part, &[u8])> {
        let (&first, rest) = bytes.split_first()?;
        Some(match (first, rest) {
            (b'*', _) => (Part::Any, rest),
            (b'?', _) => (Part::One, rest),
            (b'\\', [next, rest @ ..]) => (Part::Byte(*next), rest),
            (b'[', _) => Part::read_set(rest),
            _ => (Part::Byte(first), rest),
        })
    }

    /// A set, from behind its bracket on.
    fn read_set(mut bytes: &[u8]) -> (Part, &[u8]) {
        let is_negated = bytes.first() == Some(&b'^');
        if is_negated {
            bytes = &bytes[1..];
        }
        let mut ranges = Vec::new();
        loop {
            match bytes {
                [] => break,
                [b']', rest @ ..] => {
                    bytes = rest;
                    break;
                }
                [b'\\', byte, rest @ ..] => {
                    ranges.push(*byte..=*byte);
                    bytes = rest;
                }
                [from, b'-', to, rest @ ..] => {
                    ranges.push(*from.min(to)..=*from.max(to));
                    bytes = rest;
                }
                [byte, rest @ ..] => {
                    ranges.push(*byte..=*byte);
                    bytes = rest;
                }
            }
        }
        let ranges = ranges.into();
        (Part::Set { is_negated, ranges }, bytes)
    }

    /// Whether it stands for this byte; `*` is not asked.
    fn takes(&self, byte: u8) -> bool {
        match self {
            Part::Any => false,
            Part::One => true,
            Part::Byte(own) => *own == byte,
            Part::Set { is_negated, ranges } => {
                ranges.iter().any(|range| range.contains(&byte)) != *is_negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_redis_says() {
        for (pattern, matching, others) in [
            ("news", &["news"][..], &["new", "newss", ""][..]),
            (
                "news.*",
                &["news.", "news.a", "news.a.b"],
                &["news", "anews.a"],
            ),
            ("*", &["", "anything"], &[]),
            ("", &[""], &["a"]),
            ("h?llo", &["hello", "hallo"], &["hllo", "heello"]),
            ("h[ae]llo", &["hello", "hallo"], &["hillo"]),
            ("h[^e]llo", &["hallo", "hbllo"], &["hello", "hllo"]),
            (
                "h[a-c]llo",
                &["hallo", "hbllo", "hcllo"],
                &["hdllo", "h-llo"],
            ),
            ("h[c-a]llo", &["hbllo"], &["hdllo"]),
            ("h[a\\]]llo", &["h]llo", "hallo"], &["h\\llo"]),
            ("h\\*llo", &["h*llo"], &["hello"]),
            ("*a*b", &["ab", "xaxb", "abab"], &["ba", "abx"]),
            ("a**b*", &["ab", "axbx"], &["a", "ba"]),
            ("*.end", &["a.end", ".end", ".end.end"], &["a.end."]),
            ("open[ab", &["opena", "openb"], &["open", "openab", "open["]),
            ("end\\", &["end\\"], &["end"]),
            ("é?", &["éa"], &["é", "éé"]),
            ("[]", &[], &["", "[]", "a"]),
        ] {
            let compiled = Pattern::new(pattern);
            for channel in matching {
                assert!(compiled.matches(channel), "{pattern} {channel}");
            }
            for channel in others {
                assert!(!compiled.matches(channel), "{pattern} {channel}");
            }
        }
    }

    #[test]
    fn the_prefix_ends_where_the_pattern_begins() {
        for (pattern, prefix) in [
            ("polls.*", "polls."),
            ("*", ""),
            ("a\\*b?", "a*b"),
            ("plain", "plain"),
            ("[a]b", ""),
        ] {
            assert_eq!(Pattern::new(pattern).prefix(), prefix.as_bytes());
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = Pattern::new(&"a*".repeat(200));
        let channel = format!("{}b", "a".repeat(5_000));
        assert!(pattern.matches(&channel));
        let pattern = Pattern::new(&format!("{}c", "a*".repeat(200)));
        assert!(!pattern.matches(&channel));
    }
}
