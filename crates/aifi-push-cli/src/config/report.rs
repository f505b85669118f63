//! The configuration in effect, with its sources.

use std::{ffi::OsString, fmt::Write as _};

use anyhow::{Context, Result};
use clap::{Arg, ArgMatches, Command};

use super::{
    options::{self, Shape},
    settings::{self, Settings},
};
use crate::escape;

/// Returns the configuration that a command line has, as TOML.
pub(super) fn report(arguments: impl IntoIterator<Item = OsString>) -> Result<String> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let settings = Settings::read(&arguments)?.context("no command that has a configuration")?;
    let command = options::command();
    let name = [OsString::from("serve")];
    let options = name.iter().chain(&settings.options);
    let matches = command.clone().try_get_matches_from(options)?;
    let mut report = match &settings.file {
        Some(file) => format!("# Configuration file: {}\n", escape::path(file)),
        None => "# No configuration file.\n".to_owned(),
    };
    for (heading, options) in options::by_heading(&command) {
        let mut values = String::new();
        for (name, arg) in options {
            let Some(value) = value(&matches, arg.get_id().as_str(), options::shape(arg)) else {
                continue;
            };
            let source = match settings.sources.get(name) {
                Some(source) => source.to_string(),
                None if has_use(&command, arg, &settings) => "default".to_owned(),
                None => continue,
            };
            let _ = writeln!(values, "{name} = {value}  # {source}");
        }
        if !values.is_empty() {
            let _ = write!(report, "\n# {heading}\n{values}");
        }
    }
    Ok(report)
}

/// Returns `true` if the default of an option is about something that is there: without targets, the
/// timeout of a target is not.
fn has_use(command: &Command, arg: &Arg, settings: &Settings) -> bool {
    let name = arg.get_long().unwrap_or_default();
    let defaults = arg.get_default_values().iter();
    let arguments = defaults.map(|value| format!("--{name}={}", value.to_string_lossy()));
    let arguments = match options::shape(arg) {
        Shape::Switch => vec![format!("--{name}")],
        _ => arguments.collect(),
    };
    let required = settings::required(command, arguments).unwrap_or_default();
    let mut required = required.iter();
    required.all(|name| settings.sources.contains_key(name))
}

/// Returns the value of an option as TOML, unless it has none.
fn value(matches: &ArgMatches, id: &str, shape: Shape) -> Option<toml::Value> {
    if shape == Shape::Switch {
        return Some(matches.get_flag(id).into());
    }
    let texts: Vec<_> = matches
        .get_raw(id)?
        .map(|text| without_secrets(&text.to_string_lossy()))
        .collect();
    match (shape, &texts[..]) {
        // The bare flag.
        (Shape::ManyOrNone, [text]) if text.is_empty() => Some(true.into()),
        (Shape::Many | Shape::ManyOrNone, _) => Some(texts.into()),
        (_, [text]) => Some(toml_value(text)),
        _ => None,
    }
}

/// A number as such, and everything else as text.
pub(super) fn toml_value(text: &str) -> toml::Value {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => number.into(),
        _ => text.into(),
    }
}

/// Hides what a URL may contain of secrets: user and password, and its query.
fn without_secrets(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (rest, query) = match rest.find(['?', '#']) {
        Some(start) => (&rest[..start], format!("{}***", &rest[start..=start])),
        None => (rest, String::new()),
    };
    // A password may contain any character.
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{query}"),
        None => format!("{scheme}://{rest}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn secrets_in_urls_are_hidden() {
        for (text, expected) in [
            ("sqlite:events.db", "sqlite:events.db"),
            ("nats://a,b", "nats://a,b"),
            ("nats://user:s3cret@a,b", "nats://***@a,b"),
            ("nats://user:s3/c@ret@a", "nats://***@a"),
            (
                "till=https://key@host/x?k=s3cret",
                "till=https://***@host/x?***",
            ),
            ("https://host/#s3cret", "https://host/#***"),
        ] {
            assert_eq!(without_secrets(text), expected);
        }
    }
}
