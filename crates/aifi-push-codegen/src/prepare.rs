//! The document as progenitor must see it to generate models that keep what they decode.

use std::borrow::BorrowMut;

use openapiv3::{
    AdditionalProperties, AnySchema, OpenAPI, ReferenceOr, Schema, SchemaData, SchemaKind,
    StringFormat, Type, VariantOrUnknownOrEmpty,
};

use crate::document::{Document, referred};

pub(crate) fn prepare(document: &Document) -> OpenAPI {
    let mut api = document.api.clone();
    let schemas = api.components.iter_mut().flat_map(|c| &mut c.schemas);
    for (_, schema) in schemas {
        if let ReferenceOr::Item(schema) = schema {
            prepare_named(document, schema);
        }
    }
    api
}

fn prepare_named(document: &Document, schema: &mut Schema) {
    prepare_value(document, schema);
    // Typify generates a newtype around an Option for a nullable named schema; `prepare_value` moves
    // the null to where the schema is used.
    schema.schema_data.nullable = false;
    if let SchemaKind::Type(Type::Object(object)) = &mut schema.schema_kind {
        for (_, property) in &mut object.properties {
            prepare_use(document, property);
        }
        // Typify drops unknown fields unless a schema describes them.
        object.additional_properties = Some(AdditionalProperties::Schema(Box::new(any())));
    }
}

fn any() -> ReferenceOr<Schema> {
    ReferenceOr::Item(Schema {
        schema_data: SchemaData::default(),
        schema_kind: SchemaKind::Any(AnySchema::default()),
    })
}

fn prepare_use<S: BorrowMut<Schema> + From<Schema>>(
    document: &Document,
    schema: &mut ReferenceOr<S>,
) {
    if let ReferenceOr::Reference { reference } = schema {
        let reference = ReferenceOr::Reference {
            reference: reference.clone(),
        };
        *schema = ReferenceOr::Item(S::from(Schema {
            schema_data: SchemaData::default(),
            schema_kind: SchemaKind::AllOf {
                all_of: vec![reference],
            },
        }));
    }
    if let ReferenceOr::Item(schema) = schema {
        prepare_value(document, schema.borrow_mut());
    }
}

fn prepare_value(document: &Document, schema: &mut Schema) {
    // Typify reads some extensions itself and compares schemas by them.
    schema.schema_data.extensions.clear();
    let referred = referred(schema).and_then(|reference| document.schema(reference));
    if referred.is_some_and(|schema| schema.schema_data.nullable) {
        schema.schema_data.nullable = true;
    }
    match &mut schema.schema_kind {
        // A type such as Uuid would refuse what the sender considers one, or encode it in another
        // spelling.
        SchemaKind::Type(Type::String(string))
            if string.format != VariantOrUnknownOrEmpty::Item(StringFormat::DateTime) =>
        {
            string.format = VariantOrUnknownOrEmpty::Empty;
        }
        SchemaKind::Type(Type::Number(number)) => number.format = VariantOrUnknownOrEmpty::Empty,
        SchemaKind::Type(Type::Array(array)) => {
            if let Some(items) = &mut array.items {
                prepare_use(document, items);
            }
        }
        SchemaKind::Type(Type::Object(map)) => {
            if let Some(AdditionalProperties::Schema(values)) = &mut map.additional_properties {
                prepare_use(document, values.as_mut());
            }
        }
        _ => {}
    }
}
