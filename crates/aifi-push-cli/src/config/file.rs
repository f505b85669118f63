//! Options from a TOML file.

use std::{collections::BTreeMap, fs, ops::Range, path::Path};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Arg, Command};
use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

use super::{
    options::{self, Shape},
    settings::{Setting, Source, Value},
};
use crate::escape;

const NO_TABLES: &str =
    "there are no tables: each key is the whole name of an option, such as `forward-timeout`";

/// Reads the options that a file sets. No error quotes a value, as it may contain a password.
pub(super) fn read(command: &Command, path: &Path) -> Result<BTreeMap<String, Setting>> {
    let name = escape::path(path);
    let text =
        fs::read(path).with_context(|| format!("{name}: reading the configuration failed"))?;
    let text = str::from_utf8(&text).with_context(|| format!("{name}: not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = |span: Range<usize>| {
        let before = text.as_bytes().iter().take(span.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    };
    let table = DeTable::parse(text).map_err(|error| {
        let line = line(error.span().unwrap_or_default());
        // Its own text quotes the line.
        anyhow!("{name}:{line}: invalid TOML: {}", error.message())
    })?;
    let mut settings = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let line = line(key.span());
        let key: &str = key.get_ref();
        let value = setting(command, key, value).with_context(|| format!("{name}:{line}"))?;
        let source = Source::File(path.to_owned(), line);
        settings.insert(key.to_owned(), Setting { value, source });
    }
    Ok(settings)
}

fn setting(command: &Command, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Value> {
    let Some(arg) = options::find(command, key) else {
        return Err(match value.get_ref() {
            DeValue::Table(_) => anyhow!("{key}: {NO_TABLES}"),
            _ => unknown(command, key),
        });
    };
    read_value(arg, value.get_ref()).with_context(|| key.to_owned())
}

fn read_value(arg: &Arg, value: &DeValue<'_>) -> Result<Value> {
    let shape = options::shape(arg);
    match (shape, value) {
        (Shape::Switch | Shape::ManyOrNone, DeValue::Boolean(is_on)) => Ok(Value::Switch(*is_on)),
        (Shape::Switch, _) => bail!("expected true or false"),
        (_, DeValue::Table(_)) => bail!("expected {}: {NO_TABLES}", expected(shape)),
        (Shape::Many | Shape::ManyOrNone, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| text(item.get_ref()));
            let texts: Option<Vec<_>> = texts.collect();
            texts
                .map(Value::Texts)
                .with_context(|| format!("expected {}", expected(shape)))
        }
        (_, value) => {
            let text = text(value).with_context(|| format!("expected {}", expected(shape)))?;
            Ok(Value::Texts(vec![text]))
        }
    }
}

fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::Switch => "true or false",
        Shape::One => "one value: a text or a number",
        Shape::Many => "a text, or a list of texts",
        Shape::ManyOrNone => "true, a text, or a list of texts",
    }
}

/// The value as one would write it on the command line.
fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(integer) => decimal(integer),
        DeValue::Float(float) => Some(float.as_str().to_owned()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn decimal(integer: &DeInteger<'_>) -> Option<String> {
    let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    Some(number.to_string())
}

/// Says what to do about a key that is none.
fn unknown(command: &Command, key: &str) -> anyhow::Error {
    let name = key.to_ascii_lowercase().replace('_', "-");
    if name == options::CONFIG {
        return anyhow!("{key}: a configuration file can't name another: use --config");
    }
    let names = || options::all(command).map(|(name, _)| name);
    let of_secret = format!("{}-file", name.strip_suffix('s').unwrap_or(&name));
    if names().any(|name| name == of_secret) {
        return anyhow!(
            "{key}: no secret is read from this file: write it to a file that only the service can \
             read, and name that by `{of_secret}`"
        );
    }
    match options::nearest(&name, names()) {
        Some(nearest) => anyhow!("{key}: unknown key: did you mean `{nearest}`?"),
        None => anyhow!("{key}: unknown key: `aifi-push config example` prints all"),
    }
}
