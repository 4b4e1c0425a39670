//! The rules of `next.config`, and what they say about a path.

use std::collections::HashMap;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::manifest::{self, Condition, ConditionKind, SiteManifest};
use super::pattern::Pattern;

/// All rules of a site, in the order in which Next.js asks them.
pub(super) struct Rules {
    headers: Vec<HeaderRule>,
    redirects: Vec<RedirectRule>,
    /// Matches what goes through the proxy.
    proxy: Vec<Rule>,
    before_files: Vec<Rule>,
    after_files: Vec<Rule>,
}

/// What the rules say about a path.
pub(super) struct Verdict {
    pub(super) passage: Passage,
    /// What the response to it has in addition; none if only Next.js can say.
    pub(super) headers: Option<AddedHeaders>,
    /// Under these conditions everything else is void, and Next.js has to decide.
    pub(super) unless: Vec<Conditions>,
}

/// Where a path leads before files and routes are looked at.
pub(super) enum Passage {
    Through,
    /// To the redirect of this index.
    Redirect(usize),
    /// Through a proxy or a rewrite.
    Next,
}

/// Headers that the config adds to responses.
#[derive(Default)]
pub(super) struct AddedHeaders(HeaderMap);

/// A redirect that leads every URL without a query to the same place.
pub(super) struct FixedRedirect {
    pub(super) status: u16,
    pub(super) location: HeaderValue,
}

struct Rule {
    pattern: Pattern,
    /// `None` for a rule that holds for its paths whatever else the request has.
    conditions: Option<Conditions>,
}

struct HeaderRule {
    rule: Rule,
    /// `None` if only Next.js can say.
    headers: Option<Vec<(HeaderName, HeaderValue)>>,
}

struct RedirectRule {
    rule: Rule,
    fixed: Option<FixedRedirect>,
}

/// What a request must have for a rule to hold. Values are not looked at, so that they only say
/// when it cannot.
#[derive(Clone)]
pub(super) struct Conditions(Vec<Needed>);

#[derive(Clone)]
enum Needed {
    Header(HeaderName),
    Cookie,
    Query,
}

impl Rules {
    pub(super) fn new(manifest: &SiteManifest) -> Rules {
        let rules = |rules: &[manifest::Rule]| rules.iter().map(Rule::new).collect();
        let headers: Vec<_> = manifest
            .headers
            .iter()
            .chain(&manifest.on_match_headers)
            .collect();
        let is_clear = is_each_spelled_in_one_way(&headers);
        Rules {
            headers: headers
                .iter()
                .map(|rule| HeaderRule::new(rule, is_clear))
                .collect(),
            redirects: manifest.redirects.iter().map(RedirectRule::new).collect(),
            proxy: rules(&manifest.proxy),
            before_files: rules(&manifest.before_files),
            after_files: rules(&manifest.after_files),
        }
    }

    /// What they say about a path, up to the point where Next.js looks for a file.
    pub(super) fn verdict(&self, path: &str) -> Verdict {
        let mut verdict = Verdict {
            passage: Passage::Through,
            headers: Some(AddedHeaders::default()),
            unless: Vec::new(),
        };
        for HeaderRule { rule, headers } in &self.headers {
            if rule.holds(path, &mut verdict.unless) {
                verdict.headers = match (verdict.headers, headers) {
                    (Some(added), Some(headers)) => Some(added.with(headers)),
                    _ => None,
                };
            }
        }
        verdict.passage = self.passage(path, &mut verdict.unless);
        verdict
    }

    /// Whether a path that is no file may be rewritten.
    pub(super) fn rewrites_after_files(&self, path: &str, unless: &mut Vec<Conditions>) -> bool {
        self.after_files.iter().any(|rule| rule.holds(path, unless))
    }

    pub(super) fn fixed_redirect(&self, index: usize) -> Option<&FixedRedirect> {
        self.redirects[index].fixed.as_ref()
    }

    fn passage(&self, path: &str, unless: &mut Vec<Conditions>) -> Passage {
        if let Some(index) = self
            .redirects
            .iter()
            .position(|redirect| redirect.rule.holds(path, unless))
        {
            return Passage::Redirect(index);
        }
        let mut rules = self.proxy.iter().chain(&self.before_files);
        if rules.any(|rule| rule.holds(path, unless)) {
            return Passage::Next;
        }
        Passage::Through
    }
}

