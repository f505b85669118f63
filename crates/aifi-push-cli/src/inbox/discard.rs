//! `inbox discard`

use aifi_push_receiver::inbox::{Cause, Inbox};
use anyhow::ensure;
use uuid::Uuid;

use super::{audit, by_cause::ByCause, select::by_id};
use crate::{Outcome, confirm::confirm, escape, kind, output};

/// Delete events that nobody is to receive any more.
///
/// By id, whatever their state; nothing of them is kept but the id, with the reason, in `inbox audit`. By
/// cause, those that are still quarantined. By cause and consumer, its dead letters are given up: the events
/// stay for other consumers, until they are pruned.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Ids of the events.
    #[arg(required_unless_present = "cause", value_name = "ID")]
    ids: Vec<Uuid>,
    #[command(flatten)]
    by_cause: ByCause,
    /// Discard all events of a cause without asking.
    #[arg(long, short, requires = "cause")]
    yes: bool,
    /// Why, for whoever asks later. It is kept: name no person.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print JSON, one event on each line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let reason = options.reason.trim();
    ensure!(!reason.is_empty(), "--reason: expected some text");
    if let Some(cause) = options.by_cause.cause() {
        return of_cause(inbox, options, &cause, reason).await;
    }
    let mut found = Vec::new();
    for id in &options.ids {
        // If one is not there, the others may be wrong as well.
        found.push(by_id(inbox, *id).await?);
    }
    for stored in found {
        let event = &stored.event;
        inbox.discard(event.id).await?;
        let action = audit::entry("discard", event.id).count(1).reason(reason);
        audit::record(inbox, action).await?;
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

async fn of_cause(inbox: &dyn Inbox, options: &Options, cause: &Cause, reason: &str) -> Outcome {
    let question = match cause.consumer {
        Some(_) => "give up every dead letter of this cause?",
        None => "discard every event of this cause?",
    };
    if !options.yes && !confirm(question)? {
        output::line("nothing discarded")?;
        return Ok(false);
    }
    let mut discarded = 0;
    let done = inbox.discard_cause(cause, &mut discarded).await;
    let action = audit::entry("discard", cause.to_string());
    audit::record(inbox, action.count(discarded).reason(reason)).await?;
    done?;
    if options.json {
        output::json(&serde_json::json!({ "discarded": discarded, "reason": reason }))?;
    } else if let Some(consumer) = &cause.consumer {
        output::line(format_args!(
            "gave up {discarded} dead letters of {consumer}: {reason}"
        ))?;
    } else {
        output::line(format_args!("discarded {discarded} events: {reason}"))?;
    }
    Ok(true)
}
