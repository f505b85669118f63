//! The parts of an OpenAPI document, and the keys that each has.

/// A part of a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    Document,
    Components,
    Path,
    Operation,
    Body,
    Response,
    Media,
    Schema,
    Discriminator,
}

/// What is below a key.
#[derive(Clone, Copy)]
pub(super) enum Below {
    One(Part),
    List(Part),
    /// Several by names of the document.
    Named(Part),
    /// What is not checked here.
    Other,
}

use Below::{List, Named, One, Other};

type Keys = &'static [(&'static str, Below)];

impl Part {
    /// Returns the keys of the part. Those of a schema are only the ones that have schemas below.
    pub(super) fn keys(self) -> Keys {
        match self {
            Self::Document => DOCUMENT,
            Self::Components => COMPONENTS,
            Self::Path => PATH,
            Self::Operation => OPERATION,
            Self::Body => BODY,
            Self::Response => RESPONSE,
            Self::Media => MEDIA,
            Self::Schema => SCHEMA,
            Self::Discriminator => DISCRIMINATOR,
        }
    }

    pub(super) fn below(self, key: &str) -> Option<Below> {
        let mut keys = self.keys().iter();
        keys.find(|(name, _)| *name == key).map(|(_, below)| *below)
    }
}

const DOCUMENT: Keys = &[
    ("openapi", Other),
    ("info", Other),
    ("jsonSchemaDialect", Other),
    ("servers", Other),
    ("paths", Named(Part::Path)),
    ("webhooks", Other),
    ("components", One(Part::Components)),
    ("security", Other),
    ("tags", Other),
    ("externalDocs", Other),
    // Bundlers leave schemas here.
    ("$defs", Named(Part::Schema)),
    ("definitions", Named(Part::Schema)),
];

const COMPONENTS: Keys = &[
    ("schemas", Named(Part::Schema)),
    ("responses", Named(Part::Response)),
    ("parameters", Other),
    ("examples", Other),
    ("requestBodies", Named(Part::Body)),
    ("headers", Other),
    ("securitySchemes", Other),
    ("links", Other),
    ("callbacks", Other),
    ("pathItems", Other),
];

const PATH: Keys = &[
    ("$ref", Other),
    ("summary", Other),
    ("description", Other),
    ("get", One(Part::Operation)),
    ("put", One(Part::Operation)),
    ("post", One(Part::Operation)),
    ("delete", One(Part::Operation)),
    ("options", One(Part::Operation)),
    ("head", One(Part::Operation)),
    ("patch", One(Part::Operation)),
    ("trace", One(Part::Operation)),
    ("servers", Other),
    ("parameters", Other),
];

const OPERATION: Keys = &[
    ("tags", Other),
    ("summary", Other),
    ("description", Other),
    ("externalDocs", Other),
    ("operationId", Other),
    ("parameters", Other),
    ("requestBody", One(Part::Body)),
    ("responses", Named(Part::Response)),
    ("callbacks", Other),
    ("deprecated", Other),
    ("security", Other),
    ("servers", Other),
];

const BODY: Keys = &[
    ("$ref", Other),
    ("summary", Other),
    ("description", Other),
    ("content", Named(Part::Media)),
    ("required", Other),
];

const RESPONSE: Keys = &[
    ("$ref", Other),
    ("summary", Other),
    ("description", Other),
    ("headers", Other),
    ("content", Named(Part::Media)),
    ("links", Other),
];

const MEDIA: Keys = &[
    ("schema", One(Part::Schema)),
    ("example", Other),
    ("examples", Other),
    ("encoding", Other),
];

const SCHEMA: Keys = &[
    ("allOf", List(Part::Schema)),
    ("oneOf", List(Part::Schema)),
    ("anyOf", List(Part::Schema)),
    ("prefixItems", List(Part::Schema)),
    ("properties", Named(Part::Schema)),
    ("patternProperties", Named(Part::Schema)),
    ("dependentSchemas", Named(Part::Schema)),
    ("$defs", Named(Part::Schema)),
    ("definitions", Named(Part::Schema)),
    ("additionalProperties", One(Part::Schema)),
    ("unevaluatedProperties", One(Part::Schema)),
    ("propertyNames", One(Part::Schema)),
    ("items", One(Part::Schema)),
    ("unevaluatedItems", One(Part::Schema)),
    ("contains", One(Part::Schema)),
    ("contentSchema", One(Part::Schema)),
    ("not", One(Part::Schema)),
    ("if", One(Part::Schema)),
    ("then", One(Part::Schema)),
    ("else", One(Part::Schema)),
    ("discriminator", One(Part::Discriminator)),
];

const DISCRIMINATOR: Keys = &[("propertyName", Other), ("mapping", Other)];
