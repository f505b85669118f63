//! Unions: a variant for each alternative, and one that keeps any other JSON.

use std::collections::HashSet;

use openapiv3::{Discriminator, Schema};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Type, parse_quote};

use crate::{
    docs::{doc_attributes, is_sensitive, schema_doc},
    document::schema_name,
    models::{argument, mentions},
    words::words,
};

/// The variant for what is none of the alternatives.
const CATCH_ALL: &str = "Other";

/// An alternative.
struct Variant {
    ident: Ident,
    word: String,
    /// What it contains, without a box.
    inner: Type,
    ty: Type,
    /// Whether `Debug` may show it: any JSON may be personal data.
    is_shown: bool,
}

pub(crate) fn union(name: &str, schema: &Schema, types: &[Type]) -> TokenStream {
    let variants = variants(schema, types);
    let discriminator = schema.schema_data.discriminator.as_ref();
    let type_name = format_ident!("{name}");
    let catch_all = format_ident!("{CATCH_ALL}");
    let docs = doc_attributes(&schema_doc(name, schema));
    let variant_docs = variants.iter().map(|variant| doc(variant, discriminator));
    let idents: Vec<&Ident> = variants.iter().map(|variant| &variant.ident).collect();
    let types: Vec<&Type> = variants.iter().map(|variant| &variant.ty).collect();
    let read = match discriminator {
        Some(discriminator) => read_tagged(&variants, discriminator),
        None => read_untagged(&variants),
    };
    let debug = variants.iter().map(|variant| {
        let ident = &variant.ident;
        let text = ident.to_string();
        match variant.is_shown {
            true => quote!(Self::#ident(value) => f.debug_tuple(#text).field(value).finish()),
            false => quote!(Self::#ident(_) => f.debug_tuple(#text).finish_non_exhaustive()),
        }
    });
    let conversions = variants
        .iter()
        .map(|variant| conversion(&type_name, variant));
    let json_schema = json_schema(name, schema, &variants);
    quote! {
        #(#docs)*
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #type_name {
            #(
                #(#variant_docs)*
                #idents(#types),
            )*
            /// Any other JSON, kept as received.
            #catch_all(Json),
        }

        impl crate::union::Union for #type_name {
            fn read(json: &str) -> ::std::option::Option<Self> {
                #read
            }

            fn other(json: Json) -> Self {
                Self::#catch_all(json)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for #type_name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                crate::union::deserialize(deserializer)
            }
        }

        impl crate::model::Decode for #type_name {
            fn fit(json: &str) -> ::std::option::Option<Self> {
                Some(crate::union::read(json))
            }
        }

        impl ::serde::Serialize for #type_name {
            fn serialize<S: ::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                match self {
                    #(Self::#idents(value) => ::serde::Serialize::serialize(value, serializer),)*
                    Self::#catch_all(value) => ::serde::Serialize::serialize(value, serializer),
                }
            }
        }

        impl ::std::fmt::Debug for #type_name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    #(#debug,)*
                    Self::#catch_all(_) => f.debug_tuple(#CATCH_ALL).finish_non_exhaustive(),
                }
            }
        }

        #(#conversions)*

        #json_schema
    }
}

fn variants(schema: &Schema, types: &[Type]) -> Vec<Variant> {
    let mut taken = HashSet::from([CATCH_ALL.to_owned()]);
    let words = words(schema).into_iter();
    let variants = words.zip(types).map(|(word, ty)| {
        let numbered = (2..).map(|number| format!("{word}{number}"));
        let mut names = std::iter::once(word.clone()).chain(numbered);
        let name = names.find(|name| taken.insert(name.clone()));
        let inner = argument(ty, "Box").unwrap_or(ty).clone();
        // A model is much larger than a text, and may contain the union.
        let ty = match inner == parse_quote!(String) || is_small(&inner) {
            true => inner.clone(),
            false => parse_quote!(Box<#inner>),
        };
        Variant {
            ident: format_ident!("{}", name.as_ref().unwrap_or(&word)),
            is_shown: !mentions(&inner, "Json") && !is_sensitive(schema),
            word,
            inner,
            ty,
        }
    });
    variants.collect()
}

/// Returns `true` for the types that are no models.
fn is_small(ty: &Type) -> bool {
    let small = [
        "DateTime", "Number", "Vec", "BTreeMap", "bool", "i64", "u64",
    ];
    let Type::Path(path) = ty else {
        return false;
    };
    let last = path.path.segments.last();
    last.is_some_and(|last| small.iter().any(|name| last.ident == name))
}

fn doc(variant: &Variant, discriminator: Option<&Discriminator>) -> Vec<syn::Attribute> {
    let Some(discriminator) = discriminator else {
        return doc_attributes(&format!("A value of the type `{}`.", variant.word));
    };
    let values: Vec<String> = values(variant, discriminator)
        .map(|value| format!("`{value}`"))
        .collect();
    doc_attributes(&format!(
        "`{}` is {} on the wire.",
        discriminator.property_name,
        values.join(" or "),
    ))
}

/// Returns the values of the discriminator for a variant.
fn values<'a>(
    variant: &'a Variant,
    discriminator: &'a Discriminator,
) -> impl Iterator<Item = &'a str> {
    let mapping = discriminator.mapping.iter();
    let mapping = mapping.filter(|(_, to)| schema_name(to) == Some(variant.word.as_str()));
    mapping.map(|(value, _)| value.as_str())
}

fn read_tagged(variants: &[Variant], discriminator: &Discriminator) -> TokenStream {
    let property = &discriminator.property_name;
    let arms = variants.iter().map(|variant| {
        let ident = &variant.ident;
        let values = values(variant, discriminator);
        quote!(#(#values)|* => crate::model::Decode::fit(json).map(Self::#ident))
    });
    quote! {
        match &*crate::union::tag(json, #property)? {
            #(#arms,)*
            _ => None,
        }
    }
}

fn read_untagged(variants: &[Variant]) -> TokenStream {
    let attempts = variants.iter().map(|variant| {
        let ident = &variant.ident;
        quote! {
            if let Some(value) = crate::model::Decode::fit(json) {
                return Some(Self::#ident(value));
            }
        }
    });
    quote! {
        #(#attempts)*
        None
    }
}

fn conversion(type_name: &Ident, variant: &Variant) -> TokenStream {
    let Variant {
        ident, inner, ty, ..
    } = variant;
    let value = match inner == ty {
        true => quote!(value),
        false => quote!(Box::new(value)),
    };
    let from_str = (*inner == parse_quote!(String)).then(|| {
        quote! {
            impl From<&str> for #type_name {
                fn from(value: &str) -> Self {
                    Self::#ident(value.to_owned())
                }
            }
        }
    });
    quote! {
        impl From<#inner> for #type_name {
            fn from(value: #inner) -> Self {
                Self::#ident(#value)
            }
        }

        #from_str
    }
}

/// Every value is accepted, and the schema says which have a type.
fn json_schema(name: &str, schema: &Schema, variants: &[Variant]) -> TokenStream {
    let type_name = format_ident!("{name}");
    let description = schema_doc(name, schema);
    let types = variants.iter().map(|variant| &variant.inner);
    quote! {
        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for #type_name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                #name.into()
            }

            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                let alternatives = [#(generator.subschema_for::<#types>(),)* true.into()];
                let mut schema = ::schemars::json_schema!({
                    "description": #description,
                    "anyOf": alternatives,
                });
                crate::schema::date_time(&mut schema);
                schema
            }
        }
    }
}
