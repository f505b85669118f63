//! Fault injection for `aifi-push serve`, with a ledger of what it acknowledged.

// Printing what was found is the purpose.
#![allow(clippy::print_stdout)]

mod cluster;
mod ledger;
mod load;
mod single;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The `aifi-push` to run.
    #[arg(long, global = true, default_value = "target/release/aifi-push")]
    binary: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Kills, stops, starves and overloads one receiver, and counts what it lost.
    Single {
        /// How often to kill it.
        #[arg(long, default_value_t = 50)]
        kills: u32,
        /// How many misbehaving connections to open.
        #[arg(long, default_value_t = 10_000)]
        connections: u32,
    },
    /// Kills and pauses three receivers, three brokers and three consumers, and counts what they lost.
    Cluster {
        /// For how many seconds.
        #[arg(long, default_value_t = 120)]
        seconds: u64,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let Cli { command, binary } = Cli::parse();
    // It is started in other directories.
    let binary = binary.canonicalize();
    let binary = binary.context("--binary: build it, or name another file")?;
    match command {
        Command::Single { kills, connections } => single::run(&binary, kills, connections).await,
        Command::Cluster { seconds } => cluster::run(&binary, Duration::from_secs(seconds)).await,
    }
}
