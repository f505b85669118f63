//! Kills, starves and overloads `aifi-push serve`, and counts what it lost.

// Telling what was found is what this is for.
#![allow(clippy::print_stdout)]

mod crowd;
mod end;
mod full;
mod ledger;
mod load;
mod machines;
mod serving;
mod speed;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Does to the receiver what a bad day does, and counts what was acknowledged and lost.
    Torture {
        /// The `aifi-push` to torture.
        #[arg(long)]
        binary: PathBuf,
        /// How often to kill it.
        #[arg(long, default_value_t = 50)]
        kills: u32,
        /// How many misbehaving connections to open.
        #[arg(long, default_value_t = 10_000)]
        connections: u32,
    },
    /// The same to three receivers on three brokers, which die and hang as well.
    Machines {
        /// The `aifi-push` to torture.
        #[arg(long)]
        binary: PathBuf,
        /// For how many seconds.
        #[arg(long, default_value_t = 120)]
        seconds: u64,
    },
    /// Measures how fast three brokers make receivers, against a publisher that does nothing else.
    MachinesSpeed {
        /// The `aifi-push` to measure.
        #[arg(long)]
        binary: PathBuf,
    },
    /// Measures how fast events are acknowledged, against peers that do less.
    Speed {
        /// The `aifi-push` to measure.
        #[arg(long)]
        binary: PathBuf,
        /// How many events to send in the measurement of memory.
        #[arg(long, default_value_t = 1_000_000)]
        events: u64,
    },
    /// Serves as a peer to measure against.
    #[command(hide = true)]
    Peer { kind: speed::Peer },
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Torture {
            binary,
            kills,
            connections,
        } => {
            let trials = [
                end::by_kill(&binary, kills).await?,
                end::by_sigterm(&binary, kills.div_ceil(5)).await?,
                full::run(&binary).await?,
                crowd::run(&binary, connections).await?,
            ];
            println!("\n| trial | acknowledged | found | lost |\n|---|--:|--:|--:|");
            for trial in &trials {
                let (name, stored, lost) = (trial.name, trial.acknowledged, trial.lost);
                println!("| {name} | {stored} | {} | {lost} |", stored - lost);
            }
            let lost: usize = trials.iter().map(|trial| trial.lost).sum();
            ensure!(lost == 0, "{lost} acknowledged events were lost");
        }
        Command::Machines { binary, seconds } => {
            machines::run(&binary, Duration::from_secs(seconds)).await?;
        }
        Command::MachinesSpeed { binary } => speed::machines::run(&binary).await?,
        Command::Speed { binary, events } => speed::run(&binary, events).await?,
        Command::Peer { kind } => speed::serve(kind).await?,
    }
    Ok(ExitCode::SUCCESS)
}
