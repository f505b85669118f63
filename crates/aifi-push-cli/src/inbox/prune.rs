//! `inbox prune`

use std::time::Duration;

use aifi_push_receiver::inbox::{Inbox, Retention};
use anyhow::ensure;
use bytesize::ByteSize;

use crate::{Outcome, ago::ago, output};

/// Delete events that every consumer acknowledged.
///
/// Quarantined events and dead letters stay, and so does everything while there is no consumer.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Delete events that arrived longer ago than this, such as 90d.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Delete the oldest events until the rest takes at most this much, such as 10GiB.
    #[arg(long, value_name = "SIZE")]
    max_bytes: Option<ByteSize>,
    /// Delete also what a consumer has yet to acknowledge, what is quarantined, and dead letters.
    #[arg(long, alias = "even-unseen")]
    include_unconsumed: bool,
    /// Report what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    ensure!(
        options.older_than.is_some() || options.max_bytes.is_some(),
        "no limit: set --older-than or --max-bytes"
    );
    let retention = Retention {
        before: options.older_than.and_then(ago),
        max_bytes: options.max_bytes.map(|size| size.as_u64()),
        include_unconsumed: options.include_unconsumed,
        dry_run: options.dry_run,
    };
    let pruned = inbox.prune(&retention).await?;
    output::line(format_args!(
        "{} events {}, {}",
        pruned.events,
        if options.dry_run {
            "would be deleted"
        } else {
            "deleted"
        },
        ByteSize(pruned.bytes).display().iec()
    ))?;
    Ok(true)
}
