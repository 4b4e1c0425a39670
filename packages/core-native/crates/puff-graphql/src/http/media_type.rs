//! Media types: `Content-Type` and the negotiation by `Accept` (RFC 9110, sections 8.3 and 12.5.1).

/// What an endpoint can answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// `application/json`
    Json,
    /// `application/graphql-response+json`
    GraphqlResponse,
    /// `text/html`
    Html,
    /// `text/event-stream`
    EventStream,
}

impl Offer {
    fn essence(self) -> &'static str {
        match self {
            Offer::Json => "application/json",
            Offer::GraphqlResponse => "application/graphql-response+json",
            Offer::Html => "text/html",
            Offer::EventStream => "text/event-stream",
        }
    }
}

/// The offer that a client likes best, if it likes any; the first one without an `Accept` header.
///
/// A more specific range says more about an offer than a wider one. Among offers of the same quality
/// the more specific range wins, then the one that the client names first, then the earlier offer.
pub(super) fn negotiate(accept: Option<&str>, offers: &[Offer]) -> Option<Offer> {
    let accept = accept.map_or("", str::trim);
    if accept.is_empty() {
        return offers.first().copied();
    }
    let ranges: Vec<Range<'_>> = split(accept, ',').filter_map(Range::parse).collect();
    let mut best: Option<(Offer, &Range<'_>, usize)> = None;
    for &offer in offers {
        let Some((place, range)) = most_specific(&ranges, offer) else {
            continue;
        };
        let is_better = best.is_none_or(|(_, other, other_place)| {
            (range.quality, range.specificity(), other_place)
                > (other.quality, other.specificity(), place)
        });
        if range.quality > 0 && is_better {
            best = Some((offer, range, place));
        }
    }
    best.map(|(offer, ..)| offer)
}

/// Whether a client names `text/event-stream` among what it takes.
pub fn accepts_event_stream(accept: Option<&str>) -> bool {
    names(accept, Offer::EventStream)
}

/// Whether a client names this offer itself: a range like `*/*` does not count.
fn names(accept: Option<&str>, offer: Offer) -> bool {
    let ranges: Vec<Range<'_>> = split(accept.unwrap_or_default(), ',')
        .filter_map(Range::parse)
        .collect();
    most_specific(&ranges, offer)
        .is_some_and(|(_, range)| range.specificity() == 2 && range.quality > 0)
}

fn most_specific<'r, 'a>(ranges: &'r [Range<'a>], offer: Offer) -> Option<(usize, &'r Range<'a>)> {
    let mut found: Option<(usize, &Range<'a>)> = None;
    for (place, range) in ranges.iter().enumerate() {
        let is_better = found.is_none_or(|(_, other)| range.specificity() > other.specificity());
        if range.includes(offer.essence()) && is_better {
            found = Some((place, range));
        }
    }
    found
}

/// An element of `Accept`.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    /// Nothing for what is malformed or asks for another charset than UTF-8.
    fn parse(text: &'a str) -> Option<Range<'a>> {
        let (kind, subtype) = essence(text).split_once('/')?;
        let mut quality = 1000;
        for (name, value) in parameters(text) {
            if name.eq_ignore_ascii_case("q") {
                quality = parse_quality(value)?;
            } else if name.eq_ignore_ascii_case("charset") && !is_utf8(value) {
                return None;
            }
        }
        Some(Range {
            kind,
            subtype,
            quality,
        })
    }

    fn specificity(&self) -> u8 {
        match (self.kind, self.subtype) {
            ("*", _) => 0,
            (_, "*") => 1,
            _ => 2,
        }
    }

    fn includes(&self, essence: &str) -> bool {
        let Some((kind, subtype)) = essence.split_once('/') else {
            return false;
        };
        match self.specificity() {
            0 => self.subtype == "*",
            1 => self.kind.eq_ignore_ascii_case(kind),
            _ => self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype),
        }
    }
}

/// A weight (RFC 9110, section 12.4.2) in thousandths.
fn parse_quality(text: &str) -> Option<u16> {
    let quality: f32 = text.parse().ok()?;
    (0.0..=1.0)
        .contains(&quality)
        .then(|| (quality * 1000.0).round() as u16)
}

/// Whether a `Content-Type` is `application/json` in UTF-8, which is also what it means without a
/// charset (RFC 8259, section 8.1).
pub(super) fn is_json_in_utf8(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("application/json")
        && parameters(content_type)
            .all(|(name, value)| !name.eq_ignore_ascii_case("charset") || is_utf8(value))
}

/// A media type without its parameters.
pub(super) fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

/// Whether a text has the form `type/subtype`.
pub(super) fn is_media_type(essence: &str) -> bool {
    let is_token = |text: &str| {
        let is_token_byte =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !text.is_empty() && text.bytes().all(is_token_byte)
    };
    essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// The parameters of a media type: names and values, these without quotes.
fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    split(text, ';').skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        Some((name.trim(), value.trim().trim_matches('"')))
    })
}

fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

/// Splits at a separator, but not inside quoted strings.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    text.split(move |character: char| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match character {
            '\\' if is_quoted && !was_escaped => is_escaped = true,
            '"' if !was_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        character == separator && !is_quoted
    })
}
