//! The models: typify's structs in the order of the document, with what typify does not add.

use std::collections::BTreeSet;

use openapiv3::{ObjectType, ReferenceOr, Schema};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, GenericArgument, Ident, Item, ItemStruct, Path, PathArguments, Type, parse_quote,
    visit_mut::VisitMut,
};

use crate::{
    Error,
    decimals::Decimals,
    docs::{doc_attributes, is_sensitive, property_doc, schema_doc},
    document::{Document, alternatives, is_extensible_enum, is_guess, object},
    extensible_enums::extensible_enum,
    names::field_names,
    prepare::{field, payloads_name},
    reader::Reader,
    short_paths::{ShortPaths, imports},
    unions::union,
};

/// The module `types` with a struct or an enum for each named schema.
pub(crate) fn models(document: &Document, progenitor: &syn::File) -> Result<TokenStream, Error> {
    let structs = structs(progenitor);
    let fields = |name: &str| {
        let typify = structs.iter().find(|item| item.ident == name);
        typify.ok_or_else(|| Error::Shape(format!("struct `{name}`")))
    };
    let items = document
        .schemas()
        .map(|(name, schema)| {
            if is_extensible_enum(schema) {
                Ok(extensible_enum(name, schema))
            } else if let Some(alternatives) = alternatives(schema) {
                let payloads = fields(&payloads_name(document, name))?;
                let types = field_types(payloads, alternatives.len())?;
                Ok(union(name, schema, &types))
            } else if let Some(object) = object(schema) {
                let types = match object.properties.is_empty() {
                    true => Vec::new(),
                    false => field_types(fields(name)?, object.properties.len())?,
                };
                Ok(model(name, schema, object, types))
            } else {
                Err(Error::Shape(format!("type `{name}`")))
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    let json_schema = json_schema(document);
    let imports = imports();
    let properties = property_names(document);
    Ok(quote! {
        /// The models: a type for each schema of the document.
        ///
        /// The `Debug` output of a model contains no customer data: it leaves out the fields that
        /// the document marks `x-sensitive`, those of any JSON, and those that are not in the
        /// document.
        pub mod types {
            #imports

            #(#items)*

            #json_schema
        }

        /// The names of all properties, sorted: what an error may show of a body.
        pub(crate) const PROPERTIES: &[&str] = &[#(#properties),*];
    })
}

fn property_names(document: &Document) -> BTreeSet<&str> {
    let objects = document.schemas().filter_map(|(_, schema)| object(schema));
    objects
        .flat_map(|object| object.properties.keys().map(String::as_str))
        .collect()
}

/// The name of the function is never that of a type, as types begin with a capital.
fn json_schema(document: &Document) -> TokenStream {
    let types = document.schemas().map(|(name, _)| format_ident!("{name}"));
    quote! {
        /// Returns the JSON Schema (2020-12) of all models, by name in `$defs`.
        #[cfg(feature = "schemars")]
        pub fn json_schema() -> ::schemars::Schema {
            let mut generator = ::schemars::SchemaGenerator::default();
            #(generator.subschema_for::<#types>();)*
            ::schemars::json_schema!({
                "$schema": generator.settings().meta_schema,
                "$defs": generator.take_definitions(true),
            })
        }
    }
}

/// Returns the structs in progenitor's module `types`.
fn structs(progenitor: &syn::File) -> Vec<&ItemStruct> {
    let modules = progenitor.items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
        _ => None,
    });
    modules
        .flat_map(|(_, items)| items)
        .filter_map(|item| match item {
            Item::Struct(item) => Some(item),
            _ => None,
        })
        .collect()
}

/// Returns the types of the fields that `prepare` asked for.
fn field_types(typify: &ItemStruct, count: usize) -> Result<Vec<Type>, Error> {
    let types = (0..count).map(|index| {
        let name = field(index);
        let mut fields = typify.fields.iter();
        let field = fields.find(|field| field.ident.as_ref().is_some_and(|ident| *ident == name));
        let mut ty = field
            .ok_or_else(|| Error::Shape(format!("field `{name}` in `{}`", typify.ident)))?
            .ty
            .clone();
        ShortPaths.visit_type_mut(&mut ty);
        InTypes.visit_type_mut(&mut ty);
        // Typify has the box of a recursive type outside, where a builder would require a value and
        // encoding write null.
        if let Some(inner) = argument(&ty, "Box").and_then(|ty| argument(ty, "Option")) {
            ty = parse_quote!(Option<Box<#inner>>);
        }
        Ok(ty)
    });
    types.collect()
}

/// Leaves out the module of the models, in which they are.
struct InTypes;

impl VisitMut for InTypes {
    fn visit_path_mut(&mut self, path: &mut Path) {
        if path.segments.len() > 1 && path.segments[0].ident == "types" {
            path.segments = path.segments.iter().skip(1).cloned().collect();
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}

fn model(name: &str, schema: &Schema, object: &ObjectType, types: Vec<Type>) -> TokenStream {
    let attributes = model_attributes(name, schema, object);
    let idents = field_names(object.properties.keys().map(String::as_str));
    let mut fields = Vec::new();
    let mut shown = Vec::new();
    let mut reader = Reader::default();
    let mut decimals = Decimals::default();
    let properties = object.properties.iter().zip(types);
    for ((wire_name, property), ty) in properties {
        let (ReferenceOr::Item(property), Some(ident)) = (property, idents.get(wire_name.as_str()))
        else {
            continue;
        };
        let required = object.required.contains(wire_name);
        decimals.add(
            ident,
            wire_name,
            property,
            argument(&ty, "Option").is_some() || !required,
        );
        // Any JSON may be personal data.
        let is_shown = !is_sensitive(property) && !mentions(&ty, "Json");
        fields.push(model_field(ident, ty, wire_name, property, required));
        reader.add(ident, wire_name, property, required);
        if is_shown && !is_sensitive(schema) {
            shown.push(ident);
        }
    }
    let extra_docs = doc_attributes(reader.doc_of_extra());
    let ident = format_ident!("{name}");
    let reader = reader.model(&ident);
    let decimals = decimals.model(&ident);
    let shown_names = shown.iter().map(ToString::to_string);
    quote! {
        #(#attributes)*
        pub struct #ident {
            #(#fields,)*
            #(#extra_docs)*
            #[builder(default)]
            #[serde(flatten)]
            pub extra: BTreeMap<String, Json>,
        }

        #reader

        #decimals

        impl ::std::fmt::Debug for #ident {
            #[allow(deprecated)]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(#name)
                    #(.field(#shown_names, &self.#shown))*
                    .finish_non_exhaustive()
            }
        }
    }
}

fn model_attributes(name: &str, schema: &Schema, object: &ObjectType) -> Vec<Attribute> {
    let required = &object.required;
    let mut attributes = doc_attributes(&schema_doc(name, schema));
    attributes.extend::<[Attribute; 5]>([
        parse_quote!(#[derive(Clone, PartialEq, ::serde::Serialize)]),
        parse_quote!(#[derive(::bon::Builder)]),
        parse_quote!(#[builder(on(String, into))]),
        parse_quote!(#[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]),
        parse_quote!(#[non_exhaustive]),
    ]);
    if !required.is_empty() {
        // Schemars treats a required field that may be null as optional.
        attributes.push(parse_quote!(
            #[cfg_attr(feature = "schemars", schemars(extend("required" = [#(#required),*])))]
        ));
    }
    attributes
}

fn model_field(
    ident: &Ident,
    ty: Type,
    wire_name: &str,
    property: &Schema,
    required: bool,
) -> TokenStream {
    let is_option = argument(&ty, "Option").is_some();
    let ty = match required || is_option {
        true => ty,
        false => parse_quote!(Option<#ty>),
    };
    let mut attributes = doc_attributes(&property_doc(wire_name, property, required));
    if property.schema_data.deprecated {
        attributes.push(match &property.schema_data.description {
            Some(note) => parse_quote!(#[deprecated(note = #note)]),
            None => parse_quote!(#[deprecated]),
        });
    }
    // A builder treats an Option as optional, unless told otherwise.
    if required && is_option {
        attributes.push(parse_quote!(#[builder(required)]));
    }
    let rename = (ident != wire_name).then(|| quote!(rename = #wire_name));
    let skip = (!required).then(|| quote!(skip_serializing_if = "::std::option::Option::is_none"));
    let options: Vec<TokenStream> = rename.into_iter().chain(skip).collect();
    if !options.is_empty() {
        attributes.push(parse_quote!(#[serde(#(#options),*)]));
    }
    let wider = if is_guess(property, required) {
        Some(quote!(crate::schema::example))
    } else {
        has_date_time(&ty).then(|| quote!(crate::schema::date_time))
    };
    attributes.extend(wider.map(|wider| -> Attribute {
        parse_quote!(#[cfg_attr(feature = "schemars", schemars(transform = #wider))])
    }));
    quote!(#(#attributes)* pub #ident: #ty)
}

pub(crate) fn has_date_time(ty: &Type) -> bool {
    mentions(ty, "DateTime")
}

/// Returns `true` if a type consists of another, among others.
pub(crate) fn mentions(ty: &Type, name: &str) -> bool {
    let ty = ty.to_token_stream().to_string();
    ty.split_whitespace().any(|word| word == name)
}

/// Returns the argument of a generic type such as `Option<T>`.
pub(crate) fn argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(ty) = ty else {
        return None;
    };
    let last = ty.path.segments.last().filter(|last| last.ident == name)?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(argument)) => Some(argument),
            _ => None,
        },
        _ => None,
    }
}
