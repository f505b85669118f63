//! What an option says about one target, or about all.

use std::ffi::OsString;

use aifi_push_receiver::inbox::ConsumerName;
use anyhow::{Result, bail};

/// A value, perhaps behind the name of a target and a `=`.
#[derive(Clone, Debug)]
pub(super) struct Named<T> {
    pub(super) name: Option<ConsumerName>,
    pub(super) value: T,
}

impl From<String> for Named<String> {
    fn from(text: String) -> Self {
        match split(&text) {
            Some((name, value)) => Self {
                name: Some(name),
                value: value.to_owned(),
            },
            None => Self {
                name: None,
                value: text,
            },
        }
    }
}

impl From<OsString> for Named<OsString> {
    fn from(text: OsString) -> Self {
        match text.to_str().and_then(split) {
            Some((name, value)) => Self {
                name: Some(name),
                value: value.into(),
            },
            None => Self {
                name: None,
                value: text,
            },
        }
    }
}

/// A URL with a `=` in its query has other characters than a name before it.
fn split(text: &str) -> Option<(ConsumerName, &str)> {
    let (name, value) = text.split_once('=')?;
    Some((name.parse().ok()?, value))
}

/// Returns what an option says about a target: by its name, or else about all.
pub(super) fn of<'a, T>(values: &'a [Named<T>], target: &ConsumerName) -> Option<&'a T> {
    let by_name = values
        .iter()
        .find(|named| named.name.as_ref() == Some(target));
    let of_all = || values.iter().find(|named| named.name.is_none());
    by_name.or_else(of_all).map(|named| &named.value)
}

/// Checks that an option is about targets that there are, and says one thing about each.
pub(super) fn check<T>(option: &str, values: &[Named<T>], targets: &[ConsumerName]) -> Result<()> {
    for (index, Named { name, .. }) in values.iter().enumerate() {
        let about = name.as_ref().map_or("all targets", ConsumerName::as_str);
        if values[..index].iter().any(|other| other.name == *name) {
            bail!("{option}: given twice for {about}");
        }
        if let Some(name) = name
            && !targets.contains(name)
        {
            let targets: Vec<_> = targets.iter().map(ConsumerName::as_str).collect();
            bail!("{option}: no target {about:?}: there are {targets:?}");
        }
    }
    Ok(())
}
