//! Rules for schemas: every accepted value must come back from decode and encode as it was.

use std::{borrow::Borrow, collections::HashMap};

use heck::{ToSnakeCase, ToUpperCamelCase};
use openapiv3::{
    AdditionalProperties, AnySchema, IntegerType, NumberType, ObjectType, ReferenceOr, Schema,
    SchemaKind, StringType, Type,
};

use super::{Problems, extensible_enums, names};
use crate::{
    document::{Document, PROVENANCE, SUBJECT, is_extensible_enum, object, referred},
    pointer::Pointer,
};

/// The field that keeps the properties which the document does not list.
const UNKNOWN_FIELDS: &str = "extra";

pub(super) fn check(document: &Document, problems: &mut Problems) {
    let Some(components) = &document.api.components else {
        return;
    };
    let schemas = Pointer::root().join("components").join("schemas");
    for (name, schema) in &components.schemas {
        let pointer = schemas.join(name);
        if name.to_upper_camel_case() != *name {
            let message = format!(
                "invalid name `{name}`: expected upper camel case, such as `{}`",
                name.to_upper_camel_case()
            );
            problems.add(&pointer, message);
        }
        names::check_schema(document, name, &pointer, problems);
        let ReferenceOr::Item(schema) = schema else {
            problems.add(&pointer, "unsupported reference: write the schema out here");
            continue;
        };
        check_named(document, schema, &pointer, problems);
    }
}

fn check_named(document: &Document, schema: &Schema, pointer: &Pointer, problems: &mut Problems) {
    if is_extensible_enum(schema) {
        extensible_enums::check(schema, pointer, problems);
        return;
    }
    match object(schema) {
        Some(object) if !object.properties.is_empty() => {
            check_object(document, object, pointer, problems);
        }
        _ => {
            check_value(document, schema, pointer, problems);
            problems.add(
                pointer,
                "unsupported named schema: expected an object with properties, or a string with \
                 `x-extensible-enum`; write any other schema where it is used",
            );
        }
    }
}

fn check_object(
    document: &Document,
    object: &ObjectType,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    if object.additional_properties == Some(AdditionalProperties::Any(false)) {
        problems.add(
            &pointer.join("additionalProperties"),
            "`false` would refuse whole events because of one new field: write `{}`",
        );
    }
    if object.min_properties.is_some() || object.max_properties.is_some() {
        problems.add(pointer, NO_LIMITS);
    }
    for name in &object.required {
        if !object.properties.contains_key(name) {
            let message = format!("`{name}` is required but not a property: add the property");
            problems.add(&pointer.join("required"), message);
        }
    }

    let mut fields = HashMap::from([(UNKNOWN_FIELDS.to_owned(), "the unknown fields".to_owned())]);
    for (name, property) in &object.properties {
        let pointer = pointer.join("properties").join(name);
        if let Some(other) = fields.insert(name.to_snake_case(), format!("`{name}`")) {
            let message = format!("`{name}` has the same Rust name as {other}: rename one");
            problems.add(&pointer, message);
        }
        let ReferenceOr::Item(property) = property else {
            problems.add(
                &pointer,
                "OpenAPI 3.0 ignores the siblings of `$ref`, and a property needs \
                 `x-provenance`: write `allOf: [{$ref}]`",
            );
            continue;
        };
        check_provenance(property, &pointer, problems);
        check_subject(property, &pointer, problems);
        check_value(document, property, &pointer, problems);
        if !object.required.contains(name) && !accepts_null(document, property) {
            problems.add(
                &pointer,
                "an optional property must accept null, which is the same as its absence: write \
                 `nullable: true`, for a reference in the schema that it refers to",
            );
        }
    }
    for name in object.properties.keys() {
        if names::is_builder_method(&name.to_snake_case(), |name| fields.contains_key(name)) {
            let pointer = pointer.join("properties").join(name);
            let message = format!(
                "`{name}` has the Rust name of a method of the builder: leave it out, \
                 `{UNKNOWN_FIELDS}` keeps it"
            );
            problems.add(&pointer, message);
        }
    }
}

fn check_subject(property: &Schema, pointer: &Pointer, problems: &mut Problems) {
    let subject = property.schema_data.extensions.get(SUBJECT);
    let is_known = |subject: &serde_json::Value| {
        let kinds = ["customer", "session", "shopper", "store"];
        subject
            .as_str()
            .is_some_and(|subject| kinds.contains(&subject))
    };
    if subject.is_some_and(|subject| !is_known(subject)) {
        problems.add(
            &pointer.join(SUBJECT),
            "expected `customer`, `session`, `shopper` or `store`",
        );
    }
}

fn check_provenance(property: &Schema, pointer: &Pointer, problems: &mut Problems) {
    let provenance = property.schema_data.extensions.get(PROVENANCE);
    let known = provenance
        .and_then(serde_json::Value::as_str)
        .is_some_and(|value| matches!(value, "documented" | "example" | "assumed"));
    if !known {
        problems.add(
            &pointer.join(PROVENANCE),
            "missing or invalid provenance: expected `documented` (the vendor's page states it), \
             `example` (only its example shows it) or `assumed`",
        );
    }
}

