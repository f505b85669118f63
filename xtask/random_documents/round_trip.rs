//! Bodies that a document allows decode, and come back equal. Prints those that do not.

use std::{collections::BTreeMap, fmt::Display};

use jsonschema::Validator;
use serde_json::{Value, json, value::RawValue};

macro_rules! round_trip {
    ($number:literal, $document:ident, $ty:ident, $file:literal) => {
        let mut schema = $document::types::json_schema().to_value();
        schema["$ref"] = json!(concat!("#/$defs/", stringify!($ty)));
        let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
        for body in std::fs::read_to_string($file).expect("bodies").lines() {
            let decoded = $document::from_slice::<$document::types::$ty>(body.as_bytes());
            let encoded = decoded.map(|event| serde_json::to_string(&event).expect("JSON"));
            if let Err(problem) = check(body, encoded, &validator) {
                println!("{} {problem}\t{}\t{body}", $number, stringify!($ty));
            }
        }
    };
}

fn check(
    body: &str,
    encoded: Result<String, impl Display>,
    validator: &Validator,
) -> Result<(), String> {
    let encoded = encoded.map_err(|error| format!("does not decode: {error}"))?;
    if let Some(pointer) = difference(body, &encoded) {
        return Err(format!("comes back changed at `{pointer}`\t{encoded}"));
    }
    // Of numbers beyond its range, the validator has no opinion.
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return Ok(());
    };
    let valid = validator.validate(&value);
    valid.map_err(|error| format!("is not of the JSON Schema: {error}"))
}

/// Returns a pointer to what differs, digit for digit. A property that is null may be absent.
fn difference(sent: &str, encoded: &str) -> Option<String> {
    type Object<'a> = BTreeMap<String, &'a RawValue>;
    let inside = |key: &str, sent: &str, encoded: Option<&&RawValue>| {
        let difference = difference(sent, encoded.map_or("null", |value| value.get()))?;
        Some(format!("/{key}{difference}"))
    };
    let differ = match sent.as_bytes()[0] {
        b'{' => {
            let sent: Object<'_> = serde_json::from_str(sent).expect("an object");
            let Ok(encoded) = serde_json::from_str::<Object<'_>>(encoded) else {
                return Some(String::new());
            };
            let mut sent_fields = sent.iter();
            let differs = sent_fields.find_map(|(key, it)| inside(key, it.get(), encoded.get(key)));
            let added = encoded.keys().find(|key| !sent.contains_key(*key));
            return differs.or(added.map(|key| format!("/{key}")));
        }
        b'[' => {
            let sent: Vec<&RawValue> = serde_json::from_str(sent).expect("a list");
            let encoded: Vec<&RawValue> = serde_json::from_str(encoded).unwrap_or_default();
            let mut items = sent.iter().enumerate();
            let differs = items.find_map(|(index, item)| {
                inside(&index.to_string(), item.get(), encoded.get(index))
            });
            return differs.or((sent.len() != encoded.len()).then(String::new));
        }
        b'"' => {
            let text = |json| serde_json::from_str::<String>(json).ok();
            text(sent) != text(encoded)
        }
        _ => sent != encoded,
    };
    differ.then(String::new)
}
