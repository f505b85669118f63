//! Accessors for text that contains a decimal number, such as a price: `type: string` with a format
//! of numbers.

use openapiv3::{Schema, SchemaKind, Type, VariantOrUnknownOrEmpty};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use crate::docs::doc_attributes;

/// The formats of numbers that a text may have.
const FORMATS: [&str; 3] = ["decimal", "double", "float"];

/// Collects the accessors of one model.
#[derive(Default)]
pub(crate) struct Decimals(Vec<TokenStream>);

impl Decimals {
    pub(crate) fn add(&mut self, ident: &Ident, name: &str, property: &Schema, is_option: bool) {
        if !is_decimal(property) {
            return;
        }
        let accessor = format_ident!("{}_decimal", ident.to_string().trim_end_matches('_'));
        let docs = doc_attributes(&format!(
            "Returns `{name}` as a decimal number, without rounding."
        ));
        let (result, value) = match is_option {
            true => (
                quote!(Option<::rust_decimal::Decimal>),
                quote! {
                    let text = self.#ident.as_deref();
                    text.map(|text| crate::decimal::decimal(#name, text)).transpose()
                },
            ),
            false => (
                quote!(::rust_decimal::Decimal),
                quote!(crate::decimal::decimal(#name, &self.#ident)),
            ),
        };
        self.0.push(quote! {
            #(#docs)*
            ///
            /// # Errors
            ///
            /// Returns [`DecimalError`](crate::DecimalError) if the text is not a decimal number of
            /// at most 28 digits.
            #[allow(deprecated)]
            pub fn #accessor(&self) -> ::std::result::Result<#result, crate::DecimalError> {
                #value
            }
        });
    }

    pub(crate) fn model(&self, model: &Ident) -> Option<TokenStream> {
        let Self(accessors) = self;
        (!accessors.is_empty()).then(|| {
            quote! {
                #[cfg(feature = "rust_decimal")]
                impl #model {
                    #(#accessors)*
                }
            }
        })
    }
}

fn is_decimal(property: &Schema) -> bool {
    let SchemaKind::Type(Type::String(string)) = &property.schema_kind else {
        return false;
    };
    match &string.format {
        VariantOrUnknownOrEmpty::Unknown(format) => FORMATS.contains(&format.as_str()),
        _ => false,
    }
}
