//! Which builds are understood.

use std::fs;

use puff_server::site::SiteError;
use serde_json::json;

use crate::support::{App, BUILD_ID};

#[test]
fn a_build_without_the_adapter_says_what_to_do() {
    let app = App::new();
    app.write(".next/BUILD_ID", BUILD_ID);
    let error = app.try_open().err().expect("an error");
    assert_eq!(error.code(), "PUFF_SITE_NO_MANIFEST");
    assert!(error.to_string().contains("withPuff()"), "{error}");
}

#[test]
fn what_another_build_left_is_not_used() {
    let app = App::new();
    app.open();
    app.write(".next/BUILD_ID", "build-2");
    assert!(matches!(app.try_open(), Err(SiteError::OtherBuild { .. })));
}

#[test]
fn another_version_is_told_from_nonsense() {
    let app = App::new();
    app.open();
    app.write(
        ".next/next-puff/site.json",
        json!({ "version": 2 }).to_string(),
    );
    assert!(matches!(
        app.try_open(),
        Err(SiteError::UnknownVersion { version: 2, .. })
    ));
    for text in ["", "{", r#"{"version":1}"#, r#"{"version":1,"buildId":7}"#] {
        app.write(".next/next-puff/site.json", text);
        assert!(
            matches!(app.try_open(), Err(SiteError::InvalidManifest { .. })),
            "{text}"
        );
    }
}

#[test]
fn folders_that_are_not_there_have_no_files() {
    let app = App::new();
    fs::remove_dir(app.path("public")).expect("no folder");
    fs::remove_dir(app.path(".next/static")).expect("no folder");
    app.open();
}
