//! The combinations of features build without warnings, and the tests of `aifi-push` pass with those that
//! matter at run time.

use anyhow::Result;
use xshell::{Shell, cmd};

/// All features that require nothing but Rust, for commands on the whole workspace.
pub(super) const WITHOUT_NATIVE_TLS: &str =
    "aifi-push/rust_decimal,aifi-push/schemars,aifi-push-cli/otel";

const FEATURES: [&str; 4] = ["client", "codegen", "schemars", "rustls"];

/// Combinations whose code differs where the program runs. The tests of the workspace have all four.
const TESTED: [&str; 5] = ["", "client", "client,rustls", "retry", "rust_decimal"];

/// What another crate of a service may enable, and no number may change.
const PRECISION: &str = "codegen,schemars,serde_json/arbitrary_precision,serde_json/preserve_order";

pub(super) fn test(sh: &Shell) -> Result<()> {
    for features in TESTED.into_iter().chain([PRECISION]) {
        test_with(sh, features)?;
    }
    for features in combinations() {
        let features = features.join(",");
        let clippy = cmd!(
            sh,
            "cargo clippy --quiet --package aifi-push --all-targets --no-default-features
                --features {features} -- --deny warnings"
        );
        clippy.run()?;
    }
    let inbox = ["", "sqlite", "jetstream", "sqlite,jetstream"];
    let receiver = ["", "server", "tls", "server,sqlite", "jetstream", "admin"];
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

/// Lints and documentation with all features, and tests with `native-tls`, where there is a client to use it.
pub(super) fn test_native_tls(sh: &Shell) -> Result<()> {
    cmd!(
        sh,
        "cargo clippy --workspace --all-targets --all-features -- --deny warnings"
    )
    .run()?;
    // As docs.rs does.
    cmd!(sh, "cargo doc --workspace --no-deps --all-features")
        .env("RUSTDOCFLAGS", "--deny warnings")
        .run()?;
    test_with(sh, "client,native-tls")?;
    test_with(sh, "client,rustls,native-tls")
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

fn test_with(sh: &Shell, features: &str) -> Result<()> {
    let test = cmd!(
        sh,
        "cargo test --quiet --package aifi-push --no-default-features --features {features}"
    );
    Ok(test.run()?)
}
