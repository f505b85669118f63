//! What a user of `aifi-push` was promised not to find in the dependency tree.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

pub(super) fn check(sh: &Shell) -> Result<()> {
    // The models alone.
    let network = ["http", "hyper", "reqwest", "rustls", "tokio", "tracing"];
    check_absent(sh, "schemars", &network)?;
    // The reviewed snapshot instead of the generator.
    let generator = [
        "aifi-push-codegen",
        "openapiv3",
        "progenitor-impl",
        "typify",
    ];
    check_absent(sh, "client,schemars,rustls", &generator)?;
    // A receiver sends nothing.
    let sender = [&["async-nats", "reqwest"], &generator[..]].concat();
    check_absent_in(sh, "aifi-push-receiver", "", &sender)?;
    // A regular expression engine comes with each `pattern` that progenitor sees.
    check_absent(sh, "client,rustls", &["regex", "regress"])
}

fn check_absent(sh: &Shell, features: &str, absent: &[&str]) -> Result<()> {
    check_absent_in(sh, "aifi-push", features, absent)
}

fn check_absent_in(sh: &Shell, package: &str, features: &str, absent: &[&str]) -> Result<()> {
    let name_only = "{lib}";
    let tree = cmd!(
        sh,
        "cargo tree --package {package} --no-default-features --features {features}
            --edges normal,build --prefix none --format {name_only}"
    );
    let tree = tree.read()?;
    println!(
        "{package} with {features:?}: {} crates",
        crates(&tree).len()
    );
    for name in absent {
        let library = name.replace('-', "_");
        ensure!(
            !crates(&tree).contains(&library.as_str()),
            "with the features {features:?}, {package} depends on {name}"
        );
    }
    Ok(())
}

fn crates(tree: &str) -> std::collections::BTreeSet<&str> {
    tree.lines()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect()
}
