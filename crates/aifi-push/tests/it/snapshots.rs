//! The reviewed copies of what is generated.
//!
//! If one of these tests fails, run `cargo xtask regen` and review the changes.

use std::env;

use aifi_push::types;
use insta::{Settings, assert_binary_snapshot, assert_snapshot};
use serde_json::Value;

use crate::public_api::public_api as list;

const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/generated.rs"));

fn settings() -> Settings {
    let reviewed = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots").to_owned();
    // `cargo xtask regen` writes fresh ones elsewhere, to compare them with the reviewed.
    let directory = env::var("AIFI_PUSH_SNAPSHOTS").unwrap_or(reviewed);
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(directory);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// A binary snapshot has its header in a separate file, so that builds without the generator can
/// compile it.
#[test]
fn generated() {
    settings().bind(|| assert_binary_snapshot!("generated.rs", GENERATED.into()));
}

#[test]
fn public_api() {
    settings().bind(|| assert_snapshot!("public_api", list(GENERATED)));
}

#[test]
fn json_schema() {
    let mut schema: Value = types::json_schema().into();
    // Whether keys come sorted depends on the features of serde_json in the build.
    schema.sort_all_objects();
    settings().bind(|| assert_snapshot!("json_schema", format!("{schema:#}")));
}

/// The source of a document that uses what ours does not: `tests/ordinary` compiles it.
#[test]
fn ordinary() {
    let document = include_str!("../../../aifi-push-codegen/tests/documents/orders.json");
    let source = aifi_push_codegen::generate(document).unwrap();
    settings().bind(|| assert_binary_snapshot!("ordinary.rs", source.into()));
}
