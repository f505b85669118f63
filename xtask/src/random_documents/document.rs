//! Random OpenAPI documents: valid ones, ordinary or odd.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::{bodies::Bodies, words};

/// Schemas without others inside, by the first version that has them.
const LEAVES: [(&str, &str); 38] = [
    ("3.0", r#"{}"#),
    ("3.0", r#"{"type": "string"}"#),
    ("3.0", r#"{"type": "string"}"#),
    ("3.0", r#"{"type": "string", "format": "date-time"}"#),
    ("3.0", r#"{"type": "string", "format": "date-time"}"#),
    ("3.0", r#"{"type": "string", "format": "uuid"}"#),
    ("3.0", r#"{"type": "string", "format": "date"}"#),
    ("3.0", r#"{"type": "string", "format": "byte"}"#),
    ("3.0", r#"{"type": "string", "format": "binary"}"#),
    ("3.0", r#"{"type": "string", "format": "duration"}"#),
    (
        "3.0",
        r#"{"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^[a-z]+$"}"#,
    ),
    ("3.0", r#"{"type": "string", "pattern": "["}"#),
    ("3.0", r#"{"type": "string", "default": "a"}"#),
    (
        "3.0",
        r#"{"type": "string", "nullable": true, "enum": ["a", "b", null]}"#,
    ),
    ("3.0", r#"{"type": "integer"}"#),
    ("3.0", r#"{"type": "integer"}"#),
    ("3.0", r#"{"type": "integer", "format": "int32"}"#),
    (
        "3.0",
        r#"{"type": "integer", "format": "int64", "minimum": 0}"#,
    ),
    (
        "3.0",
        r#"{"type": "integer", "format": "uint8", "maximum": -1}"#,
    ),
    (
        "3.0",
        r#"{"type": "integer", "format": "uint64", "multipleOf": 7, "default": 7}"#,
    ),
    (
        "3.0",
        r#"{"type": "integer", "minimum": 1, "exclusiveMinimum": true}"#,
    ),
    ("3.0", r#"{"type": "integer", "enum": [0, 1, -7, 404]}"#),
    ("3.0", r#"{"type": "number"}"#),
    (
        "3.0",
        r#"{"type": "number", "format": "float", "minimum": 0.5}"#,
    ),
    (
        "3.0",
        r#"{"type": "number", "format": "double", "default": 1.10}"#,
    ),
    (
        "3.0",
        r#"{"type": "number", "format": "decimal", "enum": [1.5, 2]}"#,
    ),
    ("3.0", r#"{"type": "boolean"}"#),
    (
        "3.0",
        r#"{"type": "boolean", "enum": [true], "default": true}"#,
    ),
    ("3.0", r#"{"enum": ["a", 1, true, null]}"#),
    ("3.0", r#"{"type": "object"}"#),
    ("3.0", r#"{"not": {"type": "string"}}"#),
    ("3.1", r#"{"type": "null"}"#),
    ("3.1", r#"{"type": ["string", "integer", "null"]}"#),
    ("3.1", r#"{"type": ["boolean", "number"]}"#),
    ("3.1", r#"{"const": "a"}"#),
    ("3.1", r#"{"type": "integer", "const": 1}"#),
    ("3.1", r#"{"type": "integer", "exclusiveMinimum": 1}"#),
    (
        "3.1",
        r#"{"type": "string", "contentEncoding": "base64", "examples": ["a", 1]}"#,
    ),
];

/// What any schema can have.
const KEYWORDS: [(&str, &str); 12] = [
    ("3.0", r#"{"title": "The title"}"#),
    ("3.0", r#"{"example": {"any": [1.10]}}"#),
    ("3.0", r#"{"default": null}"#),
    ("3.0", r#"{"readOnly": true}"#),
    ("3.0", r#"{"writeOnly": true}"#),
    ("3.0", r#"{"deprecated": true}"#),
    ("3.0", r#"{"xml": {"name": "a"}}"#),
    (
        "3.0",
        r#"{"externalDocs": {"url": "https://vendor.example"}}"#,
    ),
    ("3.0", r#"{"x-vendor": {"any": [1], "x-sensitive": true}}"#),
    ("3.1", r#"{"examples": [1, null]}"#),
    ("3.1", r#"{"$comment": "a"}"#),
    (
        "3.1",
        r#"{"minItems": 1, "maxLength": 1, "minProperties": 1}"#,
    ),
];

/// What our extensions say of a property.
const EXTENSIONS: [(&str, &str); 6] = [
    ("3.0", r#"{"x-provenance": "documented"}"#),
    (
        "3.0",
        r#"{"x-provenance": "documented", "x-sensitive": true}"#,
    ),
    (
        "3.0",
        r#"{"x-provenance": "documented", "x-subject": "store"}"#,
    ),
    ("3.0", r#"{"x-provenance": "example"}"#),
    (
        "3.0",
        r#"{"x-provenance": "assumed", "x-sensitive": false}"#,
    ),
    ("3.0", r#"{}"#),
];

/// Returns the document of a seed.
pub(super) fn document(seed: u64) -> Value {
    let mut rng = Rng::with_seed(seed);
    // Most documents have few odd parts, so that they are not refused for one.
    let odds = [0.0, 0.02, 0.1, 0.3][rng.usize(..4)];
    let version = ["3.0.3", "3.0.0", "3.1.0", "3.1.1"][rng.usize(..4)];
    let mut documents = Documents {
        rng,
        odds,
        version,
        names: Vec::new(),
    };
    for _ in 0..documents.rng.usize(2..9) {
        let name = documents.name();
        let name = match documents.is_odd() {
            true => name,
            false => words::capitalized(&name),
        };
        if !documents.names.contains(&name) {
            documents.names.push(name);
        }
    }
    documents.document()
}

struct Documents {
    rng: Rng,
    /// How likely a part is odd.
    odds: f64,
    version: &'static str,
    /// The names of the schemas.
    names: Vec<String>,
}

impl Documents {
    fn document(&mut self) -> Value {
        let operations = self.rng.usize(1..=self.names.len().min(4));
        let mut schemas = Map::new();
        for (index, name) in self.names.clone().into_iter().enumerate() {
            let is_body = index < operations && !self.is_odd();
            let schema = match is_body || self.rng.bool() {
                true => self.object(3),
                false => self.schema(2),
            };
            schemas.insert(name, schema);
        }
        let mut found = Vec::new();
        schemas
            .values()
            .for_each(|schema| find_tags(schema, &mut found));
        for (tag, variant) in found {
            let properties = schemas
                .get_mut(&variant)
                .and_then(|it| it.get_mut("properties"));
            if let Some(properties) = properties.filter(|_| !self.is_odd()) {
                properties[tag] = json!({"type": "string", "x-provenance": "documented"});
            }
        }
        let mut document = json!({
            "openapi": self.version,
            "info": {"title": self.text(), "version": "1.0.0", "description": self.text()},
            "servers": [{"url": "https://vendor.example/api"}],
            "security": [{"token": []}],
            "paths": {},
            "components": {
                "securitySchemes": {"token": {"type": "http", "scheme": "Bearer"}},
                "responses": {"Refused": self.response()},
                "schemas": schemas,
            },
        });
        for index in 0..operations {
            let prefix = ["", "/api", "/api/push"][self.rng.usize(..3)];
            let path = format!("{prefix}/{index}{}", self.name());
            let method = ["post", "post", "put", "patch"][self.rng.usize(..4)];
            document["paths"][path][method] = self.operation(index, &document);
        }
        document
    }

    fn operation(&mut self, index: usize, document: &Value) -> Value {
        let body = match self.is_odd() {
            true => self.reference(),
            false => json!({"$ref": reference(&self.names[index])}),
        };
        let mut media = json!({ "schema": body });
        match Bodies::new(&mut self.rng, document).example(&body) {
            Some(example) if self.rng.bool() => media["example"] = example,
            Some(example) => media["examples"] = json!({"one": {"value": example}}),
            None => {}
        }
        let id = match self.is_odd() {
            true => self.name(),
            false => format!("{}_{index}", words::ordinary(&mut self.rng)),
        };
        let mut responses = json!({"2XX": self.response()});
        for status in ["200", "204", "400", "4XX", "5XX", "default"] {
            match self.rng.u8(..8) {
                0 => responses[status] = json!({"$ref": "#/components/responses/Refused"}),
                1 => responses[status] = self.response(),
                _ => {}
            }
        }
        json!({
            "operationId": id,
            "requestBody": {"required": true, "content": {"application/json": media}},
            "responses": responses,
            "summary": self.text(),
            "description": self.text(),
            "tags": [self.name()],
            "deprecated": self.rng.u8(..6) == 0,
        })
    }

    fn response(&mut self) -> Value {
        let mut response = json!({"description": self.text()});
        if self.rng.bool() {
            response["content"]["application/json"]["schema"] = self.schema(1);
        }
        response
    }

    /// Returns any schema, with others inside down to a depth.
    fn schema(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 9 } else { 18 };
        let mut schema = match self.rng.u8(..kinds) {
            0..=4 => self.one_of(&LEAVES),
            5..=6 => self.reference(),
            7 => json!({"type": "string", "enum": self.values()}),
            8 => json!({"type": "string", "x-extensible-enum": self.values()}),
            9..=10 => json!({"type": "array", "items": self.schema(depth - 1)}),
            11 => json!({"type": "object", "additionalProperties": self.schema(depth - 1)}),
            12..=13 => self.object(depth),
            14..=15 => self.alternatives(depth),
            16 => self.tagged(),
            _ => json!({"allOf": [self.reference(), self.object(depth)]}),
        };
        if self.rng.u8(..4) == 0 {
            match schema["type"].clone() {
                Value::String(ty) if self.is_31() => schema["type"] = json!([ty, "null"]),
                Value::Null if self.is_31() => {}
                _ => schema["nullable"] = json!(true),
            }
        }
        if self.rng.u8(..4) == 0 {
            schema["description"] = json!(self.text());
        }
        if self.rng.u8(..6) == 0 {
            let keyword = self.one_of(&KEYWORDS);
            add(&mut schema, keyword);
        }
        schema
    }

    fn reference(&mut self) -> Value {
        let reference = json!({"$ref": reference(&self.names[self.rng.usize(..self.names.len())])});
        match self.rng.bool() {
            true => reference,
            false => json!({ "allOf": [reference] }),
        }
    }

    fn object(&mut self, depth: usize) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for _ in 0..self.rng.usize(1..7) {
            let name = self.name();
            if self.rng.bool() && !required.contains(&name) {
                required.push(name.clone());
            }
            let mut property = self.schema(depth - 1);
            let extensions = self.one_of(&EXTENSIONS);
            add(&mut property, extensions);
            properties.insert(name, property);
        }
        if self.is_odd() {
            required.push(self.name());
        }
        let mut object = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        match self.rng.u8(..12) {
            0 => object["additionalProperties"] = json!(true),
            1 => object["additionalProperties"] = json!(false),
            2 => object["additionalProperties"] = json!({}),
            3 => object["additionalProperties"] = self.schema(depth - 1),
            4 => object["maxProperties"] = json!(1),
            5 if self.is_odd() => object = json!({ "properties": properties }),
            _ => {}
        }
        object
    }

    /// Returns a choice of scalars, or of anything.
    fn alternatives(&mut self, depth: usize) -> Value {
        let schemas: Vec<Value> = (0..self.rng.usize(1..5))
            .map(|_| match self.is_odd() {
                true => self.schema(depth - 1),
                false => self.one_of(&LEAVES),
            })
            .collect();
        match self.rng.u8(..3) {
            0 => json!({ "anyOf": schemas }),
            1 if self.is_31() => json!({"oneOf": [self.reference(), {"type": "null"}]}),
            _ => json!({ "oneOf": schemas }),
        }
    }

    /// Returns a choice of objects by the value of one property.
    fn tagged(&mut self) -> Value {
        let count = self.rng.usize(1..=self.names.len());
        let references: Vec<String> = self
            .names
            .iter()
            .take(count)
            .map(|it| reference(it))
            .collect();
        let variants: Vec<Value> = references.iter().map(|it| json!({"$ref": it})).collect();
        let mut discriminator = json!({"propertyName": self.name()});
        if self.rng.bool() {
            for reference in references {
                discriminator["mapping"][self.name()] = json!(reference);
            }
        }
        json!({"oneOf": variants, "discriminator": discriminator})
    }

    fn values(&mut self) -> Vec<String> {
        let mut values: Vec<String> = (0..self.rng.usize(1..6)).map(|_| self.name()).collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    fn one_of(&mut self, schemas: &[(&str, &str)]) -> Value {
        let newest = if self.is_31() { "3.1" } else { "3.0" };
        let schemas: Vec<_> = schemas
            .iter()
            .filter(|(version, _)| *version <= newest)
            .collect();
        let json = self.rng.choice(schemas).map_or("{}", |(_, json)| json);
        serde_json::from_str(json).unwrap_or_default()
    }

    fn is_31(&self) -> bool {
        self.version.starts_with("3.1")
    }

    fn is_odd(&mut self) -> bool {
        self.rng.f64() < self.odds
    }

    fn name(&mut self) -> String {
        words::name(&mut self.rng, self.odds)
    }

    fn text(&mut self) -> &'static str {
        words::text(&mut self.rng)
    }
}

fn reference(name: &str) -> String {
    let name = name.replace('~', "~0").replace('/', "~1");
    format!("#/components/schemas/{name}")
}

fn add(schema: &mut Value, others: Value) {
    if let (Value::Object(schema), Value::Object(others)) = (schema, others) {
        schema.extend(others);
    }
}

/// Finds the properties of discriminators, each with an object that must have it.
fn find_tags(schema: &Value, found: &mut Vec<(String, String)>) {
    if let Some(tag) = schema["discriminator"]["propertyName"].as_str() {
        let variants = schema["oneOf"].as_array().into_iter().flatten();
        let references = variants.filter_map(|variant| variant["$ref"].as_str());
        let names = references.filter_map(|reference| reference.rsplit('/').next());
        found.extend(names.map(|name| (tag.to_owned(), name.to_owned())));
    }
    match schema {
        Value::Object(fields) => fields.values().for_each(|it| find_tags(it, found)),
        Value::Array(items) => items.iter().for_each(|it| find_tags(it, found)),
        _ => {}
    }
}
