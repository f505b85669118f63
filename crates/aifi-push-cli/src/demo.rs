//! `demo`: the documented event on its way through the client, real HTTP, the receiver and its inbox.

mod retailer;

use std::fmt::Write as _;

use aifi_push::{Client, Error, from_slice, operations::TRANSITION_LEFT, types::TransitionLeft};
use anyhow::{Context, Result};
use retailer::Retailer;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Outcome, output, summary::Summary};

/// Push the documented event to a receiver on loopback and show what arrived.
///
/// The receiver checks the token, stores the event in an inbox on disk and delivers it to a consumer.
/// The exit code is 0 only if the event arrived with every value.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// What the demo found.
#[derive(Serialize)]
struct Report {
    ok: bool,
    url: String,
    checks: Vec<Check>,
    /// The event that arrived.
    event: TransitionLeft,
    /// From the first entering to the last leaving, in seconds.
    visit_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Check {
    ok: bool,
    what: String,
}

/// Pushes the event and reports what came of it.
pub(crate) async fn run(options: &Options) -> Outcome {
    let report = push_and_check().await?;
    if options.json {
        output::pretty_json(&report)?;
    } else {
        output::lines(describe(&report).trim_end())?;
    }
    Ok(report.ok)
}

async fn push_and_check() -> Result<Report> {
    let example = TRANSITION_LEFT
        .example
        .context("the document contains no example")?;
    let documented: Value = serde_json::from_str(example)?;
    let event: TransitionLeft = from_slice(example.as_bytes())?;

    let token = Uuid::new_v4().to_string();
    let mut retailer = Retailer::start(&token).await?;
    let stranger = client(&retailer, "wrong".to_owned())?;
    let refused = stranger.transition_left(&event).await;
    let accepted = client(&retailer, token)?.transition_left(&event).await?;
    let arrived = retailer.next_event().await?;
    let lost = lost_values(&documented, &serde_json::to_value(&arrived.event)?);

    let checks = vec![
        Check {
            ok: matches!(refused, Err(Error::Unauthorized(_))),
            what: "a wrong token is refused".to_owned(),
        },
        Check {
            ok: true,
            what: format!(
                "the right one is accepted, with status {}",
                accepted.status()
            ),
        },
        Check {
            ok: accepted.decode().ok() == Some(arrived.id.to_string()),
            what: "the event was on disk by then, under the id of the response".to_owned(),
        },
        Check {
            ok: lost.is_empty(),
            what: if lost.is_empty() {
                format!(
                    "all {} values of the event arrived",
                    leaves(&documented).len()
                )
            } else {
                format!("values that did not arrive: {}", lost.join(", "))
            },
        },
    ];
    Ok(Report {
        ok: checks.iter().all(|check| check.ok),
        url: retailer.url() + TRANSITION_LEFT.path,
        checks,
        visit_seconds: Summary(&arrived.event).visit().map(|visit| visit.as_secs()),
        event: arrived.event,
    })
}

fn client(retailer: &Retailer, token: String) -> Result<Client, Error> {
    Client::builder(retailer.url()).bearer_token(token).build()
}

fn describe(report: &Report) -> String {
    let mut text = format!(
        "Pushed the event of the vendor's page, with its placeholder values, to\n{}\n\n\
         A customer left a store:\n{}\n",
        report.url,
        Summary(&report.event),
    );
    for Check { ok, what } in &report.checks {
        let mark = if *ok { "✓" } else { "✗" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{mark} {what}");
    }
    text
}

/// The JSON pointers at which `sent` has a value that `arrived` has not.
fn lost_values(sent: &Value, arrived: &Value) -> Vec<String> {
    let is_kept = |(pointer, value): &(String, &Value)| match arrived.pointer(pointer) {
        Some(arrived) => arrived == *value,
        // Null and absent are one.
        None => value.is_null(),
    };
    let leaves = leaves(sent).into_iter();
    leaves
        .filter(|leaf| !is_kept(leaf))
        .map(|(pointer, _)| pointer)
        .collect()
}

/// Every value that is no object and no list, with its JSON pointer.
fn leaves(value: &Value) -> Vec<(String, &Value)> {
    let below = |key: &str, value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        let leaves = leaves(value).into_iter();
        leaves.map(move |(pointer, value)| (format!("/{key}{pointer}"), value))
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.iter();
            fields.flat_map(|(key, value)| below(key, value)).collect()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, value)| below(&index.to_string(), value))
                .collect()
        }
        value => vec![(String::new(), value)],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lost_values;

    #[test]
    fn a_lost_value_is_found() {
        let sent = json!({"a": {"b/c": [1, {"d": "x"}]}, "none": null});
        assert!(lost_values(&sent, &sent).is_empty());

        let without_null = json!({"a": {"b/c": [1, {"d": "x"}]}});
        assert!(lost_values(&sent, &without_null).is_empty());

        let changed = json!({"a": {"b/c": [1.0, {}]}});
        assert_eq!(lost_values(&sent, &changed), ["/a/b~1c/0", "/a/b~1c/1/d"]);
    }
}
