//! The models: typify's structs in the order of the document, with what typify does not add.

use std::collections::BTreeSet;

use openapiv3::{ObjectType, Schema};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Field, Fields, GenericArgument, Item, ItemStruct, Meta, PathArguments, Token, Type,
    parse_quote, punctuated::Punctuated, visit_mut::VisitMut,
};

use crate::{
    Error,
    docs::{doc_attributes, is_sensitive, property_doc, schema_doc},
    document::{Document, is_extensible_enum, is_guess, object},
    extensible_enums::extensible_enum,
    reader::Reader,
    short_paths::{ShortPaths, imports},
};

/// The module `types` with a struct or an enum for each named schema.
pub(crate) fn models(document: &Document, progenitor: &syn::File) -> Result<TokenStream, Error> {
    let structs = structs(progenitor);
    let items = document
        .schemas()
        .map(|(name, schema)| {
            if is_extensible_enum(schema) {
                return Ok(extensible_enum(name, schema));
            }
            let typify = structs.iter().find(|item| item.ident == name);
            match (typify, object(schema)) {
                (Some(typify), Some(object)) => model(name, schema, object, (*typify).clone()),
                _ => Err(Error::Shape(format!("struct `{name}`"))),
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
        /// the document marks `x-sensitive`, and those that are not in the document.
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

fn model(
    name: &str,
    schema: &Schema,
    object: &ObjectType,
    mut item: ItemStruct,
) -> Result<TokenStream, Error> {
    ShortPaths.visit_item_struct_mut(&mut item);
    item.attrs = model_attributes(name, schema, object);

    let Fields::Named(fields) = &mut item.fields else {
        return Err(Error::Shape(format!("named fields in `{name}`")));
    };
    let mut typify: Vec<Field> = std::mem::take(&mut fields.named).into_iter().collect();
    let mut shown = Vec::new();
    let mut reader = Reader::default();
    for (wire_name, property) in &object.properties {
        let Some(property) = property.as_item() else {
            continue;
        };
        let position = typify.iter().position(|field| is_named(field, wire_name));
        let mut field = position
            .map(|position| typify.swap_remove(position))
            .ok_or_else(|| Error::Shape(format!("field for `{wire_name}` in `{name}`")))?;
        let required = object.required.contains(wire_name);
        complete_field(&mut field, wire_name, property, required);
        reader.add(&field, wire_name, property, required);
        if !is_sensitive(property) {
            shown.extend(field.ident.clone());
        }
        fields.named.push(field);
    }
    let [mut unknown] = <[Field; 1]>::try_from(typify)
        .map_err(|_| Error::Shape(format!("one field for the unknown fields of `{name}`")))?;
    unknown.attrs = doc_attributes(reader.doc_of_extra());
    unknown.attrs.push(parse_quote!(#[builder(default)]));
    unknown.attrs.push(parse_quote!(#[serde(flatten)]));
    fields.named.push(unknown);

    let ident = &item.ident;
    let reader = reader.model(ident);
    let shown_names = shown.iter().map(ToString::to_string);
    Ok(quote! {
        #item

        #reader

        impl ::std::fmt::Debug for #ident {
            #[allow(deprecated)]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(#name)
                    #(.field(#shown_names, &self.#shown))*
                    .finish_non_exhaustive()
            }
        }
    })
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

fn complete_field(field: &mut Field, wire_name: &str, property: &Schema, required: bool) {
    // Typify has the box of a recursive type outside, where a builder would require a value and
    // encoding write null.
    if let Some(inner) = argument(&field.ty, "Box").and_then(|ty| argument(ty, "Option")) {
        field.ty = parse_quote!(Option<Box<#inner>>);
        if !required {
            let skip =
                parse_quote!(#[serde(skip_serializing_if = "::std::option::Option::is_none")]);
            field.attrs.push(skip);
        }
    }
    let mut attributes = doc_attributes(&property_doc(wire_name, property, required));
    if property.schema_data.deprecated {
        attributes.push(match &property.schema_data.description {
            Some(note) => parse_quote!(#[deprecated(note = #note)]),
            None => parse_quote!(#[deprecated]),
        });
    }
    // A builder treats an Option as optional, unless told otherwise.
    if required && is_option(field) {
        attributes.push(parse_quote!(#[builder(required)]));
    }
    attributes.extend(field.attrs.iter().filter_map(for_encoding));
    let wider = if is_guess(property, required) {
        Some(quote!(crate::schema::example))
    } else {
        has_date_time(field).then(|| quote!(crate::schema::date_time))
    };
    attributes.extend(wider.map(|wider| -> Attribute {
        parse_quote!(#[cfg_attr(feature = "schemars", schemars(transform = #wider))])
    }));
    field.attrs = attributes;
}

/// Returns what an attribute says of encoding, as decoding is not derived.
fn for_encoding(attribute: &Attribute) -> Option<Attribute> {
    let options = serde_options(attribute)?.into_iter();
    let options = options.filter(|option| !option.path().is_ident("deserialize_with"));
    let options: Punctuated<Meta, Token![,]> = options.collect();
    (!options.is_empty()).then(|| parse_quote!(#[serde(#options)]))
}

fn serde_options(attribute: &Attribute) -> Option<Punctuated<Meta, Token![,]>> {
    let is_serde = attribute.path().is_ident("serde");
    let options = attribute.parse_args_with(Punctuated::parse_terminated);
    options.ok().filter(|_| is_serde)
}

/// Returns `true` if serde knows `field` as `wire_name`.
fn is_named(field: &Field, wire_name: &str) -> bool {
    let rename = field.attrs.iter().find_map(|attribute| {
        serde_options(attribute)?
            .into_iter()
            .find_map(|option| match option {
                Meta::NameValue(option) if option.path.is_ident("rename") => Some(option.value),
                _ => None,
            })
    });
    match (rename, &field.ident) {
        (Some(rename), _) => rename == parse_quote!(#wire_name),
        (None, Some(ident)) => ident == wire_name,
        (None, None) => false,
    }
}

fn has_date_time(field: &Field) -> bool {
    let ty = field.ty.to_token_stream().to_string();
    ty.split_whitespace().any(|word| word == "DateTime")
}

fn is_option(field: &Field) -> bool {
    argument(&field.ty, "Option").is_some()
}

/// Returns the argument of a generic type such as `Option<T>`.
fn argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
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
