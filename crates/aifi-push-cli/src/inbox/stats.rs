//! `inbox stats`

use aifi_push_receiver::inbox::{ConsumerStats, Inbox};
use bytesize::ByteSize;
use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::Table;
use serde_json::{Value, json};

use crate::{Outcome, output};

/// Show how much is in the inbox, and how far each consumer is.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let stats = inbox.stats().await?;
    if options.json {
        let consumers: Vec<_> = stats.consumers.iter().map(consumer).collect();
        output::json(&json!({
            "events": stats.events,
            "bytes": stats.bytes,
            "quarantined": stats.quarantined,
            "oldest": stats.oldest,
            "consumers": consumers,
        }))?;
        return Ok(true);
    }
    output::line(format_args!(
        "{} events, {}, {} quarantined, oldest {}",
        stats.events,
        ByteSize(stats.bytes).display().iec(),
        stats.quarantined,
        time(stats.oldest)
    ))?;
    output::table(&table(&stats.consumers))?;
    Ok(true)
}

/// How far each consumer is, for people.
pub(super) fn table(consumers: &[ConsumerStats]) -> Table {
    let mut table = output::new_table(["CONSUMER", "PENDING", "OLDEST PENDING", "DEAD", "PAUSED"]);
    table.add_rows(consumers.iter().map(|consumer| {
        [
            consumer.name.clone(),
            consumer.pending.to_string(),
            time(consumer.oldest_pending),
            consumer.dead.to_string(),
            if consumer.is_paused { "yes" } else { "-" }.to_owned(),
        ]
    }));
    table
}

/// The same of one, for programs.
pub(super) fn consumer(consumer: &ConsumerStats) -> Value {
    json!({
        "name": consumer.name,
        "pending": consumer.pending,
        "oldest_pending": consumer.oldest_pending,
        "dead": consumer.dead,
        "paused": consumer.is_paused,
    })
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(
        || "-".to_owned(),
        |time| time.to_rfc3339_opts(SecondsFormat::Millis, true),
    )
}
