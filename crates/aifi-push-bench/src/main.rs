//! Measures `aifi-push serve` and consumers against named baselines.

// Printing the measurements is the purpose.
#![allow(clippy::print_stdout)]

mod baseline;
mod cluster;
mod connection;
mod consumers;
mod full;
mod program;
mod rate;
mod throughput;

use std::path::{Path, PathBuf};

use aifi_push_testkit::{ServeProcess, TempInbox};
use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tokio::task::block_in_place;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The `aifi-push` to measure.
    #[arg(long, global = true, default_value = "target/release/aifi-push")]
    binary: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Acknowledged events per second, against a server that stores nothing and one that commits each
    /// event by itself.
    Throughput,
    /// The same of one to three receivers on three brokers, against bare publishers, and the memory of
    /// a broker.
    Cluster,
    /// Handled events per second, against handlers that wait for nothing else.
    Consumers {
        /// How many events to handle in each measurement.
        #[arg(long, default_value_t = 1000)]
        events: u32,
    },
    /// Memory as events are received, size, and time to start, against a broker.
    Program {
        /// How many events to receive.
        #[arg(long, default_value_t = 1_000_000)]
        events: u64,
    },
    /// How quick an inbox in a file is when it is full: looking, an idle `tail`, appends beside a
    /// retention pass, requeuing dead letters.
    Full {
        /// How many events it contains.
        #[arg(long, default_value_t = 5_000_000)]
        events: u64,
        /// Builds the file in this directory and keeps it, or measures the one that is there.
        #[arg(long, value_name = "PATH")]
        directory: Option<PathBuf>,
    },
    /// Serves as a baseline.
    #[command(hide = true)]
    Baseline { kind: baseline::Baseline },
}

#[tokio::main]
async fn main() -> Result<()> {
    let Cli { command, binary } = Cli::parse();
    // It is started in other directories.
    let binary = || {
        let path = binary.canonicalize();
        path.context("--binary: build it, or name another file")
    };
    match command {
        Command::Throughput => throughput::run(&binary()?).await,
        Command::Cluster => cluster::run(&binary()?).await,
        Command::Consumers { events } => consumers::run(events).await,
        Command::Program { events } => program::run(&binary()?, events).await,
        Command::Full { events, directory } => full::run(&binary()?, events, directory).await,
        Command::Baseline { kind } => baseline::serve(kind).await,
    }
}

/// Starts a receiver on an inbox in a file.
fn serve(binary: &Path, inbox: &TempInbox) -> Result<ServeProcess> {
    block_in_place(|| ServeProcess::serve(binary, inbox.directory(), &["--log", "off"]))
}
