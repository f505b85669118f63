//! `inbox show`

use std::io::{self, Write};

use aifi_push::{from_slice, types::TransitionLeft};
use aifi_push_receiver::inbox::Inbox;
use uuid::Uuid;

use super::{entry, select};
use crate::{Outcome, output, summary::Summary};

/// Show an event with its body, which contains personal data.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Id that the receiver assigned.
    id: Uuid,
    /// Print the body alone, byte for byte.
    #[arg(long)]
    body: bool,
    /// Print JSON, with the body as text.
    #[arg(long, conflicts_with = "body")]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let found = select::by_id(inbox, options.id).await?;
    let body = &found.event.body;
    if options.body {
        io::stdout().write_all(body)?;
        return Ok(true);
    }
    let text = String::from_utf8_lossy(body);
    if options.json {
        let mut shown = serde_json::to_value(entry::json(&found))?;
        shown["body"] = text.into();
        output::json(&shown)?;
        return Ok(true);
    }
    let mut table = entry::table();
    table.add_row(entry::row(&found));
    output::table(&table)?;
    if let Ok(event) = from_slice::<TransitionLeft>(body) {
        output::line(format_args!("\n{}", Summary(&event)))?;
    }
    output::line(text)?;
    Ok(true)
}
