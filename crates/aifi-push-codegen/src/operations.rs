//! A constant for each operation, for servers.

use heck::ToShoutySnakeCase;
use openapiv3::{MediaType, Operation, ReferenceOr};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;

use crate::{
    Error,
    client::response_type,
    docs::{doc_attributes, operation_doc},
    document::{Document, schema_name},
    short_paths::imports,
    subjects::Subjects,
    webhooks::Webhook,
};

pub(crate) fn operations(
    document: &Document,
    progenitor: &syn::File,
) -> Result<TokenStream, Error> {
    let subjects = Subjects::new(document);
    let mut names = Vec::new();
    let mut constants = Vec::new();
    for (path, method, operation) in document.operations() {
        let id = operation.operation_id.as_deref().unwrap_or_default();
        let name = format_ident!("{}", id.to_shouty_snake_case());
        let docs = doc_attributes(&operation_doc(method, path, operation));
        let upper = method.to_uppercase();
        let example = match example(operation) {
            Some(example) => quote!(Some(#example)),
            None => quote!(None),
        };
        let Webhook {
            name: webhook,
            url,
            is_question,
            route,
            kind,
        } = Webhook::of(document, path, operation);
        let url = format_ident!("{url:?}");
        let answer = if is_question {
            format_ident!("Used")
        } else {
            format_ident!("Ignored")
        };
        let subjects = subjects.of(body(operation));
        let body = body(operation).and_then(schema_name);
        let body = body.map(|body| format_ident!("{body}"));
        let (question, decodes_answer) = if is_question {
            let answer = response_type(progenitor, id)?;
            let question = quote! {
                impl Question for types::#body {
                    type Answer = #answer;
                }
            };
            (Some(question), quote!(Some(decodes::<#answer>)))
        } else {
            (None, quote!(None))
        };
        constants.push(quote! {
            #(#docs)*
            pub const #name: Operation = Operation {
                id: #id,
                method: #upper,
                path: #path,
                kind: #kind,
                route: #route,
                webhook: #webhook,
                url: CalledUrl::#url,
                answer: Answer::#answer,
                example: #example,
                subjects: &[#(#subjects),*],
                decodes: decodes::<types::#body>,
                decodes_answer: #decodes_answer,
            };

            impl Push for types::#body {
                const OPERATION: Operation = #name;
            }

            #question
        });
        names.push(name);
    }
    let server = document.servers().first().map(|server| server.url.as_str());
    let imports = imports();
    Ok(quote! {
        /// The operations of the document.
        pub mod operations {
            #imports
            use super::types;
            use crate::{Answer, CalledUrl, Operation, Push, Question, SubjectField, SubjectKind, operation::decodes};

            /// The URL of the first server in the document.
            pub const SERVER: &str = #server;

            #(#constants)*

            /// All operations, in the order of the document.
            pub const ALL: &[Operation] = &[#(#names),*];
        }
    })
}

/// Returns the reference to the body's schema.
fn body(operation: &Operation) -> Option<&str> {
    let ReferenceOr::Reference { reference } = media(operation)?.schema.as_ref()? else {
        return None;
    };
    Some(reference)
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
