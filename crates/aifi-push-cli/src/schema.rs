//! `schema`: the models as JSON Schema.

use aifi_push::types;
use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::{Outcome, output};

/// Print the JSON Schema (2020-12) of a model, or of all.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Model, such as `TransitionLeft`. Defaults to all.
    r#type: Option<String>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let mut schema = Value::from(types::json_schema());
    if let Some(name) = &options.r#type {
        let models = schema["$defs"].as_object().context("no model found")?;
        if !models.contains_key(name) {
            let names: Vec<_> = models.keys().map(String::as_str).collect();
            bail!("no model {name}: expected one of {}", names.join(", "));
        }
        schema["$ref"] = json!(format!("#/$defs/{name}"));
    }
    output::pretty_json(&schema)?;
    Ok(true)
}
