//! A word for each type of a value, which names the variants of a union and the union.

use openapiv3::{
    AdditionalProperties, ReferenceOr, Schema, SchemaKind, StringFormat, Type,
    VariantOrUnknownOrEmpty,
};

use crate::document::{referred, schema_name};

/// Returns the word for a value, such as `Integer`, `Store` or `StringList`.
pub(crate) fn word(schema: &Schema) -> String {
    match &schema.schema_kind {
        SchemaKind::Type(Type::String(string))
            if string.format == VariantOrUnknownOrEmpty::Item(StringFormat::DateTime) =>
        {
            "DateTime".to_owned()
        }
        SchemaKind::Type(Type::String(_)) => "String".to_owned(),
        SchemaKind::Type(Type::Integer(_)) => "Integer".to_owned(),
        SchemaKind::Type(Type::Number(_)) => "Number".to_owned(),
        SchemaKind::Type(Type::Boolean(_)) => "Boolean".to_owned(),
        SchemaKind::Type(Type::Array(array)) => match &array.items {
            Some(ReferenceOr::Item(items)) => part(items) + "List",
            _ => "JsonList".to_owned(),
        },
        SchemaKind::Type(Type::Object(map)) => match &map.additional_properties {
            Some(AdditionalProperties::Schema(values)) => match &**values {
                ReferenceOr::Item(values) => part(values) + "Map",
                ReferenceOr::Reference { .. } => "JsonMap".to_owned(),
            },
            _ => "JsonMap".to_owned(),
        },
        _ => match referred(schema).and_then(schema_name) {
            Some(name) => name.to_owned(),
            None => "Json".to_owned(),
        },
    }
}

/// Returns the word for each alternative of a union.
pub(crate) fn words(schema: &Schema) -> Vec<String> {
    let alternatives = match &schema.schema_kind {
        SchemaKind::OneOf { one_of } => &one_of[..],
        _ => &[],
    };
    alternatives
        .iter()
        .map(|alternative| match alternative {
            ReferenceOr::Item(alternative) => word(alternative),
            ReferenceOr::Reference { reference } => {
                schema_name(reference).unwrap_or_default().to_owned()
            }
        })
        .collect()
}

fn part(schema: &Schema) -> String {
    match schema.schema_data.nullable {
        true => format!("Nullable{}", word(schema)),
        false => word(schema),
    }
}
