//! Extensible enums: a variant for each known value, and one that keeps any other text.

use heck::ToUpperCamelCase;
use openapiv3::Schema;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use crate::{
    docs::{doc_attributes, schema_doc},
    document::{EXTENSIBLE_ENUM, known_values},
};

/// The variant for values that are not in the document.
pub(crate) const CATCH_ALL: &str = "Unlisted";

pub(crate) fn variant_name(value: &str) -> String {
    value.to_upper_camel_case()
}

pub(crate) fn extensible_enum(name: &str, schema: &Schema) -> TokenStream {
    let values = known_values(schema).unwrap_or_default();
    let variants: Vec<Ident> = values
        .iter()
        .map(|value| format_ident!("{}", variant_name(value)))
        .collect();
    let type_name = format_ident!("{name}");
    let catch_all = format_ident!("{CATCH_ALL}");
    let unlisted = format_ident!("{CATCH_ALL}{name}");

    let docs = doc_attributes(&schema_doc(name, schema));
    let variant_docs = values
        .iter()
        .map(|value| format!(" `{value}` on the wire."));
    let unlisted_doc = format!(
        " The text of a [`{name}`] that is not in the document. Only decoding and the \
         conversions of [`{name}`] create one, so it is never a known value."
    );
    let schema = json_schema(name, schema, &values);
    quote! {
        #(#docs)*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Deserialize)]
        #[serde(from = "String")]
        #[non_exhaustive]
        pub enum #type_name {
            #(
                #[doc = #variant_docs]
                #variants,
            )*
            /// A value that is not in the document, kept as received.
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

            fn from_str(value: &str) -> Result<Self, Self::Err> {
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
