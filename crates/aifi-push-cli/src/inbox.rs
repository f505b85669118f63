//! `inbox`: administration of an inbox.

mod choice;
mod consumers;
mod discard;
mod entry;
mod erase;
mod export;
mod find;
mod list;
mod prune;
mod replay;
mod requeue;
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
    Requeue(requeue::Options),
    Replay(replay::Options),
    Discard(discard::Options),
    Consumers(consumers::Options),
    Prune(prune::Options),
    Find(find::Options),
    Export(export::Options),
    Erase(erase::Options),
}

pub(crate) async fn run(options: Options) -> Outcome {
    let inbox = match &options.command {
        Command::List(_)
        | Command::Show(_)
        | Command::Tail(_)
        | Command::Visits(_)
        | Command::Stats(_)
        | Command::Find(_)
        | Command::Export(_) => options.location.open_read_only().await?,
        Command::Consumers(consumers) if consumers.only_lists() => {
            options.location.open_read_only().await?
        }
        _ => options.location.open_existing().await?,
    };
    let inbox = &*inbox;
    match options.command {
        Command::List(options) => list::run(inbox, &options).await,
        Command::Show(options) => show::run(inbox, &options).await,
        Command::Tail(options) => tail::run(inbox, &options).await,
        Command::Visits(options) => visits::run(inbox, options).await,
        Command::Stats(options) => stats::run(inbox, &options).await,
        Command::Requeue(options) => requeue::run(inbox, &options).await,
        Command::Replay(options) => replay::run(inbox, &options).await,
        Command::Discard(options) => discard::run(inbox, &options).await,
        Command::Consumers(options) => consumers::run(inbox, &options).await,
        Command::Prune(options) => prune::run(inbox, &options).await,
        Command::Find(options) => find::run(inbox, &options).await,
        Command::Export(options) => export::run(inbox, &options).await,
        Command::Erase(options) => erase::run(inbox, &options).await,
    }
}
