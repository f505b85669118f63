//! Changes of the document that break services, and some that do not: the result of `cargo xtask
//! diff` for each is compared with that of the compiler, and with that of cargo-semver-checks.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use openapiv3::OpenAPI;
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::{crates_io, diff, downstream, schema_evolution, service, workspace::DOCUMENT};

/// A change and its expected effect.
struct Change {
    name: &'static str,
    make: fn(&str) -> Result<String>,
    is_breaking: bool,
    /// Whether cargo-semver-checks reports it. It compares names and kinds, but not types of fields.
    is_reported: bool,
}

const CHANGES: [Change; 6] = [
    Change {
        name: "a field is removed",
        make: |document| {
            schemas(document, |schemas| {
                remove(&mut schemas["Store"]["properties"], "aifiUniqueStoreId");
            })
        },
        is_breaking: true,
        is_reported: true,
    },
    Change {
        name: "a field becomes required",
        make: |document| {
            schemas(document, |schemas| {
                let store = &mut schemas["Store"];
                store["required"] = json!(["oasisApiStoreId"]);
                remove(&mut store["properties"]["oasisApiStoreId"], "nullable");
            })
        },
        is_breaking: true,
        is_reported: true,
    },
    Change {
        name: "the type of a field changes",
        make: |document| {
            schemas(document, |schemas| {
                let field = &mut schemas["TransitionLeft"]["properties"]["storeId"];
                field["type"] = json!("string");
                remove(field, "format");
            })
        },
        is_breaking: true,
        is_reported: false,
    },
    Change {
        name: "a value is removed from an extensible enum",
        make: |document| {
            schemas(document, |schemas| {
                schemas["PaymentProvider"]["x-extensible-enum"] = json!(["STRIPE"]);
            })
        },
        is_breaking: true,
        is_reported: true,
    },
    Change {
        name: "a value is added to an extensible enum",
        make: |document| {
            schemas(document, |schemas| {
                schemas["SessionStatus"]["x-extensible-enum"] = json!(["active", "closed"]);
            })
        },
        is_breaking: false,
        is_reported: false,
    },
    Change {
        name: "operations and a field are added",
        make: schema_evolution::evolve,
        is_breaking: false,
        is_reported: false,
    },
];

/// Checks that the compiler agrees with `cargo xtask diff`, by a service written for the old
/// document.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let old = sh.read_file(DOCUMENT)?;
    for Change {
        name,
        make,
        is_breaking,
        ..
    } in CHANGES
    {
        let new = make(&old)?;
        let difference = diff::of_texts(&old, &new)?;
        ensure!(
            difference.is_breaking == is_breaking,
            "{name}: {}",
            difference.text
        );
        let compiles = downstream::models_of(sh, &new)?.compiles(sh)?;
        ensure!(
            compiles != is_breaking,
            "{name}: the service compiles: {compiles}"
        );
        println!(
            "{name}: {}",
            if compiles { "compatible" } else { "breaking" }
        );
    }
    Ok(())
}

/// Checks that cargo-semver-checks agrees, as far as it goes.
pub(crate) fn semver_checks(sh: &Shell) -> Result<()> {
    let program = crates_io::install(sh, "cargo-semver-checks@0.51.0", &["--debug"])?;
    let old = sh.read_file(DOCUMENT)?;
    let baseline = rustdoc(sh, &old, "old")?;
    for Change {
        name,
        make,
        is_reported,
        ..
    } in CHANGES
    {
        let current = rustdoc(sh, &make(&old)?, "new")?;
        let output = cmd!(
            sh,
            "{program} semver-checks --release-type minor
                --baseline-rustdoc {baseline} --current-rustdoc {current}"
        );
        let output = output.quiet().ignore_status().output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let found = text.lines().filter(|line| line.starts_with("--- failure"));
        let found: Vec<_> = found.collect();
        ensure!(
            found.is_empty() == output.status.success(),
            "{name}: {text}"
        );
        ensure!(found.is_empty() != is_reported, "{name}: {found:?}");
        println!("{name}: {found:?}");
    }
    Ok(())
}

/// Returns the public API of the crate that is generated from a document, as JSON of rustdoc.
fn rustdoc(sh: &Shell, document: &str, name: &str) -> Result<PathBuf> {
    let target = service::target(sh);
    let _directory = sh.push_dir(downstream::models_of(sh, document)?.create(sh)?);
    // The format is unstable, so it requires a nightly compiler, or this variable.
    cmd!(
        sh,
        "cargo rustdoc --quiet --package aifi-push --lib --
            -Z unstable-options --output-format json --document-private-items"
    )
    .env("RUSTC_BOOTSTRAP", "1")
    .env("CARGO_TARGET_DIR", &target)
    .quiet()
    .run()?;
    let json = target.join(format!("{name}.json"));
    sh.copy_file(target.join("doc/aifi_push.json"), &json)?;
    Ok(json)
}

/// Returns the document with a change of its schemas.
fn schemas(document: &str, change: impl FnOnce(&mut Value)) -> Result<String> {
    // Unlike a `Value`, it keeps the order of the operations, which decides their kinds.
    let mut document: OpenAPI = serde_json::from_str(document)?;
    let schemas = &mut document.components.get_or_insert_default().schemas;
    let old = serde_json::to_value(&schemas)?;
    let mut new = old.clone();
    change(&mut new);
    ensure!(new != old, "the change has no effect");
    *schemas = serde_json::from_value(new)?;
    Ok(serde_json::to_string(&document)?)
}

fn remove(value: &mut Value, key: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(key);
    }
}
