//! The OpenAPI document, and what the generator reads from it.

use openapiv3::{ObjectType, OpenAPI, Operation, ReferenceOr, Schema, SchemaKind, Server, Type};
use serde::Deserialize;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::{
    Error,
    error::Problem,
    node::Node,
    normalize::{Normalized, normalize},
    pointer::Pointer,
};

/// The extension that lists the known values of an extensible enum.
pub(crate) const EXTENSIBLE_ENUM: &str = "x-extensible-enum";
/// The extension that says where a property is known from.
pub(crate) const PROVENANCE: &str = "x-provenance";
/// The extension that keeps a property out of `Debug`.
pub(crate) const SENSITIVE: &str = "x-sensitive";
/// The extension that says whom or what a property identifies.
pub(crate) const SUBJECT: &str = "x-subject";

/// What decoding ignores of a schema, in sentences. It is never written in a document.
pub(crate) const NOTES: &str = "x-aifi-push-notes";

/// A document.
#[derive(Debug)]
pub(crate) struct Document {
    /// In the part of OpenAPI 3.0 that the generator supports.
    pub(crate) api: OpenAPI,
    /// As it is written.
    pub(crate) json: Value,
    /// Why it is not in the supported part.
    pub(crate) problems: Vec<Problem>,
}

impl Document {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        // Editors on Windows write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let root: Node = from_json(text)?;
        check_version(&root)?;
        let Normalized {
            document,
            types,
            mut problems,
        } = normalize(&root);
        let mut api: OpenAPI = match from_json(&document.to_string()) {
            Ok(api) => api,
            Err(Error::Syntax { pointer, source }) => {
                problems.push(not_openapi(pointer, &source));
                return Err(Error::Document(problems));
            }
            Err(error) => return Err(error),
        };
        let types = types.into_iter();
        let types = types.map(|(name, schema)| (name, ReferenceOr::Item(schema)));
        api.components.get_or_insert_default().schemas = types.collect();
        Ok(Self {
            api,
            json: from_json(text)?,
            problems,
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

    /// Returns the schema that `reference` refers to.
    pub(crate) fn schema(&self, reference: &str) -> Option<&Schema> {
        let name = schema_name(reference)?;
        let schemas = &self.api.components.as_ref()?.schemas;
        schemas.get(name)?.as_item()
    }
}

/// Returns the name of the schema that `reference` refers to.
pub(crate) fn schema_name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// Returns the reference to a schema.
pub(crate) fn reference_to(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// Returns the only schema that a property refers to, written `allOf: [{$ref}]` as siblings of a
/// bare `$ref` are ignored in OpenAPI 3.0.
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

/// Returns the alternatives of a union, if a schema is one.
pub(crate) fn alternatives(schema: &Schema) -> Option<&[ReferenceOr<Schema>]> {
    match &schema.schema_kind {
        SchemaKind::OneOf { one_of } => Some(one_of),
        _ => None,
    }
}

/// Returns what decoding ignores of a schema, in sentences.
pub(crate) fn notes(schema: &Schema) -> impl Iterator<Item = &str> {
    let notes = schema.schema_data.extensions.get(NOTES);
    let notes = notes.and_then(Value::as_array).into_iter().flatten();
    notes.filter_map(Value::as_str)
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
fn check_version(root: &Node) -> Result<(), Error> {
    // In YAML, `3.1` is a number.
    let version = |key| match root.get(key) {
        Some(Node::String(version) | Node::Number(version)) => Some(version.as_str()),
        _ => None,
    };
    let openapi = version("openapi").unwrap_or_default();
    let mut parts = openapi.splitn(3, '.');
    if let (Some("3"), Some("0" | "1")) = (parts.next(), parts.next()) {
        return Ok(());
    }
    let (key, message) = match version("swagger") {
        Some(swagger) => (
            "swagger",
            format!(
                "unsupported version `{swagger}`: convert the document to OpenAPI 3.0, such as with \
                 swagger2openapi"
            ),
        ),
        None => (
            "openapi",
            format!("unsupported version `{openapi}`: expected OpenAPI 3.0.x or 3.1.x"),
        ),
    };
    Err(Error::Document(vec![Problem {
        pointer: Pointer::root().join(key).to_string(),
        message,
    }]))
}

/// The position is left out, as it is that of another text.
fn not_openapi(pointer: String, error: &serde_json::Error) -> Problem {
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&position).unwrap_or(&text);
    Problem {
        pointer,
        message: format!("not OpenAPI: {text}"),
    }
}

fn from_json<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Unknown => None,
            other => Some(other.to_string()),
        });
        let pointer = path
            .fold(Pointer::root(), |pointer, segment| pointer.join(&segment))
            .to_string();
        let source = error.into_inner();
        match Node::problem(&source) {
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
