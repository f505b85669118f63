//! The combinations of features build without warnings, and the tests of `aifi-push` pass with each.

use anyhow::Result;
use xshell::{Shell, cmd};

/// All features that require nothing but Rust, for commands on the whole workspace.
pub(super) const WITHOUT_NATIVE_TLS: &str = "aifi-push/rust_decimal,aifi-push/schemars";

const FEATURES: [&str; 4] = ["client", "codegen", "schemars", "rustls"];

pub(super) fn test(sh: &Shell) -> Result<()> {
    combinations()
        .iter()
        .try_for_each(|features| test_with(sh, features))?;
    // Part of `client`, which the combinations contain.
    test_with(sh, &["retry"])?;
    test_with(sh, &["rust_decimal"])?;
    // Another crate of a service may enable them, and no number may change.
    let precision = "serde_json/arbitrary_precision";
    test_with(
        sh,
        &[
            "codegen",
            "schemars",
            precision,
            "serde_json/preserve_order",
        ],
    )?;
    let inbox = ["", "sqlite", "jetstream", "sqlite,jetstream"];
    let receiver = ["", "server", "tls", "server,sqlite", "jetstream"];
    check_with(sh, "aifi-push-inbox", &inbox)?;
    check_with(sh, "aifi-push-receiver", &receiver)
}

fn check_with(sh: &Shell, package: &str, combinations: &[&str]) -> Result<()> {
    combinations.iter().try_for_each(|features| {
        let clippy = cmd!(
            sh,
            "cargo clippy --quiet --package {package} --no-default-features --features {features}
                -- --deny warnings"
        );
        Ok(clippy.run()?)
    })
}

/// The same with `native-tls`, where there is a client to use it.
pub(super) fn test_native_tls(sh: &Shell) -> Result<()> {
    cmd!(
        sh,
        "cargo clippy --workspace --all-targets --all-features -- --deny warnings"
    )
    .run()?;
    let combinations = combinations().into_iter();
    combinations
        .filter(|features| features.contains(&"client"))
        .try_for_each(|mut features| {
            features.push("native-tls");
            test_with(sh, &features)
        })
}

fn combinations() -> Vec<Vec<&'static str>> {
    let mut all = FEATURES
        .iter()
        .fold(vec![Vec::new()], |combinations, feature| {
            let with = combinations
                .iter()
                .map(|features| [&features[..], &[*feature]].concat());
            combinations.iter().cloned().chain(with).collect()
        });
    // Without a client, TLS changes nothing.
    all.retain(|features| features.contains(&"client") || !features.contains(&"rustls"));
    all
}

fn test_with(sh: &Shell, features: &[&str]) -> Result<()> {
    let features = features.join(",");
    let test = cmd!(
        sh,
        "cargo test --quiet --package aifi-push --no-default-features --features {features}"
    );
    Ok(test.run()?)
}
