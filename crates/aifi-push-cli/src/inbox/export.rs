//! `inbox export`

use std::io::{self, Write};

use aifi_push_receiver::inbox::Inbox;
use anyhow::Result;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::ValueEnum;
use serde_json::json;

use super::subject::{self, Subjects};
use crate::Outcome;

/// Print the bodies of the events about a customer, session, shopper or store.
///
/// Each is printed with every digit, as it arrived. A body that is not JSON is printed as a JSON
/// string, or, where it is no text, as an object with its bytes in base64.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    subjects: Subjects,
    /// One body on each line, or one list of all.
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Ndjson,
    Json,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let is_list = options.format == Format::Json;
    let mut out = io::stdout();
    let mut separator = if is_list { "[\n" } else { "" };
    let mut pages = options.subjects.pages(inbox);
    while let Some(page) = pages.next().await? {
        for found in &page {
            out.write_all(separator.as_bytes())?;
            out.write_all(&line(&found.event.body)?)?;
            separator = if is_list { ",\n" } else { "\n" };
        }
    }
    let end = match (is_list, separator) {
        (true, ",\n") => "\n]\n",
        (true, _) => "[]\n",
        (false, end) => end,
    };
    Ok(out.write_all(end.as_bytes()).map(|()| true)?)
}

/// Returns a body as JSON in one line.
fn line(body: &[u8]) -> Result<Vec<u8>> {
    if let Some(json) = subject::json(body) {
        // Within a string, JSON has no line breaks.
        let line = json.iter().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            byte => *byte,
        });
        return Ok(line.collect());
    }
    Ok(match str::from_utf8(body) {
        Ok(text) => serde_json::to_vec(text)?,
        Err(_) => serde_json::to_vec(&json!({ "base64": BASE64_STANDARD.encode(body) }))?,
    })
}
