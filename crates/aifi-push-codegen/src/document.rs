//! The OpenAPI document, and what the generator reads from it.

use openapiv3::{
    ObjectType, OpenAPI, Operation, ReferenceOr, Response, Schema, SchemaKind, Server, Type,
};
use serde::Deserialize;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::{Error, error::Problem, pointer::Pointer, unique_keys::UniqueKeys};

/// The extension that lists the known values of an extensible enum.
pub(crate) const EXTENSIBLE_ENUM: &str = "x-extensible-enum";
/// The extension that says where a property is known from.
pub(crate) const PROVENANCE: &str = "x-provenance";
/// The extension that keeps a property out of `Debug`.
pub(crate) const SENSITIVE: &str = "x-sensitive";
/// The extension that says whom or what a property identifies.
pub(crate) const SUBJECT: &str = "x-subject";

/// A document, unchanged.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) api: OpenAPI,
    /// The same as JSON, with what the parser drops.
    pub(crate) json: Value,
}

impl Document {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        // Editors on Windows write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        check_version(text)?;
        from_json::<UniqueKeys>(text)?;
        Ok(Self {
            api: from_json(text)?,
            json: from_json(text)?,
        })
    }

    /// Returns the servers, the first of which is the default.
    pub(crate) fn servers(&self) -> &[Server] {
        &self.api.servers
    }

    /// Returns the operations in the order of the document, as path, method and operation.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, &str, &Operation)> {
        self.api.paths.iter().flat_map(|(path, item)| {
            item.as_item()
                .into_iter()
                .flat_map(|item| item.iter())
                .map(|(method, operation)| (path.as_str(), method, operation))
        })
    }

    /// Returns the named schemas in the order of the document.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.api
            .components
            .iter()
            .flat_map(|components| &components.schemas)
            .filter_map(|(name, schema)| Some((name.as_str(), schema.as_item()?)))
    }

    /// Returns the named schemas that are extensible enums.
    pub(crate) fn extensible_enums(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.schemas()
            .filter(|(_, schema)| is_extensible_enum(schema))
    }

    /// Returns the schema that `reference` refers to.
    pub(crate) fn schema(&self, reference: &str) -> Option<&Schema> {
        let name = schema_name(reference)?;
        let schemas = &self.api.components.as_ref()?.schemas;
        schemas.get(name)?.as_item()
    }

    /// Returns a response, resolved if it is a reference.
    pub(crate) fn response<'a>(
        &'a self,
        response: &'a ReferenceOr<Response>,
    ) -> Option<&'a Response> {
        match response {
            ReferenceOr::Item(response) => Some(response),
            ReferenceOr::Reference { reference } => {
                let name = reference.strip_prefix("#/components/responses/")?;
                let responses = &self.api.components.as_ref()?.responses;
                responses.get(name)?.as_item()
            }
        }
    }
}

/// Returns the name of the schema that `reference` refers to.
pub(crate) fn schema_name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// Returns the only schema that a property refers to, written `allOf: [{$ref}]` as siblings of a bare
/// `$ref` are ignored in OpenAPI 3.0.
pub(crate) fn referred(schema: &Schema) -> Option<&str> {
    match &schema.schema_kind {
        SchemaKind::AllOf { all_of } => match all_of.as_slice() {
            [ReferenceOr::Reference { reference }] => Some(reference),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the object that a schema describes, if it does.
pub(crate) fn object(schema: &Schema) -> Option<&ObjectType> {
    match &schema.schema_kind {
        SchemaKind::Type(Type::Object(object)) => Some(object),
        _ => None,
    }
}

/// Returns `true` if an event need not follow the type of a property: the vendor does not document
/// it, and the event may lack it.
pub(crate) fn is_guess(property: &Schema, required: bool) -> bool {
    let provenance = property.schema_data.extensions.get(PROVENANCE);
    let documented = provenance.and_then(Value::as_str) == Some("documented");
    !documented && !required
}

/// Returns `true` if a schema is an extensible enum.
pub(crate) fn is_extensible_enum(schema: &Schema) -> bool {
    schema.schema_data.extensions.contains_key(EXTENSIBLE_ENUM)
}

/// Returns the known values of an extensible enum, or `None` if the extension is not a list of
/// strings.
pub(crate) fn known_values(schema: &Schema) -> Option<Vec<&str>> {
    let values = schema
        .schema_data
        .extensions
        .get(EXTENSIBLE_ENUM)?
        .as_array()?;
    values.iter().map(Value::as_str).collect()
}

/// Checked first, as parsing a document of another version fails with misleading errors.
fn check_version(text: &str) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(default)]
        openapi: String,
    }
    let Version { openapi } = from_json(text)?;
    if openapi.starts_with("3.0.") {
        return Ok(());
    }
    Err(Error::Document(vec![Problem {
        pointer: Pointer::root().join("openapi").to_string(),
        message: format!(
            "unsupported version `{openapi}`: expected OpenAPI 3.0.x \
             (`type: [T, \"null\"]` of 3.1 is `nullable: true`)"
        ),
    }]))
}

fn from_json<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().iter().map(|segment| match segment {
            Segment::Seq { index } => index.to_string(),
            other => other.to_string(),
        });
        let pointer = path
            .fold(Pointer::root(), |pointer, segment| pointer.join(&segment))
            .to_string();
        let source = error.into_inner();
        match UniqueKeys::problem(&source) {
            Some(message) => Error::Document(vec![Problem { pointer, message }]),
            None => Error::Syntax { pointer, source },
        }
    })?;
    deserializer.end().map_err(|source| Error::Syntax {
        pointer: Pointer::root().to_string(),
        source,
    })?;
    Ok(value)
}
