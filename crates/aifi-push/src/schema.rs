//! JSON Schema that accepts what the decoder does.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, transform::transform_subschemas};
use serde_json::{Value, json};

use crate::{Json, Number, date_time::PATTERN};

impl JsonSchema for Json {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number"})
    }
}

/// Changes the schema of a property with date-times: they follow our rule, which is wider than that
/// of the format.
pub(crate) fn date_time(schema: &mut Schema) {
    if schema.get("format").and_then(Value::as_str) == Some("date-time") {
        schema.remove("format");
        schema.insert("pattern".to_owned(), json!(PATTERN));
    }
    transform_subschemas(&mut date_time, schema);
}

/// Changes the schema of a property that only the vendor's example shows: it says what the type
/// seems to be, and accepts any other value too.
pub(crate) fn example(schema: &mut Schema) {
    let description = schema.remove("description");
    let typed = std::mem::replace(schema, json_schema!({}));
    schema.insert("anyOf".to_owned(), json!([typed, true]));
    if let Some(description) = description {
        schema.insert("description".to_owned(), description);
    }
}
