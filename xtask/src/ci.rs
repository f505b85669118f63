//! `cargo xtask ci`: all that must hold before a change lands.

mod dependencies;
mod examples;
mod features;
mod judges;
mod snapshots;

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{downstream, python, regen, release, schema_evolution, semver, torture};

/// Run every check: formatting, lints, documentation, tests, snapshots, packaging.
///
/// It needs nothing but Rust, and Python for the broker that tests start.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also ask the judges from elsewhere, and build with the platform's TLS library.
    ///
    /// The judges are installed under `target/judges`, from crates.io, PyPI and npm: it takes
    /// Python and Node.js. The TLS library takes its C headers: on Debian, the package libssl-dev.
    #[arg(long)]
    all: bool,
    /// Also what is to be seen before a release: the oldest Rust that is promised, what
    /// cargo-semver-checks says, and the files of the release. It takes rustup.
    #[arg(long)]
    release: bool,
    /// Run only the checks whose name holds this, such as one that failed.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

type Check = (&'static str, fn(&Shell) -> Result<()>);

const CHECKS: [Check; 15] = [
    ("formatting", formatting),
    ("lints", lints),
    ("documentation", documentation),
    ("NATS broker", python::nats_server),
    ("tests", snapshots::test_workspace),
    ("examples", examples::run),
    ("feature combinations", features::test),
    ("dependencies", dependencies::check),
    ("snapshots", regen::check),
    ("packages", downstream::package),
    ("services that import the packages", downstream::check),
    ("semver", semver::check),
    ("schema evolution", schema_evolution::check),
    ("torture", torture::short),
    ("torture of many machines", torture::short_nats),
];

const CHECKS_BEFORE_A_RELEASE: [Check; 3] = [
    ("oldest Rust", release::oldest_rust),
    ("cargo-semver-checks", semver::semver_checks),
    ("files of the release", release::files),
];

const CHECKS_FROM_ELSEWHERE: [Check; 8] = [
    ("native TLS", features::test_native_tls),
    ("openapi-spec-validator", judges::openapi_spec_validator),
    ("Redocly", judges::redocly),
    ("schemathesis", judges::schemathesis),
    ("curl", judges::curl),
    ("Prism", judges::prism),
    ("openapi-generator", judges::openapi_generator),
    ("cargo-deny", judges::cargo_deny),
];

/// Runs the checks in turn, up to the first that fails.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<ExitCode> {
    // A snapshot that differs is an error, and is not written.
    sh.set_var("INSTA_UPDATE", "no");
    let mut checks = CHECKS.to_vec();
    if options.all {
        checks.extend(CHECKS_FROM_ELSEWHERE);
    }
    if options.release {
        checks.extend(CHECKS_BEFORE_A_RELEASE);
    }
    let is_meant = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only));
    checks.retain(|(name, _)| is_meant(name));
    ensure!(!checks.is_empty(), "no check has such a name");
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
