//! Changes of the document that break a service, and some that do not: what `cargo xtask diff` says of
//! each is held against the compiler, and against cargo-semver-checks.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::{crates_io, diff, downstream, evolution, service, workspace::DOCUMENT};

/// A change, and what is known of it.
struct Change {
    name: &'static str,
    make: fn(&str) -> Result<String>,
    is_breaking: bool,
    /// Whether cargo-semver-checks finds it. It compares names and kinds, and no types of fields.
    is_found: bool,
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
        is_found: true,
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
        is_found: true,
    },
    Change {
        name: "a field gets another type",
        make: |document| {
            schemas(document, |schemas| {
                let field = &mut schemas["TransitionLeft"]["properties"]["storeId"];
                field["type"] = json!("string");
                remove(field, "format");
            })
        },
        is_breaking: true,
        is_found: false,
    },
    Change {
        name: "a value is removed from an open set",
        make: |document| {
            schemas(document, |schemas| {
                schemas["PaymentProvider"]["x-extensible-enum"] = json!(["STRIPE"]);
            })
        },
        is_breaking: true,
        is_found: true,
    },
    Change {
        name: "a value is added to an open set",
        make: |document| {
            schemas(document, |schemas| {
                schemas["SessionStatus"]["x-extensible-enum"] = json!(["active", "closed"]);
            })
        },
        is_breaking: false,
        is_found: false,
    },
    Change {
        name: "operations and a field are added",
        make: evolution::evolve,
        is_breaking: false,
        is_found: false,
    },
];

/// The compiler agrees with `cargo xtask diff`, by a service that was written before.
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
        let says = diff::of_texts(&old, &new)?;
        ensure!(says.is_breaking == is_breaking, "{name}: {}", says.text);
        let compiles = downstream::models_of(sh, &new)?.compiles(sh)?;
        ensure!(compiles != is_breaking, "{name}: compiles is {compiles}");
        println!(
            "{name}: {}",
            if compiles { "compatible" } else { "breaking" }
        );
    }
    Ok(())
}

/// cargo-semver-checks agrees, where it looks.
pub(crate) fn semver_checks(sh: &Shell) -> Result<()> {
    let program = crates_io::install(sh, "cargo-semver-checks@0.51.0", &["--debug"])?;
    let old = sh.read_file(DOCUMENT)?;
    let baseline = rustdoc(sh, &old, "old")?;
    for Change {
        name,
        make,
        is_found,
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
        ensure!(found.is_empty() != is_found, "{name}: {found:?}");
        println!("{name}: {found:?}");
    }
    Ok(())
}

/// The public API of the crate that is generated from a document, as rustdoc's JSON.
fn rustdoc(sh: &Shell, document: &str, name: &str) -> Result<PathBuf> {
    let target = service::target(sh);
    let _directory = sh.push_dir(downstream::models_of(sh, document)?.create(sh)?);
    // The form is not stable, so it takes a nightly compiler, or one that is told to be.
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

/// The document with a change of its schemas.
fn schemas(document: &str, change: impl FnOnce(&mut Value)) -> Result<String> {
    let old: Value = serde_json::from_str(document)?;
    let mut new = old.clone();
    change(&mut new["components"]["schemas"]);
    ensure!(new != old, "the change changes nothing");
    Ok(new.to_string())
}

fn remove(value: &mut Value, key: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(key);
    }
}
