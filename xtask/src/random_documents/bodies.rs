//! Random bodies that follow a schema of a document.

use fastrand::Rng;
use serde_json::Value;

use super::words;

/// How deep a body goes where its document allows more.
const MAX_DEPTH: usize = 12;

pub(super) struct Bodies<'a> {
    rng: &'a mut Rng,
    document: &'a Value,
    /// Whether to change bodies as a vendor may at any time: with fields and values that the
    /// document does not list.
    is_newer: bool,
}

impl<'a> Bodies<'a> {
    pub(super) fn new(rng: &'a mut Rng, document: &'a Value) -> Self {
        Self {
            rng,
            document,
            is_newer: false,
        }
    }

    /// Returns an example of a schema.
    pub(super) fn example(mut self, schema: &Value) -> Option<Value> {
        serde_json::from_str(&self.any(schema, MAX_DEPTH)?).ok()
    }

    /// Returns a body as JSON, with numbers that no `f64` keeps, or `None` if the schema has no
    /// end or no meaning.
    pub(super) fn body(mut self, schema: &Value) -> Option<String> {
        self.is_newer = self.rng.bool();
        self.any(schema, MAX_DEPTH)
    }

    fn any(&mut self, schema: &Value, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = self.document.pointer(reference.strip_prefix('#')?)?;
            return self.any(schema, depth);
        }
        if self.rng.u8(..4) == 0 && is_nullable(schema) {
            return Some("null".to_owned());
        }
        if let Some(constant) = schema.get("const") {
            return Some(constant.to_string());
        }
        for key in ["enum", "x-extensible-enum"] {
            if let Some(values) = schema[key].as_array() {
                let is_text = schema["type"] == "string";
                return Some(match self.is_newer && is_text {
                    true => self.text(),
                    false => self.one_of(values)?.to_string(),
                });
            }
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(variants) = schema[key].as_array() {
                return self.variant(schema, variants, depth);
            }
        }
        if schema.get("allOf").is_some() || schema.get("properties").is_some() {
            return self.merged(schema, depth);
        }
        let ty = match &schema["type"] {
            Value::Array(types) => self.one_of(types)?.clone(),
            ty => ty.clone(),
        };
        Some(match ty.as_str() {
            Some("string") if schema["format"] == "date-time" => {
                format!("\"2026-11-{:02}T10:00:00.500Z\"", self.rng.u8(1..29))
            }
            Some("string") => self.text(),
            Some("integer") => self.integer(schema),
            Some("number") => self.number(),
            Some("boolean") => self.rng.bool().to_string(),
            Some("null") => "null".to_owned(),
            Some("array") => {
                let items: Option<Vec<String>> = (0..self.rng.usize(..3))
                    .map(|_| self.any(&schema["items"], depth))
                    .collect();
                format!("[{}]", items.unwrap_or_default().join(","))
            }
            Some("object") => {
                let mut fields = Vec::new();
                self.add_others(&schema["additionalProperties"], depth, &mut fields);
                object(fields)
            }
            _ => self.json(),
        })
    }

    /// Returns one of the variants of a choice.
    fn variant(&mut self, schema: &Value, variants: &[Value], depth: usize) -> Option<String> {
        let variant = self.one_of(variants)?.clone();
        let Some(tag) = schema["discriminator"]["propertyName"].as_str() else {
            return self.any(&variant, depth);
        };
        let reference = variant["$ref"].as_str()?;
        let object = self.document.pointer(reference.strip_prefix('#')?)?;
        let mapping = schema["discriminator"]["mapping"].as_object();
        let mapped = mapping.and_then(|mapping| {
            let mapped = mapping.iter().find(|(_, to)| *to == reference);
            mapped.map(|(value, _)| value.as_str())
        });
        let value = mapped.or(reference.rsplit('/').next())?;
        let value = match self.is_newer && self.rng.bool() {
            true => self.text(),
            false => Value::from(value).to_string(),
        };
        let mut fields = self.fields(object, depth)?;
        fields.retain(|(name, _)| name != tag);
        fields.push((tag.to_owned(), value));
        Some(self::object(fields))
    }

    fn merged(&mut self, schema: &Value, depth: usize) -> Option<String> {
        if let (Some([part]), None) = (
            schema["allOf"].as_array().map(Vec::as_slice),
            schema.get("properties"),
        ) {
            return self.any(part, depth);
        }
        self.fields(schema, depth).map(object)
    }

    /// Returns the fields of an object.
    fn fields(&mut self, schema: &Value, depth: usize) -> Option<Vec<(String, String)>> {
        let depth = depth.checked_sub(1)?;
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = self.document.pointer(reference.strip_prefix('#')?)?;
            return self.fields(schema, depth);
        }
        if schema.get("allOf").is_none() && schema.get("properties").is_none() {
            return None;
        }
        let mut fields = Vec::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            for (name, value) in self.fields(part, depth)? {
                // A value may be of one part, and not of another.
                if fields.iter().any(|(other, _)| *other == name) {
                    return None;
                }
                fields.push((name, value));
            }
        }
        let required = schema["required"].as_array();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = required.is_some_and(|names| names.contains(&Value::from(&**name)));
            let value = match self.rng.u8(..8) {
                0 if !is_required => "null".to_owned(),
                1..=2 if !is_required => continue,
                _ => match self.any(property, depth) {
                    Some(value) => value,
                    None if is_required => return None,
                    None => continue,
                },
            };
            fields.push((name.clone(), value));
        }
        self.add_others(&schema["additionalProperties"], depth, &mut fields);
        Some(fields)
    }

    /// Adds fields that are no properties.
    fn add_others(&mut self, values: &Value, depth: usize, fields: &mut Vec<(String, String)>) {
        let is_map = values.is_object() || values == true;
        if !(self.is_newer || is_map) {
            return;
        }
        for _ in 0..self.rng.usize(..3) {
            let name = format!("{}{}", words::odd(self.rng), self.rng.u8(..));
            let value = match values.is_object() {
                true => self.any(values, depth),
                false => Some(self.json()),
            };
            fields.extend(value.map(|value| (name, value)));
        }
    }

    fn integer(&mut self, schema: &Value) -> String {
        match schema["format"].as_str() {
            Some("int32") => self.rng.i32(..).to_string(),
            Some(format) if format.starts_with('u') => self.rng.u8(..).to_string(),
            _ => self.rng.i64(..).to_string(),
        }
    }

    fn number(&mut self) -> String {
        let numbers = [
            "12.917521550408111000",
            "1.10",
            "-0",
            "1e400",
            "2.0",
            "0",
            "-7.5E-3",
        ];
        let integer = "123456789012345678901234567890".to_owned();
        self.one_of(&numbers)
            .map_or(integer, |number| (*number).to_owned())
    }

    fn text(&mut self) -> String {
        let text = match self.rng.bool() {
            true => words::text(self.rng),
            false => words::odd(self.rng),
        };
        Value::from(text).to_string()
    }

    fn json(&mut self) -> String {
        match self.rng.u8(..6) {
            0 => "null".to_owned(),
            1 => self.text(),
            2 => "[[],{},123456789012345678901234567890]".to_owned(),
            3 => r#"{"z":[1.10],"a":{"":null}}"#.to_owned(),
            4 => self.number(),
            _ => "true".to_owned(),
        }
    }

    fn one_of<'v, T>(&mut self, values: &'v [T]) -> Option<&'v T> {
        self.rng.choice(values)
    }
}

fn is_nullable(schema: &Value) -> bool {
    let types = schema["type"].as_array();
    schema["nullable"] == true || types.is_some_and(|types| types.contains(&"null".into()))
}

/// Writes an object; of a name that occurs twice, the last counts.
fn object(fields: Vec<(String, String)>) -> String {
    let fields: std::collections::BTreeMap<_, _> = fields.into_iter().collect();
    let fields = fields
        .into_iter()
        .map(|(name, value)| format!("{}:{value}", Value::from(name)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}
