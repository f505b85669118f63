//! `inbox prune`

use std::time::Duration;

use aifi_push_receiver::inbox::{Inbox, Retention};
use anyhow::ensure;
use bytesize::ByteSize;

use super::audit;
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
    let pruned = inbox.prune(&retention).await;
    if !options.dry_run {
        let events = pruned.as_ref().map_or(0, |pruned| pruned.events);
        let action = audit::entry("prune", options.describe()).count(events);
        audit::record(inbox, action).await?;
    }
    let pruned = pruned?;
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

impl Options {
    /// Says what is pruned, as the target of an action.
    fn describe(&self) -> String {
        let parts = [
            self.older_than
                .map(|age| format!("--older-than {}", text(age))),
            self.max_bytes
                .map(|size| format!("--max-bytes {}", size.as_u64())),
            self.include_unconsumed
                .then(|| "--include-unconsumed".to_owned()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        parts.join(" ")
    }
}

/// An age as someone writes it.
fn text(age: Duration) -> String {
    let seconds = age.as_secs();
    for (unit, in_seconds) in [("d", 86_400), ("h", 3600)] {
        if seconds >= in_seconds && seconds.is_multiple_of(in_seconds) {
            return format!("{}{unit}", seconds / in_seconds);
        }
    }
    format!("{seconds}s")
}
