//! Types by their usual names: `Option<String>` rather than
//! `::std::option::Option<::std::string::String>`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Path, parse_quote, visit_mut::VisitMut};

/// The names that [`ShortPaths`] uses; no type of the document can have one of them.
pub(crate) const NAMES: [&str; 9] = [
    "BTreeMap", "Box", "DateTime", "Json", "Number", "Option", "String", "Utc", "Vec",
];

/// Shortens the paths of types that are in scope where the models are, and names our type for any
/// JSON instead of that of `serde_json`, which rounds numbers.
pub(crate) struct ShortPaths;

impl VisitMut for ShortPaths {
    fn visit_path_mut(&mut self, path: &mut Path) {
        if *path == parse_quote!(::serde_json::Map<::std::string::String, ::serde_json::Value>) {
            *path = parse_quote!(BTreeMap<String, Json>);
        } else if *path == parse_quote!(::serde_json::Value) {
            *path = parse_quote!(Json);
        }
        let outside = ["chrono", "crate", "std"];
        let is_outside = path
            .segments
            .first()
            .is_some_and(|first| outside.iter().any(|name| first.ident == name));
        let last = path.segments.last().cloned();
        let is_short = last
            .iter()
            .any(|last| NAMES.iter().any(|name| last.ident == name));
        if is_outside && is_short {
            path.leading_colon = None;
            path.segments = last.into_iter().collect();
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}

/// The imports that the short names need.
pub(crate) fn imports() -> TokenStream {
    quote! {
        use ::chrono::{DateTime, Utc};
        use ::std::collections::BTreeMap;
        use crate::{Json, Number};
    }
}
