//! `inbox discard`

use aifi_push_receiver::inbox::Inbox;
use anyhow::ensure;
use uuid::Uuid;

use super::select::by_id;
use crate::{Outcome, escape, kind, output};

/// Delete events, whatever their state, that nobody is to receive any more.
///
/// The inbox keeps no trace of them: what is printed, with the reason, is the record.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Ids of the events.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Uuid>,
    /// Why, for whoever asks later.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print JSON, one event on each line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let reason = options.reason.trim();
    ensure!(!reason.is_empty(), "--reason: expected some text");
    let mut found = Vec::new();
    for id in &options.ids {
        // If one is not there, the others may be wrong as well.
        found.push(by_id(inbox, *id).await?);
    }
    for stored in found {
        let event = &stored.event;
        inbox.discard(event.id).await?;
        let (id, kind, state) = (event.id, kind::name(event), stored.state);
        if options.json {
            output::json(&serde_json::json!({
                "discarded": id,
                "kind": kind,
                "state": state.as_str(),
                "received_at": event.received_at,
                "discarded_at": chrono::Utc::now(),
                "reason": reason,
            }))?;
        } else {
            let kind = escape::line(kind);
            output::line(format_args!("discarded {id}, {kind}, {state}: {reason}"))?;
        }
    }
    Ok(true)
}
