//! A constant for each operation, for servers.

use heck::{ToShoutySnakeCase, ToUpperCamelCase};
use openapiv3::{MediaType, Operation, ReferenceOr, Schema};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::{
    docs::{doc_attributes, operation_doc},
    document::{Document, SUBJECT, object, referred, schema_name},
};

pub(crate) fn operations(document: &Document) -> TokenStream {
    let mut names = Vec::new();
    let mut constants = Vec::new();
    for (path, method, operation) in document.operations() {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        let name = format_ident!("{}", id.to_shouty_snake_case());
        let docs = doc_attributes(&operation_doc(method, path, operation));
        let method = method.to_uppercase();
        let example = match example(operation) {
            Some(example) => quote!(Some(#example)),
            None => quote!(None),
        };
        let mut subjects = Vec::new();
        if let Some(schema) = body(operation).and_then(|reference| document.schema(reference)) {
            add_subjects(document, schema, &mut Vec::new(), &mut subjects);
        }
        let body = body(operation).and_then(schema_name);
        let body = body.map(|body| format_ident!("{body}"));
        constants.push(quote! {
            #(#docs)*
            pub const #name: Operation = Operation {
                id: #id,
                method: #method,
                path: #path,
                example: #example,
                subjects: &[#(#subjects),*],
                decodes: decodes::<types::#body>,
            };

            impl Push for types::#body {
                const OPERATION: Operation = #name;
            }
        });
        names.push(name);
    }
    let server = document.servers().first().map(|server| server.url.as_str());
    quote! {
        /// The operations of the document.
        pub mod operations {
            use super::types;
            use crate::{Operation, Push, SubjectField, SubjectKind, operation::decodes};

            /// The URL of the first server in the document.
            pub const SERVER: &str = #server;

            #(#constants)*

            /// All operations, in the order of the document.
            pub const ALL: &[Operation] = &[#(#names),*];
        }
    }
}

/// Returns the reference to the body's schema.
fn body(operation: &Operation) -> Option<&str> {
    let ReferenceOr::Reference { reference } = media(operation)?.schema.as_ref()? else {
        return None;
    };
    Some(reference)
}

/// Adds the properties of a schema that say whom or what an event is about, below `path`.
fn add_subjects<'a>(
    document: &'a Document,
    schema: &'a Schema,
    path: &mut Vec<&'a str>,
    subjects: &mut Vec<TokenStream>,
) {
    /// Deeper than any event, where a schema contains itself.
    const MAX_DEPTH: usize = 8;
    let properties = object(schema)
        .into_iter()
        .flat_map(|object| &object.properties);
    for (name, property) in properties {
        let Some(property) = property.as_item() else {
            continue;
        };
        path.push(name);
        let kind = property.schema_data.extensions.get(SUBJECT);
        if let Some(kind) = kind.and_then(|kind| kind.as_str()) {
            let kind = format_ident!("{}", kind.to_upper_camel_case());
            subjects.push(quote! {
                SubjectField { kind: SubjectKind::#kind, path: &[#(#path),*] }
            });
        }
        if path.len() < MAX_DEPTH
            && let Some(schema) = referred(property).and_then(|name| document.schema(name))
        {
            add_subjects(document, schema, path, subjects);
        }
        path.pop();
    }
}

fn media(operation: &Operation) -> Option<&MediaType> {
    let body = operation.request_body.as_ref()?.as_item()?;
    body.content.values().next()
}

/// Returns `example`, or the first of `examples` that is written in the document.
fn first_example(media: &MediaType) -> Option<&Value> {
    let examples = media.examples.values();
    let mut examples = examples.filter_map(|example| example.as_item()?.value.as_ref());
    media.example.as_ref().or_else(|| examples.next())
}

/// Returns the example of the request as JSON.
fn example(operation: &Operation) -> Option<String> {
    let mut example = first_example(media(operation)?)?.clone();
    // Another crate of the build may enable the feature of serde_json that keeps the order of keys;
    // sorted here, they are the same in every build.
    example.sort_all_objects();
    Some(example.to_string())
}
