//! The properties of a body that say whom or what an event is about.

use std::collections::HashSet;

use heck::ToUpperCamelCase;
use openapiv3::{ReferenceOr, Schema};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::document::{Document, SUBJECT, object, reference_to, referred};

/// The subjects of a document.
pub(crate) struct Subjects<'a> {
    document: &'a Document,
    /// References to the schemas that have such properties, or refer to one that has.
    leading: HashSet<String>,
}

/// Deeper than any event, where schemas contain each other.
const MAX_DEPTH: usize = 8;

impl<'a> Subjects<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        let mut leading = HashSet::new();
        loop {
            let before = leading.len();
            for (name, schema) in document.schemas() {
                let leads = |(_, property): (&str, &Schema)| {
                    kind(property).is_some()
                        || referred(property).is_some_and(|schema| leading.contains(schema))
                };
                if properties(schema).any(leads) {
                    leading.insert(reference_to(name));
                }
            }
            if leading.len() == before {
                break;
            }
        }
        Self { document, leading }
    }

    /// Returns the subjects in a body.
    pub(crate) fn of(&self, body: Option<&'a str>) -> Vec<TokenStream> {
        let mut subjects = Vec::new();
        if let Some(body) = body {
            self.add(body, &mut Vec::new(), &mut vec![body], &mut subjects);
        }
        subjects
    }

    /// Adds those of a schema, which is `inside` of others, below `path`.
    fn add(
        &self,
        schema: &'a str,
        path: &mut Vec<&'a str>,
        inside: &mut Vec<&'a str>,
        subjects: &mut Vec<TokenStream>,
    ) {
        let schema = self.document.schema(schema);
        for (name, property) in schema.into_iter().flat_map(properties) {
            path.push(name);
            if let Some(kind) = kind(property) {
                let kind = format_ident!("{}", kind.to_upper_camel_case());
                subjects.push(quote! {
                    SubjectField { kind: SubjectKind::#kind, path: &[#(#path),*] }
                });
            }
            // A schema that contains itself would have paths without end.
            let below = referred(property).filter(|schema| self.leading.contains(*schema));
            if let Some(schema) = below.filter(|schema| !inside.contains(schema))
                && path.len() < MAX_DEPTH
            {
                inside.push(schema);
                self.add(schema, path, inside, subjects);
                inside.pop();
            }
            path.pop();
        }
    }
}

fn properties(schema: &Schema) -> impl Iterator<Item = (&str, &Schema)> {
    let properties = object(schema)
        .into_iter()
        .flat_map(|object| &object.properties);
    properties.filter_map(|(name, property)| match property {
        ReferenceOr::Item(property) => Some((name.as_str(), &**property)),
        ReferenceOr::Reference { .. } => None,
    })
}

fn kind(property: &Schema) -> Option<&str> {
    let kind = property.schema_data.extensions.get(SUBJECT);
    kind.and_then(Value::as_str)
}
