//! `inbox`: administration of an inbox.

mod entry;
mod list;
mod prune;
mod replay;
mod requeue;
mod select;
mod show;
mod stats;
mod tail;

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
    Stats(stats::Options),
    Requeue(requeue::Options),
    Replay(replay::Options),
    Prune(prune::Options),
}

pub(crate) async fn run(options: Options) -> Outcome {
    let inbox = options.location.open_existing().await?;
    let inbox = &*inbox;
    match options.command {
        Command::List(options) => list::run(inbox, &options).await,
        Command::Show(options) => show::run(inbox, &options).await,
        Command::Tail(options) => tail::run(inbox, &options).await,
        Command::Stats(options) => stats::run(inbox, &options).await,
        Command::Requeue(options) => requeue::run(inbox, &options).await,
        Command::Replay(options) => replay::run(inbox, &options).await,
        Command::Prune(options) => prune::run(inbox, &options).await,
    }
}
