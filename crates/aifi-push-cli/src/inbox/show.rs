//! `inbox show`

use aifi_push_receiver::inbox::Inbox;
use uuid::Uuid;

use super::{entry, select};
use crate::{Outcome, output, summary::Summary};

/// Show an event with its body, which contains personal data.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Id that the receiver assigned.
    id: Uuid,
    /// Print the body alone, byte for byte; on a terminal, with control characters escaped.
    #[arg(long)]
    body: bool,
    /// Print JSON, with the body as text: `body`, or `body_base64` if it is not UTF-8.
    #[arg(long, conflicts_with = "body")]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let found = select::by_id(inbox, options.id).await?;
    let body = &found.event.body;
    if options.body {
        output::bytes(body)?;
        return Ok(true);
    }
    if options.json {
        let mut shown = serde_json::to_value(entry::json(&found))?;
        let (name, text) = entry::json_body(body);
        shown[name] = text.into();
        output::json(&shown)?;
        return Ok(true);
    }
    entry::listing([&found]).print()?;
    for (name, value) in &found.event.headers {
        output::line(format_args!("{name}: {value}"))?;
    }
    let summary = Summary::of(body).to_string();
    if !summary.is_empty() {
        output::lines(format_args!("\n{summary}"))?;
    }
    output::lines(String::from_utf8_lossy(body))?;
    Ok(true)
}
