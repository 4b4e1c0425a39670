//! `<distDir>/next-puff/site.json`: what a build tells about itself.
//!
//! The build adapter of `withPuff` writes it;
//! `packages/next-puff/src/server/adapter/site-manifest.ts` says what the fields mean and has them
//! under the same names.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use super::error::SiteError;

const VERSION: u32 = 1;
const PATH: &str = "next-puff/site.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SiteManifest {
    pub(super) build_id: String,
    pub(super) base_path: String,
    pub(super) has_locales: bool,
    pub(super) generate_etags: bool,
    pub(super) compress: bool,
    pub(super) has_partial_pages: bool,
    pub(super) html_limited_bots: String,
    pub(super) validate_rsc_headers: bool,
    pub(super) content_types: HashMap<String, String>,
    pub(super) routes: Vec<SiteRoute>,
    pub(super) dynamic_routes: Vec<DynamicRoute>,
    pub(super) prerenders: Vec<Prerender>,
    pub(super) headers: Vec<HeaderRule>,
    pub(super) on_match_headers: Vec<HeaderRule>,
    pub(super) redirects: Vec<RedirectRule>,
    pub(super) proxy: Vec<Rule>,
    pub(super) before_files: Vec<Rule>,
    pub(super) after_files: Vec<Rule>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum RouteKind {
    AppRoute,
    AppPage,
    Page,
    PageApi,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SiteRoute {
    pub(super) number: u32,
    pub(super) page: String,
    pub(super) kind: RouteKind,
    pub(super) is_direct: bool,
    pub(super) is_on_demand: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DynamicRoute {
    pub(super) number: u32,
    pub(super) regex: String,
    pub(super) params: Vec<String>,
    pub(super) is_closed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Prerender {
    pub(super) path: String,
    pub(super) number: u32,
    pub(super) segments: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) regex: String,
    pub(super) ignore_case: bool,
    pub(super) has: Vec<Condition>,
    pub(super) missing: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: ConditionKind,
    pub(super) key: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ConditionKind {
    Header,
    Cookie,
    Query,
    Host,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeaderRule {
    #[serde(flatten)]
    pub(super) rule: Rule,
    pub(super) headers: Vec<Header>,
    pub(super) has_params: bool,
}

#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) key: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedirectRule {
    #[serde(flatten)]
    pub(super) rule: Rule,
    pub(super) status: u16,
    pub(super) location: Option<String>,
}

/// Only this much can be read of a format that is not known.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl SiteManifest {
    /// Reads what the build in `dist_dir` has left, and makes sure that it was this build.
    pub(super) fn read(dist_dir: &Path) -> Result<SiteManifest, SiteError> {
        let path = dist_dir.join(PATH);
        let text = std::fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => SiteError::NoManifest { path: path.clone() },
            _ => SiteError::read(&path, error),
        })?;
        let invalid = |source| SiteError::InvalidManifest {
            path: path.clone(),
            source,
        };
        let Versioned { version } = serde_json::from_slice(&text).map_err(invalid)?;
        if version != VERSION {
            return Err(SiteError::UnknownVersion { path, version });
        }
        let manifest: SiteManifest = serde_json::from_slice(&text).map_err(invalid)?;
        let build_id_path = dist_dir.join("BUILD_ID");
        let build_id = std::fs::read_to_string(&build_id_path)
            .map_err(|error| SiteError::read(&build_id_path, error))?;
        if manifest.build_id != build_id.trim() {
            return Err(SiteError::OtherBuild { path });
        }
        Ok(manifest)
    }
}
