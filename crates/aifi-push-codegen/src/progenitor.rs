//! Progenitor's part: the models, and a client method for each operation.

use openapiv3::OpenAPI;
use progenitor_impl::{GenerationSettings, Generator};
use schemars08::schema::{InstanceType, SchemaObject};

use crate::{
    Error,
    document::{Document, object},
    prepare::prepare,
};

/// Runs progenitor and returns its source as a syntax tree.
pub(crate) fn run(document: &Document) -> Result<syn::File, Error> {
    let api: OpenAPI = prepare(document);
    let tokens = Generator::new(&settings(document)).generate_tokens(&api)?;
    Ok(syn::parse2(tokens)?)
}

fn settings(document: &Document) -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_derive("PartialEq")
        // The order of a HashMap differs from run to run.
        .with_map_type("::std::collections::BTreeMap")
        // An f64 encodes 95 as 95.0, and rounds.
        .with_conversion(number(), "crate::Number", [].into_iter());
    for (name, schema) in document.schemas() {
        if object(schema).is_none() {
            // As progenitor writes it in the methods of the client.
            settings.with_replacement(name, format!("types::{name}"), [].into_iter());
        }
    }
    settings
}

fn number() -> SchemaObject {
    SchemaObject {
        instance_type: Some(InstanceType::Number.into()),
        ..SchemaObject::default()
    }
}
