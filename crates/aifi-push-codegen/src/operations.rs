//! A constant for each operation, for servers.

use heck::ToShoutySnakeCase;
use openapiv3::{MediaType, Operation, ReferenceOr};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::{
    docs::{doc_attributes, operation_doc},
    document::{Document, schema_name},
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
        let body = body(operation).map(|body| format_ident!("{body}"));
        constants.push(quote! {
            #(#docs)*
            pub const #name: Operation = Operation {
                id: #id,
                method: #method,
                path: #path,
                example: #example,
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
            use crate::{Operation, Push, operation::decodes};

            /// The URL of the first server in the document.
            pub const SERVER: &str = #server;

            #(#constants)*

            /// All operations, in the order of the document.
            pub const ALL: &[Operation] = &[#(#names),*];
        }
    }
}

/// Returns the name of the body's schema.
fn body(operation: &Operation) -> Option<&str> {
    let ReferenceOr::Reference { reference } = media(operation)?.schema.as_ref()? else {
        return None;
    };
    schema_name(reference)
}

fn media(operation: &Operation) -> Option<&MediaType> {
    let body = operation.request_body.as_ref()?.as_item()?;
    body.content.values().next()
}

/// Returns the example of the request as JSON.
fn example(operation: &Operation) -> Option<String> {
    let mut example = media(operation)?.example.clone()?;
    // Another crate of the build may enable the feature of serde_json that keeps the order of keys;
    // sorted here, they are the same in every build.
    example.sort_all_objects();
    Some(example.to_string())
}
