//! The chores of this workspace: `cargo xtask --help`.

// Printing what was done is the purpose.
#![allow(clippy::print_stdout)]

mod bench;
mod builds;
mod chaos;
mod ci;
mod compare;
mod crates_io;
mod debian;
mod diff;
mod document;
mod downstream;
mod generate;
mod package;
mod python;
mod random_documents;
mod regen;
mod release;
mod schema_evolution;
mod semver;
mod service;
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
    Generate(generate::Options),
    Ci(ci::Options),
    Diff(diff::Options),
    RandomDocuments(random_documents::Options),
    Bench(bench::Options),
    Compare(compare::Options),
    Chaos(chaos::Options),
    Package(package::Options),
    /// Build the files of a release, under target/release-files: the program, a Debian package, an
    /// image, the SBOM, the crates.
    Release,
    /// Install the NATS broker that tests start, under target/external.
    NatsServer,
    /// Take the screenshots in docs/page again, in a quarter of an hour. Requires Debian, root and
    /// Node.js.
    Screenshots,
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            // If this fails too, there is nowhere to report it.
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
        Command::Generate(options) => generate::run(options),
        Command::Ci(options) => ci::run(&sh, options),
        Command::Diff(options) => diff::run(&sh, options),
        Command::RandomDocuments(options) => random_documents::run(&sh, options),
        Command::Bench(_) => bench::run(&sh),
        Command::Compare(_) => compare::run(&sh),
        Command::Chaos(options) => chaos::run(&sh, options),
        Command::Package(options) => package::run(&sh, options).map(|()| ExitCode::SUCCESS),
        Command::Release => release::files(&sh).map(|()| ExitCode::SUCCESS),
        Command::NatsServer => python::nats_server(&sh).map(|()| ExitCode::SUCCESS),
        Command::Screenshots => ci::screenshots(&sh).map(|()| ExitCode::SUCCESS),
    }
}
