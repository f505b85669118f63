//! Decoding of a model. It is not derived: serde's `flatten` would round the numbers in `extra`,
//! and one odd value would cost the event.

use openapiv3::Schema;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use crate::document::is_guess;

/// Collects what the fields of one model need.
#[derive(Default)]
pub(crate) struct Reader {
    idents: Vec<Ident>,
    arms: Vec<TokenStream>,
    values: Vec<TokenStream>,
    has_guesses: bool,
}

impl Reader {
    pub(crate) fn add(&mut self, ident: &Ident, name: &str, property: &Schema, required: bool) {
        let is_guess = is_guess(property, required);
        self.has_guesses |= is_guess;
        self.arms.push(if is_guess {
            quote!(#name => __object.example(#name, &mut #ident))
        } else {
            quote!(#name => __object.documented(#name, &mut #ident))
        });
        self.values.push(if required {
            quote!(#ident: crate::model::required(#name, #ident)?)
        } else if is_guess {
            quote!(#ident)
        } else {
            quote!(#ident: #ident.flatten())
        });
        self.idents.push(ident.clone());
    }

    pub(crate) fn doc_of_extra(&self) -> &'static str {
        if self.has_guesses {
            "Fields that are not in the document, and values that do not fit a field which the \
             vendor does not document, as received.\n\
             \n\
             Encoding writes them too, so remove such a value before you set its field."
        } else {
            "Fields that are not in the document, as received."
        }
    }

    /// The implementations for the model. Names with underscores are never those of properties.
    pub(crate) fn model(&self, model: &Ident) -> TokenStream {
        let Self {
            idents,
            arms,
            values,
            ..
        } = self;
        quote! {
            impl crate::model::Model for #model {
                fn read<'de, M: ::serde::de::MapAccess<'de>>(
                    mut __object: crate::model::Object<M>,
                ) -> ::std::result::Result<Self, M::Error> {
                    #(let mut #idents = None;)*
                    while let Some(__name) = __object.next_name()? {
                        match &*__name {
                            #(#arms,)*
                            _ => __object.unknown(__name),
                        }?;
                    }
                    Ok(Self { #(#values,)* extra: __object.extra })
                }
            }

            impl<'de> ::serde::Deserialize<'de> for #model {
                fn deserialize<D: ::serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::std::result::Result<Self, D::Error> {
                    crate::model::deserialize(deserializer)
                }
            }

            impl crate::model::Decode for #model {}
        }
    }
}
