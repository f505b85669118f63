//! What is odd about an event: a receiver has to cope with all of it.

use fastrand::Rng;
use serde_json::{Value, json};

use super::plan::Planned;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// A value that the document does not list.
    UnknownValue,
    /// A field that may be absent is null.
    Null,
    /// A property that the document does not know.
    ExtraProperty,
    /// A number is a text.
    NumberAsText,
    /// It is in a list, so that the body does not decode.
    Undecodable,
    /// It arrives twice.
    Duplicate,
    /// It arrives minutes later.
    Late,
}

/// How many seconds later a late event and a duplicate arrive.
const LATE: i64 = 300;
const SOON: i64 = 2;

impl Odd {
    const ALL: [Self; 7] = [
        Self::UnknownValue,
        Self::Null,
        Self::ExtraProperty,
        Self::NumberAsText,
        Self::Undecodable,
        Self::Duplicate,
        Self::Late,
    ];

    pub(super) fn choose(rng: &mut Rng) -> Self {
        Self::ALL[rng.usize(..Self::ALL.len())]
    }

    /// Makes a step of a visit odd, and returns the one that it is repeated by.
    pub(super) fn change(self, step: &mut Planned) -> Option<Planned> {
        step.odd = Some(self);
        match self {
            Self::Late => step.delay = LATE,
            Self::Duplicate => {
                let mut again = *step;
                again.delay = SOON;
                return Some(again);
            }
            _ => {}
        }
        None
    }

    pub(super) fn apply(self, body: &mut Value) {
        match self {
            Self::UnknownValue => {
                let listed = ["/status", "/session/status", "/customer/role"];
                if let Some(value) = first(body, &listed) {
                    *value = json!("introduced-later");
                }
            }
            Self::Null => {
                let optional = ["/session", "/customer/externalId", "/storeExternalId"];
                if let Some(value) = first(body, &optional) {
                    *value = Value::Null;
                }
            }
            Self::ExtraProperty => {
                body["introducedLater"] = json!({"since": "2027-01", "list": [1]});
            }
            Self::NumberAsText => {
                if let Some(value) = body.pointer_mut("/store/oasisApiStoreId") {
                    *value = value.to_string().into();
                }
            }
            Self::Undecodable => *body = json!([body.take()]),
            Self::Duplicate | Self::Late => {}
        }
    }
}

/// The first place that there is.
fn first<'a>(body: &'a mut Value, pointers: &[&str]) -> Option<&'a mut Value> {
    let pointer = pointers
        .iter()
        .find(|pointer| body.pointer(pointer).is_some())?;
    body.pointer_mut(pointer)
}
