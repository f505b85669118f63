//! A value in the place of the one in the example.

use std::str::FromStr;

use aifi_push::Operation;
use anyhow::{Result, anyhow, bail, ensure};
use serde_json::{Map, Value};

use crate::escape;

/// A field by its path, such as `session.storeId` or `cart[0].name`, and its new value.
#[derive(Clone, Debug)]
pub(super) struct Set {
    path: Vec<String>,
    text: String,
}

impl FromStr for Set {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected PATH=VALUE, such as storeId=12 or cart[0].name=Milk";
        let (path, value) = text.split_once('=').ok_or(expected)?;
        let path = path.trim().replace('[', ".").replace(']', "");
        let path: Vec<_> = path.split('.').map(ToOwned::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(expected.to_owned());
        }
        Ok(Self {
            path,
            text: value.to_owned(),
        })
    }
}

impl Set {
    fn name(&self) -> String {
        self.path.join(".")
    }

    /// The value as JSON, or else as the text that it is.
    fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| self.text.clone().into())
    }

    /// Sets the value, and checks that the event still decodes. What is also JSON is a text where the
    /// document has texts: `storeExternalId=12`.
    pub(super) fn apply_checked(&self, event: &mut Value, operation: &Operation) -> Result<()> {
        let mut with_text = event.clone();
        self.put(event, self.value())?;
        let Err(problem) = operation.check(&serde_json::to_vec(&event)?) else {
            return Ok(());
        };
        self.put(&mut with_text, self.text.clone().into())?;
        if operation.check(&serde_json::to_vec(&with_text)?).is_ok() {
            *event = with_text;
            return Ok(());
        }
        Err(anyhow!(problem).context(format!(
            "--set {}: fails to decode",
            escape::line(&self.name())
        )))
    }

    /// Sets the value, whatever it is.
    pub(super) fn apply(&self, event: &mut Value) -> Result<()> {
        self.put(event, self.value())
    }

    /// Returns the path if the example does not have the field.
    pub(super) fn is_new_in(&self, event: &Value) -> Option<String> {
        let pointer = format!("/{}", self.path.join("/"));
        event.pointer(&pointer).is_none().then(|| self.name())
    }

    fn put(&self, event: &mut Value, new: Value) -> Result<()> {
        let mut place = event;
        for (depth, key) in self.path.iter().enumerate() {
            let above = || {
                let above = self.path[..depth].join(".");
                escape::line(&above).into_owned()
            };
            // What the example has no value for.
            if place.is_null() {
                *place = Map::new().into();
            }
            place = match place {
                Value::Object(fields) => fields.entry(key.as_str()).or_insert(Value::Null),
                Value::Array(items) => {
                    let count = items.len();
                    let index = key.parse().ok().filter(|index: &usize| *index <= count);
                    let Some(index) = index else {
                        bail!(
                            "--set {}: expected an index up to {count} after {}",
                            escape::line(&self.name()),
                            above()
                        );
                    };
                    if index == count {
                        items.push(Value::Null);
                    }
                    &mut items[index]
                }
                _ => bail!(
                    "--set {}: {} is neither an object nor a list",
                    escape::line(&self.name()),
                    above()
                ),
            };
        }
        *place = new;
        Ok(())
    }
}

/// Applies the values one after the other.
pub(super) fn apply_all(
    sets: &[Set],
    event: &mut Value,
    operation: &Operation,
    is_checked: bool,
) -> Result<()> {
    ensure!(event.is_object(), "the example is no object");
    sets.iter().try_for_each(|set| {
        if is_checked {
            set.apply_checked(event, operation)
        } else {
            set.apply(event)
        }
    })
}
