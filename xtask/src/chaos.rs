//! `cargo xtask chaos`: what was acknowledged is never lost.

use std::process::ExitCode;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{crates_io, python};

/// Inject faults into `serve`, and count what it acknowledged and lost.
///
/// Requires Linux. The exit code is not 0 if anything was lost.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to inject faults into.
    #[arg(value_enum, default_value = "single")]
    target: Target,
    /// A shorter form, on a debug build, as in `ci`.
    #[arg(long)]
    short: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Target {
    /// One receiver, and the decoder, which is fuzzed.
    Single,
    /// Three brokers, receivers and consumers.
    Cluster,
}

/// Runs the faults, and the fuzzer in the long form.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<ExitCode> {
    match (options.target, options.short) {
        (Target::Single, true) => single_short(sh)?,
        (Target::Cluster, true) => cluster_short(sh)?,
        (Target::Single, false) => {
            chaos(sh, "release", &["single"])?;
            fuzz(sh)?;
        }
        (Target::Cluster, false) => {
            python::nats_server(sh)?;
            chaos(sh, "release", &["cluster", "--seconds", "300"])?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The short form for one receiver.
pub(crate) fn single_short(sh: &Shell) -> Result<()> {
    let bounds = ["--kills", "8", "--connections", "1000"];
    chaos(sh, "dev", &[&["single"], &bounds[..]].concat())
}

/// The short form for a cluster.
pub(crate) fn cluster_short(sh: &Shell) -> Result<()> {
    python::nats_server(sh)?;
    chaos(sh, "dev", &["cluster", "--seconds", "20"])
}

fn chaos(sh: &Shell, profile: &str, arguments: &[&str]) -> Result<()> {
    let packages = ["--package", "aifi-push-cli", "--package", "aifi-push-chaos"];
    cmd!(sh, "cargo build --quiet --profile {profile} {packages...}").run()?;
    let directory = if profile == "dev" { "debug" } else { profile };
    let programs = sh.current_dir().join("target").join(directory);
    let (chaos, binary) = (programs.join("aifi-push-chaos"), programs.join("aifi-push"));
    Ok(cmd!(sh, "{chaos} --binary {binary} {arguments...}").run()?)
}

/// Searches for bodies that the models fail to decode and encode without loss.
fn fuzz(sh: &Shell) -> Result<()> {
    let fuzz = crates_io::install(sh, "cargo-fuzz@0.13.2", &[])?;
    let _directory = sh.push_dir("crates/aifi-push/fuzz");
    // The coverage flags require a nightly compiler, or this variable.
    let run = cmd!(
        sh,
        "{fuzz} run --fuzz-dir . --sanitizer none decode -- -max_total_time=60"
    );
    Ok(run.env("RUSTC_BOOTSTRAP", "1").run()?)
}
