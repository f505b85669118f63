//! `cargo xtask ci`: everything that must pass before a change lands.

mod browser;
mod dependencies;
mod examples;
mod external;
mod features;
mod installed;
mod manifests;
mod monitoring;
mod snapshots;
mod sqlx;

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, Result, ensure};
pub(crate) use browser::screenshots;
use xshell::{Shell, cmd};

use crate::{
    chaos, downstream, python, random_documents, regen, release, schema_evolution, semver,
};

/// Run every check: formatting, lints, documentation, tests, snapshots, packaging.
///
/// Requires Rust, and Python for the broker that tests start.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also run the external checks, and build with the platform's TLS library.
    ///
    /// The external checks are installed under `target/external`, from crates.io, PyPI, npm and Debian,
    /// which requires Python, Node.js and apt-get. The TLS library requires its C headers: on Debian,
    /// the package libssl-dev. The checks of the Debian package, of the image, of
    /// the monitoring and in a browser require Debian and root, and install with apt-get what they need.
    #[arg(long)]
    all: bool,
    /// Also run the checks before a release: the oldest supported Rust, cargo-semver-checks, and the
    /// files of the release. Requires rustup.
    #[arg(long)]
    release: bool,
    /// Run only the checks whose name contains this, such as one that failed.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

type Check = (&'static str, fn(&Shell) -> Result<()>);

const CHECKS: [Check; 17] = [
    ("formatting", formatting),
    ("lints", lints),
    ("documentation", documentation),
    ("NATS broker", python::nats_server),
    ("tests", snapshots::test_workspace),
    ("examples", examples::run),
    ("feature combinations", features::test),
    ("dependencies", dependencies::check),
    ("beside sqlx", sqlx::check),
    ("snapshots", regen::check),
    ("packages", downstream::package),
    ("services that import the packages", downstream::check),
    ("semver", semver::check),
    ("schema evolution", schema_evolution::check),
    ("random documents", random_documents::check),
    ("chaos", chaos::single_short),
    ("chaos of a cluster", chaos::cluster_short),
];

const CHECKS_BEFORE_A_RELEASE: [Check; 3] = [
    ("oldest Rust", release::oldest_rust),
    ("cargo-semver-checks", semver::semver_checks),
    ("files of the release", release::files),
];

const EXTERNAL_CHECKS: [Check; 13] = [
    ("native TLS", features::test_native_tls),
    ("openapi-spec-validator", external::openapi_spec_validator),
    ("Redocly", external::redocly),
    ("schemathesis", external::schemathesis),
    ("curl", external::curl),
    ("Prism", external::prism),
    ("openapi-generator", external::openapi_generator),
    ("cargo-deny", external::cargo_deny),
    ("monitoring", monitoring::check),
    ("deb", installed::deb),
    ("image", installed::image),
    ("manifests and workflows", manifests::check),
    ("browser", browser::check),
];

/// Runs the checks in turn, up to the first that fails.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<ExitCode> {
    // A snapshot that differs is an error, and is not written.
    sh.set_var("INSTA_UPDATE", "no");
    let mut checks = CHECKS.to_vec();
    if options.all {
        checks.extend(EXTERNAL_CHECKS);
    }
    if options.release {
        checks.extend(CHECKS_BEFORE_A_RELEASE);
    }
    let is_selected = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only));
    checks.retain(|(name, _)| is_selected(name));
    ensure!(
        !checks.is_empty(),
        "no check has such a name: see CHECKS in xtask/src/ci.rs"
    );
    for (name, check) in checks {
        println!("\n=== {name}");
        let start = Instant::now();
        check(sh).with_context(|| format!("{name} failed"))?;
        println!("=== {name}: passed in {} s", start.elapsed().as_secs());
    }
    println!("\nPassed.");
    Ok(ExitCode::SUCCESS)
}

fn formatting(sh: &Shell) -> Result<()> {
    Ok(cmd!(sh, "cargo fmt --all --check").run()?)
}

fn lints(sh: &Shell) -> Result<()> {
    // Not `--all-features`: `native-tls` needs C headers, see `features::test_native_tls`.
    let features = features::WITHOUT_NATIVE_TLS;
    let clippy = cmd!(
        sh,
        "cargo clippy --workspace --all-targets --features {features} -- --deny warnings"
    );
    Ok(clippy.run()?)
}

fn documentation(sh: &Shell) -> Result<()> {
    let features = features::WITHOUT_NATIVE_TLS;
    let doc = cmd!(sh, "cargo doc --workspace --no-deps --features {features}");
    Ok(doc.env("RUSTDOCFLAGS", "--deny warnings").run()?)
}
