//! `inbox`: administration of an inbox.

mod audit;
mod backup;
mod by_cause;
mod choice;
mod consumers;
mod discard;
mod entry;
mod erase;
mod export;
mod find;
mod list;
mod problems;
mod prune;
mod replay;
mod requeue;
mod restore;
mod select;
mod show;
mod stats;
mod subject;
mod tail;
mod visits;

use clap::Subcommand;

use crate::{Outcome, location::Location};

/// Inspect and manage an inbox, also while `serve` receives into it.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    location: Location,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Options),
    Show(show::Options),
    Tail(tail::Options),
    Visits(visits::Options),
    Stats(stats::Options),
    Problems(problems::Options),
    Requeue(requeue::Options),
    Replay(replay::Options),
    Discard(discard::Options),
    Consumers(consumers::Options),
    Prune(prune::Options),
    Find(find::Options),
    Export(export::Options),
    Erase(erase::Options),
    Backup(backup::Options),
    Restore(restore::Options),
    Audit(audit::Options),
}

pub(crate) async fn run(Options { location, command }: Options) -> Outcome {
    match command {
        Command::List(options) => list::run(&*location.open_read_only().await?, &options).await,
        Command::Show(options) => show::run(&*location.open_read_only().await?, &options).await,
        Command::Tail(options) => tail::run(&*location.open_read_only().await?, &options).await,
        Command::Visits(options) => visits::run(&*location.open_read_only().await?, options).await,
        Command::Stats(options) => stats::run(&*location.open_read_only().await?, &options).await,
        Command::Problems(options) => {
            problems::run(&*location.open_read_only().await?, &options).await
        }
        Command::Requeue(options) => {
            requeue::run(&*location.open_existing().await?, &options).await
        }
        Command::Replay(options) => replay::run(&*location.open_existing().await?, &options).await,
        Command::Discard(options) => {
            discard::run(&*location.open_existing().await?, &options).await
        }
        Command::Consumers(options) if options.only_lists() => {
            consumers::run(&*location.open_read_only().await?, &options).await
        }
        Command::Consumers(options) => {
            consumers::run(&*location.open_existing().await?, &options).await
        }
        Command::Prune(options) => prune::run(&*location.open_existing().await?, &options).await,
        Command::Find(options) => find::run(&*location.open_read_only().await?, &options).await,
        Command::Export(options) => export::run(&*location.open_read_only().await?, &options).await,
        Command::Erase(options) => erase::run(&*location.open_existing().await?, &options).await,
        Command::Backup(options) => backup::run(&location, &options).await,
        Command::Restore(options) => restore::run(&location, options).await,
        Command::Audit(options) => audit::run(&*location.open_read_only().await?, &options).await,
    }
}