impl Rule {
    fn new(rule: &manifest::Rule) -> Rule {
        Rule {
            pattern: Pattern::new(&rule.regex, rule.ignore_case),
            conditions: (!rule.has.is_empty() || !rule.missing.is_empty())
                .then(|| Conditions::new(&rule.has)),
        }
    }

    /// Whether it holds for every request of a path; adds the conditions under which it may hold
    /// for some.
    fn holds(&self, path: &str, unless: &mut Vec<Conditions>) -> bool {
        if !self.pattern.may_match(path) {
            return false;
        }
        match &self.conditions {
            None => true,
            Some(conditions) => {
                unless.push(conditions.clone());
                false
            }
        }
    }
}

impl HeaderRule {
    fn new(rule: &manifest::HeaderRule, is_clear: bool) -> HeaderRule {
        let pairs = rule.headers.iter().map(|manifest::Header { key, value }| {
            let name = HeaderName::from_bytes(key.as_bytes()).ok()?;
            // Node.js writes headers in Latin-1; other characters it refuses.
            let value = value
                .is_ascii()
                .then(|| HeaderValue::from_str(value).ok())??;
            Some((name, value))
        });
        HeaderRule {
            headers: if rule.has_params || !is_clear {
                None
            } else {
                pairs.collect()
            },
            rule: Rule::new(&rule.rule),
        }
    }
}

/// Next.js takes `X-A` and `x-a` for two headers while it collects, and for one when it sends:
/// which value wins is not a matter of the rules' order alone.
fn is_each_spelled_in_one_way(rules: &[&manifest::HeaderRule]) -> bool {
    let mut spellings = HashMap::new();
    let keys = rules
        .iter()
        .flat_map(|rule| &rule.headers)
        .map(|header| &header.key);
    keys.into_iter()
        .all(|key| *spellings.entry(key.to_ascii_lowercase()).or_insert(key) == key)
}

impl RedirectRule {
    fn new(rule: &manifest::RedirectRule) -> RedirectRule {
        let location = rule
            .location
            .as_deref()
            .and_then(|location| HeaderValue::from_str(location).ok());
        RedirectRule {
            rule: Rule::new(&rule.rule),
            fixed: location.map(|location| FixedRedirect {
                status: rule.status,
                location,
            }),
        }
    }
}

impl AddedHeaders {
    /// None if there are none.
    pub(super) fn into_shared(self) -> Option<Arc<HeaderMap>> {
        (!self.0.is_empty()).then(|| Arc::new(self.0))
    }

    pub(super) fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.0.get(name)
    }

    pub(super) fn map(&self) -> &HeaderMap {
        &self.0
    }

    /// Later rules replace what earlier ones say, but cookies.
    fn with(mut self, headers: &[(HeaderName, HeaderValue)]) -> AddedHeaders {
        for (name, value) in headers {
            if name == header::SET_COOKIE {
                self.0.append(name, value.clone());
            } else {
                self.0.insert(name, value.clone());
            }
        }
        self
    }
}

impl Conditions {
    fn new(has: &[Condition]) -> Conditions {
        let needed = |condition: &Condition| match condition.kind {
            ConditionKind::Header => {
                let name = HeaderName::from_bytes(condition.key.as_deref()?.as_bytes()).ok()?;
                // HTTP/2 says it otherwise.
                (name != header::HOST).then_some(Needed::Header(name))
            }
            ConditionKind::Cookie => Some(Needed::Cookie),
            ConditionKind::Query => Some(Needed::Query),
            ConditionKind::Host => None,
        };
        Conditions(has.iter().filter_map(needed).collect())
    }

    /// False only if they certainly do not hold.
    pub(super) fn may_hold(&self, parts: &Parts) -> bool {
        self.0.iter().all(|needed| match needed {
            Needed::Header(name) => parts.headers.contains_key(name),
            Needed::Cookie => parts.headers.contains_key(header::COOKIE),
            Needed::Query => parts.uri.query().is_some(),
        })
    }
}
