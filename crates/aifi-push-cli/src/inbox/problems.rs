//! `inbox problems`

use aifi_push_receiver::inbox::{Inbox, Problem};
use chrono::SecondsFormat;
use console::Color;
use serde_json::{Value, json};

use crate::{
    Outcome,
    listing::{Cell, Column, Listing},
    output,
};

/// List why events are quarantined or dead letters, the most frequent cause first.
///
/// A cause is what failed without what differs from event to event: `*` is a place in a list, an id or
/// a text.
#[derive(clap::Args)]
pub(super) struct Options {
    /// How many quarantined events, and how many dead letters, to look at: the newest.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    last: usize,
    /// Print JSON, one cause on each line.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let problems = inbox.problems(options.last).await?;
    if options.json {
        for problem in &problems {
            output::json(&json(problem))?;
        }
        return Ok(true);
    }
    let mut listing = Listing::new([
        Column::short("EVENTS"),
        Column::short("STATE"),
        Column::short("CONSUMER"),
        Column::short("LATEST"),
        Column::long("CAUSE"),
        Column::long("NEWEST"),
    ]);
    for problem in &problems {
        let consumer = problem.cause.consumer.as_ref();
        let state = match consumer {
            Some(_) => Cell::new("dead").color(Color::Red),
            None => Cell::new("quarantined").color(Color::Yellow),
        };
        let latest = problem.latest.to_rfc3339_opts(SecondsFormat::Millis, true);
        let newest = problem.newest.first().map(ToString::to_string);
        listing.add([
            Cell::new(problem.count.to_string()),
            state,
            Cell::new(consumer.map_or("-", |name| name.as_str())),
            Cell::new(latest),
            Cell::new(&problem.cause.text),
            Cell::new(newest.unwrap_or_default()),
        ]);
    }
    listing.print()?;
    Ok(true)
}

fn json(problem: &Problem) -> Value {
    let consumer = problem.cause.consumer.as_ref();
    json!({
        "count": problem.count,
        "state": if consumer.is_some() { "dead" } else { "quarantined" },
        "consumer": consumer.map(|name| name.as_str()),
        "latest": problem.latest,
        "cause": problem.cause.text,
        "newest": problem.newest,
    })
}
