//! An event as a person likes to read it, whatever its kind is.

use std::fmt;

use aifi_push::{Json, from_slice};
use serde_json::Value;

use crate::escape;

/// What is shown, and where it is: the first place that has a value. The operations of the document
/// have the same names for it.
const LINES: [(&str, &[&str]); 10] = [
    ("customer", &["/customer/externalId", "/customer/id"]),
    ("role", &["/customer/role"]),
    ("shopper", &["/shopperId", "/shopper/shopperId"]),
    ("store", &["/storeId"]),
    ("time", &["/timeOfOrigin"]),
    ("session", &["/session/status"]),
    ("zone", &["/checkoutZoneId"]),
    ("order", &["/orderId"]),
    ("total", &["/totalPrice"]),
    ("payment", &["/payment/paymentProvider"]),
];

/// Who was where and when, and what it was about, as far as the body says.
pub(crate) struct Summary(Value);

impl Summary {
    pub(crate) fn of(body: &[u8]) -> Self {
        let body = from_slice::<Json>(body).and_then(|body| body.decode());
        Self(body.unwrap_or_default())
    }

    fn value(&self, pointers: &[&str]) -> Option<String> {
        let mut values = pointers
            .iter()
            .filter_map(|pointer| self.0.pointer(pointer));
        values.find_map(|value| match value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, pointers) in LINES {
            if let Some(value) = self.value(pointers) {
                writeln!(f, "  {name:<9} {}", escape::line(&value))?;
            }
        }
        Ok(())
    }
}
