//! The keywords of a schema: which decide its type, which only say more about it.

use crate::{node::Node, spelling};

/// Decide the type.
pub(super) const STRUCTURE: [&str; 12] = [
    "type",
    "format",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "oneOf",
    "anyOf",
    "discriminator",
    "x-extensible-enum",
];

/// Combine schemas.
pub(super) const REFERENCES: [&str; 2] = ["$ref", "allOf"];

/// Limit the values. The decoder ignores them, as a refused event may be lost forever.
pub(super) const LIMITS: [&str; 28] = [
    "maxLength",
    "minLength",
    "pattern",
    "maximum",
    "minimum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "multipleOf",
    "maxItems",
    "minItems",
    "uniqueItems",
    "prefixItems",
    "contains",
    "maxContains",
    "minContains",
    "unevaluatedItems",
    "maxProperties",
    "minProperties",
    "propertyNames",
    "patternProperties",
    "unevaluatedProperties",
    "dependentRequired",
    "dependentSchemas",
    "not",
    "if",
    "then",
    "else",
    "default",
];

/// Say something about the values that the types need not know.
const ANNOTATIONS: [&str; 18] = [
    "title",
    "description",
    "deprecated",
    "nullable",
    "example",
    "examples",
    "externalDocs",
    "xml",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "$comment",
    "$schema",
    // Schemas in them are found by their references.
    "$defs",
    "definitions",
    "discriminator",
];

/// What the values of the keywords are that the generator reads. Others only limit the values, and
/// the documentation shows them as they are.
const VALUES: [(&str, Expected); 24] = [
    ("$ref", Expected::Text),
    ("allOf", Expected::Schemas),
    ("oneOf", Expected::Schemas),
    ("anyOf", Expected::Schemas),
    ("type", Expected::Types),
    ("format", Expected::Text),
    ("enum", Expected::List),
    ("properties", Expected::Object),
    ("required", Expected::Names),
    ("additionalProperties", Expected::Schema),
    ("items", Expected::Schema),
    ("discriminator", Expected::Object),
    ("title", Expected::Text),
    ("description", Expected::Text),
    ("deprecated", Expected::Boolean),
    ("nullable", Expected::Boolean),
    ("readOnly", Expected::Boolean),
    ("writeOnly", Expected::Boolean),
    ("externalDocs", Expected::Object),
    ("xml", Expected::Object),
    ("$defs", Expected::Object),
    ("definitions", Expected::Object),
    ("patternProperties", Expected::Object),
    ("examples", Expected::Examples),
];

#[derive(Clone, Copy)]
enum Expected {
    Boolean,
    Examples,
    List,
    Names,
    Object,
    Schema,
    Schemas,
    Text,
    Types,
}

impl Expected {
    fn is(self, value: &Node) -> bool {
        let is_text = |value: &Node| value.as_str().is_some();
        match (self, value) {
            (Self::Boolean | Self::Schema, Node::Bool(_))
            | (Self::Object | Self::Schema | Self::Examples, Node::Object(_))
            | (Self::List | Self::Examples, Node::List(_))
            // Without a value in YAML.
            | (Self::Text, Node::String(_) | Node::Null)
            | (Self::Types, Node::String(_)) => true,
            (Self::Schemas | Self::Types, Node::List(items)) => !items.is_empty(),
            (Self::Names, Node::List(items)) => items.iter().all(is_text),
            _ => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "`true` or `false`",
            Self::Examples | Self::List => "a list",
            Self::Names => "a list of the names of properties, beside `properties`",
            Self::Object => "an object",
            Self::Schema => "a schema",
            Self::Schemas => "a list of schemas that is not empty",
            Self::Text => "a string",
            Self::Types => "the name of a type, or a list of them that is not empty",
        }
    }
}

/// Returns what the value of a keyword has to be, if it is something else.
pub(super) fn expected(keyword: &str, value: &Node) -> Option<&'static str> {
    let (_, expected) = VALUES.iter().find(|(name, _)| *name == keyword)?;
    (!expected.is(value)).then(|| expected.name())
}

/// Returns `true` if the generator knows a keyword.
pub(super) fn is_known(keyword: &str) -> bool {
    keyword.starts_with("x-")
        || [&STRUCTURE[..], &REFERENCES, &LIMITS, &ANNOTATIONS]
            .iter()
            .any(|known| known.contains(&keyword))
}

/// Returns the known keyword that was probably meant.
pub(super) fn meant(keyword: &str) -> Option<&'static str> {
    let known = [&STRUCTURE[..], &REFERENCES, &LIMITS, &ANNOTATIONS];
    spelling::meant(keyword, known.into_iter().flatten().copied())
}
