//! `demo`: a visit on its way through the client, real HTTP, the receiver and its inbox.

mod retailer;
mod script;

use std::fmt::Write as _;

use aifi_push::{
    Client, Error, Push, Response,
    types::{EntryCodeVerify, EntryCodeVerifyAnswer, EntryCodeVerifyStatus, TransitionLeft},
};
use anyhow::{Context, Result, bail};
use retailer::Retailer;
use script::Script;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Outcome, output,
    visit::{self, Story},
};

/// Push the events of a whole visit to a receiver on loopback and show the visit that arrived.
///
/// The receiver checks the token, stores each event in an inbox on disk and delivers it to a consumer.
/// The exit code is 0 only if all events arrived with every value, and are one visit.
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
    /// The visit that the events are in the inbox.
    visit: Value,
    /// The `left` event as it arrived.
    event: Value,
    visit_seconds: Option<u64>,
    #[serde(skip)]
    story: String,
}

#[derive(Serialize)]
struct Check {
    ok: bool,
    what: String,
}

/// Plays the visit and reports what came of it.
pub(crate) async fn run(options: &Options) -> Outcome {
    let report = play_and_check().await?;
    if options.json {
        output::pretty_json(&report)?;
    } else {
        output::lines(describe(&report).trim_end())?;
    }
    Ok(report.ok)
}

async fn play_and_check() -> Result<Report> {
    let script = Script::new().context("the script of the demo is wrong")?;
    let token = Uuid::new_v4().to_string();
    let retailer = Retailer::start(&token).await?;
    let stranger = client(&retailer, "wrong".to_owned())?;
    let refused = stranger.transition_entered(&script.entered).await;

    let client = client(&retailer, token)?;
    let mut run = Run::new(retailer);
    let asked = client.entry_code_verify(&script.verify);
    let answer = run.push(&script.verify, asked).await?.decode()?;
    let entered = client.transition_entered(&script.entered);
    run.push(&script.entered, entered).await?;
    let zone_entered = client.checkout_zone_entered(&script.zone_entered);
    run.push(&script.zone_entered, zone_entered).await?;
    let zone_left = client.checkout_zone_left(&script.zone_left);
    run.push(&script.zone_left, zone_left).await?;
    let left = client.transition_left(&script.left);
    run.push(&script.left, left).await?;
    for checkout in [&script.draft, &script.completed] {
        run.push(checkout, client.checkout(checkout)).await?;
    }

    let arrived = run.arrived().await?;
    let lost = run.lost_values(&arrived);
    let (visits, without_session) = run.retailer.visits().await?;
    let [visit] = &visits[..] else {
        bail!("the events are {} visits", visits.len());
    };
    let pushed = run.pushed.len();
    let kinds = run.pushed.iter().map(|(kind, _)| *kind);
    let mut events = kinds.zip(arrived);
    let left = events.find(|(kind, _)| *kind == TransitionLeft::OPERATION.kind);
    let (_, left) = left.context("the customer has not left")?;
    let checks = vec![
        Check {
            ok: matches!(refused, Err(Error::Unauthorized(_))),
            what: "a wrong token is refused".to_owned(),
        },
        Check {
            ok: run.was_stored,
            what: format!("{pushed} events are accepted, each when it was on disk"),
        },
        Check {
            ok: lost.is_empty(),
            what: if lost.is_empty() {
                format!("all {} values of the events arrived", run.values())
            } else {
                format!("values that did not arrive: {}", lost.join(", "))
            },
        },
        Check {
            ok: answer.status == Some(EntryCodeVerifyStatus::Ok),
            what: "the platform is told that the entry code is valid, and for which session"
                .to_owned(),
        },
        Check {
            ok: without_session == 1
                && visit.events.len() == pushed - 1
                && answer.session_id.as_ref() == Some(&visit.session),
            what: format!(
                "{} events are one visit, of the session in that answer",
                visit.events.len()
            ),
        },
        Check {
            ok: script.is_told_by(visit),
            what: "times, zone, order and total of the visit are those of the script".to_owned(),
        },
    ];
    Ok(Report {
        ok: checks.iter().all(|check| check.ok),
        url: run.retailer.url(),
        checks,
        visit: visit::json(visit),
        event: left,
        visit_seconds: visit.stay().map(|stay| stay.as_secs()),
        story: format!(
            "{}\n{}",
            asked_at_the_door(&script.verify, &answer),
            Story(visit)
        ),
    })
}

fn client(retailer: &Retailer, token: String) -> Result<Client, Error> {
    Client::builder(retailer.url()).bearer_token(token).build()
}

/// What was pushed so far.
struct Run {
    retailer: Retailer,
    /// The kind and the body of each event.
    pushed: Vec<(&'static str, Value)>,
    /// Whether each was stored when it was answered.
    was_stored: bool,
}

impl Run {
    fn new(retailer: Retailer) -> Self {
        Self {
            retailer,
            pushed: Vec::new(),
            was_stored: true,
        }
    }

    /// Pushes one event after the others.
    async fn push<T: Push, A>(
        &mut self,
        event: &T,
        call: impl Future<Output = Result<Response<A>, Error>>,
    ) -> Result<Response<A>> {
        let kind = T::OPERATION.kind;
        let response = call.await;
        let response = response.with_context(|| format!("{kind} was not accepted"))?;
        self.pushed.push((kind, serde_json::to_value(event)?));
        self.was_stored &= self.retailer.stored().await? == self.pushed.len();
        Ok(response)
    }

    /// The bodies that the consumer received for what was pushed.
    async fn arrived(&mut self) -> Result<Vec<Value>> {
        let mut arrived = Vec::new();
        for _ in &self.pushed {
            let event = self.retailer.next_event().await?;
            arrived.push(serde_json::from_slice(&event.body)?);
        }
        Ok(arrived)
    }

    /// Where what arrived is not what was pushed.
    fn lost_values(&self, arrived: &[Value]) -> Vec<String> {
        let mut lost = Vec::new();
        for ((kind, pushed), arrived) in self.pushed.iter().zip(arrived) {
            let pointers = lost_values(pushed, arrived).into_iter();
            lost.extend(pointers.map(|pointer| format!("{kind} {pointer}")));
        }
        lost
    }

    fn values(&self) -> usize {
        let events = self.pushed.iter();
        events.map(|(_, event)| leaves(event).len()).sum()
    }
}

/// The question in the form of the story, to which it belongs by its answer.
fn asked_at_the_door(question: &EntryCodeVerify, answer: &EntryCodeVerifyAnswer) -> String {
    let time = question.time_of_origin.format("%F %T");
    let kind = EntryCodeVerify::OPERATION.kind;
    let status = answer.status.as_ref();
    let status = status.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    format!("  {time}  {kind:<21}  answered {status}\n")
}

fn describe(report: &Report) -> String {
    let mut text = format!(
        "Played a visit against a receiver on {}.\nThe platform asked if an entry code is valid, let \
         the customer in, and pushed what happened:\n\n{}\n",
        report.url, report.story,
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
