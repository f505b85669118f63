//! The chores of this workspace: `cargo xtask --help`.

// Telling what is done is what these commands are for.
#![allow(clippy::print_stdout)]

mod bench;
mod builds;
mod ci;
mod compare;
mod crates_io;
mod diff;
mod downstream;
mod python;
mod regen;
mod release;
mod schema_evolution;
mod semver;
mod service;
mod serving;
mod torture;
mod workspace;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Parser, Subcommand};
use xshell::Shell;

/// The chores of this workspace.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Regen(regen::Options),
    Ci(ci::Options),
    Diff(diff::Options),
    Bench(bench::Options),
    Compare(compare::Options),
    Torture(torture::Options),
    /// Build what is released, under target/release-files: a static program, its SBOM, the packages.
    Release,
    /// Install the NATS broker that tests start, under target/judges.
    NatsServer,
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            // There is nobody to tell if this fails as well.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    let sh = Shell::new()?;
    sh.change_dir(workspace::root());
    match command {
        Command::Regen(options) => regen::run(&sh, options),
        Command::Ci(options) => ci::run(&sh, options),
        Command::Diff(options) => diff::run(&sh, options),
        Command::Bench(_) => bench::run(&sh),
        Command::Compare(_) => compare::run(&sh),
        Command::Torture(options) => torture::run(&sh, options),
        Command::Release => release::files(&sh).map(|()| ExitCode::SUCCESS),
        Command::NatsServer => python::nats_server(&sh).map(|()| ExitCode::SUCCESS),
    }
}
