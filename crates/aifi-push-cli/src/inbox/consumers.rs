//! `inbox consumers`

use aifi_push_receiver::inbox::{ConsumerName, ConsumerStats, Inbox};
use anyhow::{Context, Result};
use clap::Subcommand;

use super::{audit, stats};
use crate::{Outcome, confirm::confirm, output};

/// List who consumes events, and how far each is; pause, resume and remove consumers.
///
/// What a consumer has yet to acknowledge is kept for it, whether it runs or not.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print JSON, one consumer on each line.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Pause a consumer: it receives nothing, also after a restart, until it is resumed.
    ///
    /// What it has in hand it can still acknowledge. Events wait for it.
    Pause {
        /// Name of the consumer.
        name: ConsumerName,
    },
    /// Resume a consumer that was paused. It receives again within about a second.
    Resume {
        /// Name of the consumer.
        name: ConsumerName,
    },
    /// Remove a consumer that no longer runs, with its place, its retries and its dead letters.
    ///
    /// Events that are kept for it alone can be pruned then. If it is run again, it starts anew.
    Remove {
        /// Name of the consumer.
        name: ConsumerName,
        /// Remove it without asking.
        #[arg(long, short)]
        yes: bool,
    },
}

impl Options {
    pub(super) fn only_lists(&self) -> bool {
        self.command.is_none()
    }
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    match &options.command {
        Some(Command::Pause { name }) => return pause(inbox, name).await,
        Some(Command::Resume { name }) => return resume(inbox, name).await,
        Some(Command::Remove { name, yes }) => return remove(inbox, name, *yes).await,
        None => {}
    }
    let consumers = inbox.stats().await?.consumers;
    if options.json {
        for consumer in &consumers {
            output::json(&stats::consumer(consumer))?;
        }
    } else {
        output::table(&stats::table(&consumers))?;
    }
    Ok(true)
}

async fn pause(inbox: &dyn Inbox, name: &ConsumerName) -> Outcome {
    let consumer = find(inbox, name).await?;
    inbox.pause_consumer(name).await?;
    audit::record(inbox, audit::entry("pause", name.as_str())).await?;
    let pending = consumer.pending;
    output::line(format_args!(
        "paused consumer {name}, with {pending} pending events"
    ))?;
    Ok(true)
}

async fn resume(inbox: &dyn Inbox, name: &ConsumerName) -> Outcome {
    let consumer = find(inbox, name).await?;
    inbox.resume_consumer(name).await?;
    audit::record(inbox, audit::entry("resume", name.as_str())).await?;
    let pending = consumer.pending;
    output::line(format_args!(
        "resumed consumer {name}, with {pending} pending events"
    ))?;
    Ok(true)
}

async fn remove(inbox: &dyn Inbox, name: &ConsumerName, yes: bool) -> Outcome {
    let ConsumerStats { pending, dead, .. } = find(inbox, name).await?;
    let what = format!("consumer {name}, with {pending} pending events and {dead} dead letters");
    if !yes && !confirm(&format!("remove {what}?"))? {
        output::line("nothing removed")?;
        return Ok(false);
    }
    inbox.remove_consumer(name).await?;
    let action = audit::entry("remove", name.as_str()).count(pending + dead);
    audit::record(inbox, action).await?;
    output::line(format_args!("removed {what}"))?;
    Ok(true)
}

/// The consumer of a name.
pub(super) async fn find(inbox: &dyn Inbox, name: &ConsumerName) -> Result<ConsumerStats> {
    let consumers = inbox.stats().await?.consumers;
    let names: Vec<_> = consumers.iter().map(|known| known.name.clone()).collect();
    let mut consumers = consumers.into_iter();
    let found = consumers.find(|known| known.name == name.as_str());
    found.with_context(|| {
        let name = name.as_str();
        format!("no consumer {name:?} in this inbox: there are {names:?}")
    })
}
