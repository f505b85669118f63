//! `example`: the documented event as if it had just happened.

mod set;

use std::collections::HashMap;

use aifi_push::Operation;
use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use set::Set;
use uuid::Uuid;

use crate::{Outcome, kind, output};

/// Print the event of the vendor's page with current times and new ids.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Kind of the event.
    #[arg(long, value_parser = kind::parser(), default_value = kind::default())]
    kind: &'static Operation,
    /// Print this many, one on each line.
    #[arg(long)]
    count: Option<u64>,
    /// Set a field, such as storeId=12, cart[0].name=Milk or customer.externalId=null.
    ///
    /// The value is JSON, or else text. May be repeated. An event that then fails to decode is refused.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<Set>,
    /// Print the event also if it fails to decode, to see what a receiver does with it.
    #[arg(long, requires = "set")]
    no_check: bool,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let example = options
        .kind
        .example
        .context("the document contains no example")?;
    let example: Value = serde_json::from_str(example)?;
    for added in options.set.iter().filter_map(|set| set.is_new_in(&example)) {
        output::note(format_args!("{added} is not in the example: it is added"));
    }
    match options.count {
        None => output::pretty_json(&options.event(example)?)?,
        Some(count) => {
            for _ in 0..count {
                output::json(&options.event(example.clone())?)?;
            }
        }
    }
    Ok(true)
}

impl Options {
    fn event(&self, example: Value) -> Result<Value> {
        let mut event = fresh(example);
        set::apply_all(&self.set, &mut event, self.kind, !self.no_check)?;
        Ok(event)
    }
}

/// Replaces every time by now, and every UUID by a new one: the same at each place where it was.
fn fresh(mut example: Value) -> Value {
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    refresh(&mut example, &now, &mut HashMap::new());
    example
}

fn refresh(value: &mut Value, now: &str, ids: &mut HashMap<Uuid, String>) {
    match value {
        Value::String(text) => {
            if DateTime::parse_from_rfc3339(text).is_ok() {
                now.clone_into(text);
            } else if let Ok(id) = text.parse() {
                let new = ids.entry(id).or_insert_with(|| Uuid::new_v4().to_string());
                text.clone_from(new);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refresh(item, now, ids)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| refresh(field, now, ids)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
