//! Options from the environment.

use std::{collections::BTreeMap, env};

use anyhow::{Context, Result, bail};
use clap::Command;

use super::{
    options::{self, Shape},
    settings::{Setting, Source, Value},
};

/// Returns the value of a variable. One that is empty counts as unset.
pub(super) fn value(variable: &str) -> Result<Option<String>> {
    let Some(value) = env::var_os(variable).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value.into_string().ok();
    // Without the value, which may contain a password.
    Ok(Some(
        value.with_context(|| format!("{variable}: not UTF-8"))?,
    ))
}

/// Reads the options that variables set.
pub(super) fn read(command: &Command) -> Result<BTreeMap<String, Setting>> {
    let mut settings = BTreeMap::new();
    for (name, arg) in options::all(command) {
        let variable = options::variable(name);
        let Some(text) = value(&variable)? else {
            continue;
        };
        let value = match options::shape(arg) {
            Shape::Switch => Value::Switch(boolean(&text).with_context(|| variable.clone())?),
            Shape::ManyOrNone if boolean(&text).is_ok() => Value::Switch(boolean(&text)?),
            Shape::One => Value::Texts(vec![text]),
            Shape::Many | Shape::ManyOrNone => {
                let lines = text.lines().map(str::trim);
                let lines = lines.filter(|line| !line.is_empty());
                Value::Texts(lines.map(ToOwned::to_owned).collect())
            }
        };
        let source = Source::Variable(variable);
        settings.insert(name.to_owned(), Setting { value, source });
    }
    Ok(settings)
}

/// Returns a note about each variable that looks like one of `serve`, and is none.
pub(super) fn unknown(command: &Command) -> Vec<String> {
    let known: Vec<_> = options::all(command)
        .map(|(name, _)| options::variable(name))
        .chain(options::secrets(command))
        .chain([options::variable(options::CONFIG)])
        .collect();
    let variables = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = variables.filter(|name| name.starts_with(options::PREFIX));
    unknown
        .filter(|name| !known.contains(name))
        .map(|name| {
            let nearest = options::nearest(&name, known.iter().map(String::as_str));
            let nearest = nearest.map(|nearest| format!(": did you mean {nearest}?"));
            format!(
                "{name}: no variable of serve{}",
                nearest.unwrap_or_default()
            )
        })
        .collect()
}

fn boolean(text: &str) -> Result<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => bail!("expected true or false"),
    }
}
