//! `cargo xtask torture`: what was acknowledged is never lost.

use std::process::ExitCode;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{crates_io, python};

/// Kill, stop, starve and overload `serve`, and count what it acknowledged and lost.
///
/// It takes Linux. The exit code is not 0 if anything was lost.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A shorter form of it, on a debug build, as in `ci`.
    #[arg(long)]
    short: bool,
    /// Which inbox to torture: of one machine, or of three brokers and three receivers.
    #[arg(long, value_enum, default_value = "sqlite")]
    inbox: Inbox,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Inbox {
    Sqlite,
    Nats,
}

/// Runs the trials, and the fuzzer in the long form.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<ExitCode> {
    match (options.inbox, options.short) {
        (Inbox::Sqlite, true) => short(sh)?,
        (Inbox::Nats, true) => short_nats(sh)?,
        (Inbox::Sqlite, false) => {
            build(sh, &["--release"])?;
            let torture = "target/release/aifi-push-torture";
            cmd!(sh, "{torture} torture --binary target/release/aifi-push").run()?;
            fuzz(sh)?;
        }
        (Inbox::Nats, false) => {
            python::nats_server(sh)?;
            build(sh, &["--release"])?;
            let torture = "target/release/aifi-push-torture";
            cmd!(
                sh,
                "{torture} machines --binary target/release/aifi-push --seconds 300"
            )
            .run()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The same, ten times shorter.
pub(crate) fn short(sh: &Shell) -> Result<()> {
    build(sh, &[])?;
    let torture = "target/debug/aifi-push-torture";
    let bounds = ["--kills", "8", "--connections", "1000"];
    Ok(cmd!(
        sh,
        "{torture} torture --binary target/debug/aifi-push {bounds...}"
    )
    .run()?)
}

/// The same to brokers and receivers.
pub(crate) fn short_nats(sh: &Shell) -> Result<()> {
    python::nats_server(sh)?;
    build(sh, &[])?;
    let torture = "target/debug/aifi-push-torture";
    Ok(cmd!(
        sh,
        "{torture} machines --binary target/debug/aifi-push --seconds 20"
    )
    .run()?)
}

/// How fast it is, on one machine and on many.
pub(crate) fn speed(sh: &Shell) -> Result<()> {
    python::nats_server(sh)?;
    build(sh, &["--release"])?;
    let torture = "target/release/aifi-push-torture";
    cmd!(sh, "{torture} speed --binary target/release/aifi-push").run()?;
    Ok(cmd!(
        sh,
        "{torture} machines-speed --binary target/release/aifi-push"
    )
    .run()?)
}

/// Builds the tool and what tortures it.
pub(crate) fn build(sh: &Shell, profile: &[&str]) -> Result<()> {
    let packages = [
        "--package",
        "aifi-push-cli",
        "--package",
        "aifi-push-torture",
    ];
    Ok(cmd!(sh, "cargo build --quiet {profile...} {packages...}").run()?)
}

/// Looks for bytes that the models don't decode and encode without loss.
fn fuzz(sh: &Shell) -> Result<()> {
    let fuzz = crates_io::install(sh, "cargo-fuzz@0.13.2", &[])?;
    let _directory = sh.push_dir("crates/aifi-push/fuzz");
    // The sanitizers take a nightly compiler, or one that is told to be.
    let run = cmd!(
        sh,
        "{fuzz} run --fuzz-dir . --sanitizer none decode -- -max_total_time=60"
    );
    Ok(run.env("RUSTC_BOOTSTRAP", "1").run()?)
}
