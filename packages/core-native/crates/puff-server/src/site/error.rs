//! Why nothing of a site is known.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a site cannot be served without JavaScript. All of it can then still be served by
/// JavaScript.
#[derive(Debug, Error)]
pub enum SiteError {
    /// The build had no adapter.
    #[error(
        "{} is not there, so Next.js serves files and prerendered pages itself, which is slower. \
         Wrap the config with withPuff() and build again.",
        path.display()
    )]
    NoManifest {
        /// Where it should be.
        path: PathBuf,
    },
    /// An older or newer next-puff has built the app.
    #[error(
        "{} has version {version} of its format, which this next-puff does not know. Build again \
         with the installed next-puff.",
        path.display()
    )]
    UnknownVersion {
        /// The manifest.
        path: PathBuf,
        /// What it says.
        version: u32,
    },
    /// Something else has written it.
    #[error("{} cannot be understood: {source}. Build again.", path.display())]
    InvalidManifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A later build went without the adapter.
    #[error(
        "{} is of another build than BUILD_ID. Wrap the config with withPuff() and build again.",
        path.display()
    )]
    OtherBuild {
        /// The manifest.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("{} cannot be read: {source}.", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl SiteError {
    /// For users to match on.
    pub fn code(&self) -> &'static str {
        match self {
            SiteError::NoManifest { .. } => "PUFF_SITE_NO_MANIFEST",
            SiteError::UnknownVersion { .. } => "PUFF_SITE_UNKNOWN_VERSION",
            SiteError::InvalidManifest { .. } => "PUFF_SITE_INVALID_MANIFEST",
            SiteError::OtherBuild { .. } => "PUFF_SITE_OTHER_BUILD",
            SiteError::Read { .. } => "PUFF_SITE_READ",
        }
    }

    pub(super) fn read(path: &Path, source: io::Error) -> SiteError {
        SiteError::Read {
            path: path.to_owned(),
            source,
        }
    }
}