fn accepts_null(document: &Document, schema: &Schema) -> bool {
    let any = SchemaKind::Any(AnySchema::default());
    let referred = referred(schema).and_then(|reference| document.schema(reference));
    schema.schema_data.nullable
        || schema.schema_kind == any
        || referred.is_some_and(|schema| schema.schema_data.nullable)
}

/// Checks a schema where it is used.
fn check_value(document: &Document, schema: &Schema, pointer: &Pointer, problems: &mut Problems) {
    if schema.schema_data.default.is_some() {
        problems.add(
            &pointer.join("default"),
            "unsupported default: decoding would add it to events without the property, so \
             describe it instead",
        );
    }
    match &schema.schema_kind {
        SchemaKind::Type(Type::String(string)) => {
            check_string(schema, string, pointer, problems);
        }
        SchemaKind::Type(Type::Integer(integer)) => {
            let unlimited = IntegerType {
                format: integer.format.clone(),
                ..IntegerType::default()
            };
            check_limits(integer == &unlimited, pointer, problems);
        }
        SchemaKind::Type(Type::Number(number)) => {
            let unlimited = NumberType {
                format: number.format.clone(),
                ..NumberType::default()
            };
            check_limits(number == &unlimited, pointer, problems);
        }
        SchemaKind::Type(Type::Boolean(boolean)) => {
            check_limits(boolean.enumeration.is_empty(), pointer, problems);
        }
        SchemaKind::Type(Type::Array(array)) => {
            let unlimited =
                array.min_items.is_none() && array.max_items.is_none() && !array.unique_items;
            check_limits(unlimited, pointer, problems);
            let pointer = pointer.join("items");
            match &array.items {
                Some(items) => check_use(document, items, &pointer, problems),
                None => problems.add(
                    &pointer,
                    "missing items: write their schema, `{}` for any JSON",
                ),
            }
        }
        SchemaKind::Type(Type::Object(map)) => check_map(document, map, pointer, problems),
        SchemaKind::Any(any) if *any == AnySchema::default() => {}
        SchemaKind::AllOf { .. } => match referred(schema) {
            Some(reference) => check_reference(document, reference, pointer, problems),
            None => problems.add(
                &pointer.join("allOf"),
                "schemas can't be combined: write one `$ref`, or the properties",
            ),
        },
        SchemaKind::OneOf { .. }
        | SchemaKind::AnyOf { .. }
        | SchemaKind::Not { .. }
        | SchemaKind::Any(_) => problems.add(
            pointer,
            "unsupported schema: expected one `type`, or `{}` for any JSON",
        ),
    }
}

fn check_string(schema: &Schema, string: &StringType, pointer: &Pointer, problems: &mut Problems) {
    if !string.enumeration.is_empty() {
        problems.add(
            &pointer.join("enum"),
            "a closed enum would refuse whole events because of one new value: name the schema and \
             write `x-extensible-enum`",
        );
    }
    if is_extensible_enum(schema) {
        problems.add(
            pointer,
            "an extensible enum needs a name for its Rust type: move it to /components/schemas",
        );
    }
    let unlimited = StringType {
        format: string.format.clone(),
        enumeration: string.enumeration.clone(),
        ..StringType::default()
    };
    check_limits(string == &unlimited, pointer, problems);
}

fn check_map(document: &Document, map: &ObjectType, pointer: &Pointer, problems: &mut Problems) {
    if !map.properties.is_empty() {
        problems.add(
            pointer,
            "an object with properties needs a name for its Rust type: move it to \
             /components/schemas",
        );
        return;
    }
    let pointer = pointer.join("additionalProperties");
    match &map.additional_properties {
        Some(AdditionalProperties::Schema(values)) => {
            check_use(document, values, &pointer, problems);
        }
        Some(AdditionalProperties::Any(true)) => {}
        Some(AdditionalProperties::Any(false)) | None => problems.add(
            &pointer,
            "an object without properties is a map: write the schema of its values, `{}` for any JSON",
        ),
    }
}

/// Checks the items of a list, the values of a map or the body of a response.
pub(super) fn check_use<S: Borrow<Schema>>(
    document: &Document,
    schema: &ReferenceOr<S>,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    match schema {
        ReferenceOr::Item(schema) => check_value(document, schema.borrow(), pointer, problems),
        ReferenceOr::Reference { reference } => {
            check_reference(document, reference, pointer, problems);
        }
    }
}

fn check_reference(
    document: &Document,
    reference: &str,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    if document.schema(reference).is_none() {
        let message =
            format!("unresolved reference `{reference}`: expected a schema of /components/schemas");
        problems.add(pointer, message);
    }
}

const NO_LIMITS: &str =
    "limits would refuse whole events because of one value: describe them instead";

fn check_limits(unlimited: bool, pointer: &Pointer, problems: &mut Problems) {
    if !unlimited {
        problems.add(pointer, NO_LIMITS);
    }
}
