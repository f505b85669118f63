//! The document as progenitor must see it to generate models that keep what they decode.

use indexmap::IndexMap;
use openapiv3::{
    AdditionalProperties, AnySchema, ObjectType, OpenAPI, ReferenceOr, Schema, SchemaData,
    SchemaKind, StringFormat, StringType, Type, VariantOrUnknownOrEmpty,
};

use crate::document::{Document, alternatives, object};

pub(crate) fn prepare(document: &Document) -> OpenAPI {
    let mut api = document.api.clone();
    let mut schemas = IndexMap::new();
    for (name, schema) in document.schemas() {
        if let Some(object) = object(schema) {
            schemas.insert(name.to_owned(), prepare_object(object));
        } else {
            // Its type is generated without progenitor.
            schemas.insert(
                name.to_owned(),
                item(SchemaKind::Type(Type::String(StringType::default()))),
            );
            if let Some(alternatives) = alternatives(schema) {
                let payloads = struct_of(alternatives.iter().cloned(), |_| true);
                schemas.insert(payloads_name(document, name), payloads);
            }
        }
    }
    api.components.get_or_insert_default().schemas = schemas;
    api
}

/// Returns the name of a struct whose fields have the types of the alternatives of a union.
pub(crate) fn payloads_name(document: &Document, union: &str) -> String {
    let mut name = format!("{union}Payloads");
    while document.schemas().any(|(other, _)| other == name) {
        name += "More";
    }
    name
}

/// Returns the name of the field for the property or the alternative at an index, as names of
/// properties are of any kind.
pub(crate) fn field(index: usize) -> String {
    format!("p{index}")
}

fn prepare_object(object: &ObjectType) -> ReferenceOr<Schema> {
    let required: Vec<bool> = object
        .properties
        .keys()
        .map(|name| object.required.contains(name))
        .collect();
    let properties = object.properties.values().cloned();
    struct_of(properties.map(ReferenceOr::unbox), |index| required[index])
}

fn struct_of(
    values: impl Iterator<Item = ReferenceOr<Schema>>,
    is_required: impl Fn(usize) -> bool,
) -> ReferenceOr<Schema> {
    let mut object = ObjectType {
        // Typify drops unknown fields unless a schema describes them.
        additional_properties: Some(AdditionalProperties::Schema(Box::new(item(
            SchemaKind::Any(AnySchema::default()),
        )))),
        ..ObjectType::default()
    };
    for (index, value) in values.enumerate() {
        if is_required(index) {
            object.required.push(field(index));
        }
        let value = ReferenceOr::Item(Box::new(prepare_value(value)));
        object.properties.insert(field(index), value);
    }
    item(SchemaKind::Type(Type::Object(object)))
}

fn item(schema_kind: SchemaKind) -> ReferenceOr<Schema> {
    ReferenceOr::Item(Schema {
        schema_data: SchemaData::default(),
        schema_kind,
    })
}

fn prepare_value(value: ReferenceOr<Schema>) -> Schema {
    let mut schema = match value {
        ReferenceOr::Item(schema) => schema,
        reference @ ReferenceOr::Reference { .. } => Schema {
            schema_data: SchemaData::default(),
            schema_kind: SchemaKind::AllOf {
                all_of: vec![reference],
            },
        },
    };
    // Typify reads some extensions itself and compares schemas by them.
    schema.schema_data = SchemaData {
        nullable: schema.schema_data.nullable,
        ..SchemaData::default()
    };
    match &mut schema.schema_kind {
        // A type such as Uuid would refuse what the sender considers one, or encode it in another
        // spelling.
        SchemaKind::Type(Type::String(string))
            if string.format != VariantOrUnknownOrEmpty::Item(StringFormat::DateTime) =>
        {
            string.format = VariantOrUnknownOrEmpty::Empty;
        }
        SchemaKind::Type(Type::Array(array)) => {
            let items = array.items.take();
            array.items =
                items.map(|items| ReferenceOr::Item(Box::new(prepare_value(items.unbox()))));
        }
        SchemaKind::Type(Type::Object(map)) => {
            if let Some(AdditionalProperties::Schema(values)) = &mut map.additional_properties {
                **values = ReferenceOr::Item(prepare_value((**values).clone()));
            }
        }
        _ => {}
    }
    schema
}
