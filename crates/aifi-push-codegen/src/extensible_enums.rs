//! Extensible enums: a variant for each known value, and one that keeps any other text.

use indexmap::IndexMap;
use openapiv3::Schema;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use crate::{
    docs::{doc_attributes, schema_doc},
    document::{EXTENSIBLE_ENUM, known_values},
    names::{camel, is_ident, variant_name},
};

/// The variant for values that are not in the document.
pub(crate) const CATCH_ALL: &str = "Unlisted";

/// Returns the variants by value. A value without a Rust name of its own has none: the catch-all
/// keeps it.
fn variants<'a>(values: &[&'a str]) -> IndexMap<String, &'a str> {
    let mut variants = IndexMap::new();
    for value in values {
        if let Some(name) = variant_name(value).filter(|name| name != CATCH_ALL) {
            variants.entry(name).or_insert(*value);
        }
    }
    variants
}

/// Returns what is wrong with values that the document lists as those with a variant, by index.
pub(crate) fn problems(values: &[&str]) -> Vec<(usize, String)> {
    let variants = variants(values);
    let problem = |value: &str| {
        let name = camel(value);
        if !is_ident(&name) {
            return Some(format!(
                "`{value}` has no Rust name: leave it out, `{CATCH_ALL}` keeps it"
            ));
        }
        match variants.get(&name) {
            None => Some(format!(
                "`{value}` has the Rust name of the catch-all: leave it out, `{CATCH_ALL}` keeps it"
            )),
            Some(other) if *other != value => Some(format!(
                "`{value}` and `{other}` have the same Rust name `{name}`: leave one out"
            )),
            Some(_) => None,
        }
    };
    let values = values.iter().enumerate();
    values
        .filter_map(|(index, value)| Some((index, problem(value)?)))
        .collect()
}

pub(crate) fn extensible_enum(name: &str, schema: &Schema) -> TokenStream {
    let known = known_values(schema).unwrap_or_default();
    let (variants, values): (Vec<Ident>, Vec<&str>) = variants(&known)
        .into_iter()
        .map(|(name, value)| (format_ident!("{name}"), value))
        .unzip();
    let type_name = format_ident!("{name}");
    let catch_all = format_ident!("{CATCH_ALL}");
    let unlisted = format_ident!("{CATCH_ALL}{name}");
    let without: Vec<String> = known
        .iter()
        .filter(|value| !values.contains(value))
        .map(|value| format!("`{value}`"))
        .collect();
    let catch_all_doc = match without.is_empty() {
        true => "A value that is not in the document, kept as received.".to_owned(),
        false => format!(
            "A value that is not in the document, or has no variant of its own ({}), kept as \
             received.",
            without.join(", ")
        ),
    };
    let catch_all_docs = doc_attributes(&catch_all_doc);

    let docs = doc_attributes(&schema_doc(name, schema));
    let variant_docs = values
        .iter()
        .map(|value| doc_attributes(&format!("`{value}` on the wire.")));
    let unlisted_doc = format!(
        " The text of a [`{name}`] that is not in the document. Only decoding and the \
         conversions of [`{name}`] create one, so it is never a known value."
    );
    let schema = json_schema(name, schema, &known);
    quote! {
        #(#docs)*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Deserialize)]
        #[serde(from = "String")]
        #[non_exhaustive]
        pub enum #type_name {
            #(
                #(#variant_docs)*
                #variants,
            )*
            #(#catch_all_docs)*
            #catch_all(#unlisted),
        }

        #[doc = #unlisted_doc]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct #unlisted(String);

        impl crate::model::Decode for #type_name {}

        impl #unlisted {
            /// Returns the value on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl #type_name {
            /// Returns the value on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#variants => #values,)*
                    Self::#catch_all(value) => value.as_str(),
                }
            }
        }

        impl From<String> for #type_name {
            fn from(value: String) -> Self {
                match value.as_str() {
                    #(#values => Self::#variants,)*
                    _ => Self::#catch_all(#unlisted(value)),
                }
            }
        }

        impl From<&str> for #type_name {
            fn from(value: &str) -> Self {
                Self::from(value.to_owned())
            }
        }

        impl ::std::str::FromStr for #type_name {
            type Err = ::std::convert::Infallible;

            // A variant may have the name of an associated type.
            fn from_str(value: &str) -> Result<Self, ::std::convert::Infallible> {
                Ok(Self::from(value))
            }
        }

        impl ::std::fmt::Display for #type_name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::serde::Serialize for #type_name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #schema
    }
}

/// The derive would list the variants as the only values.
fn json_schema(name: &str, schema: &Schema, values: &[&str]) -> TokenStream {
    let type_name = format_ident!("{name}");
    let description = schema_doc(name, schema);
    quote! {
        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for #type_name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                #name.into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({
                    "description": #description,
                    "type": "string",
                    #EXTENSIBLE_ENUM: [#(#values),*],
                })
            }
        }
    }
}
