//! Rust names from names of any kind.

use std::collections::HashSet;

use deunicode::deunicode;
use heck::{ToSnakeCase, ToUpperCamelCase};
use indexmap::IndexMap;
use proc_macro2::Span;
use syn::Ident;

/// The field that keeps the properties which the document does not list.
pub(crate) const UNKNOWN_FIELDS: &str = "extra";

/// Returns a name in upper camel case, in ASCII.
pub(crate) fn camel(name: &str) -> String {
    deunicode(name).to_upper_camel_case()
}

/// Returns the name of a type, such as `OrderLine` for `order_line`: one that stays the same in
/// upper camel case.
pub(crate) fn type_name(name: &str) -> String {
    let mut camel = camel(name);
    loop {
        let again = camel.to_upper_camel_case();
        if again == camel {
            break;
        }
        camel = again;
    }
    match is_ident(&camel) {
        true => camel,
        false => format!("Schema{camel}"),
    }
}

/// Returns the name of a variant, unless a value consists of punctuation.
pub(crate) fn variant_name(value: &str) -> Option<String> {
    let camel = camel(value);
    match is_ident(&camel) {
        true => Some(camel),
        false => Some(format!("Value{camel}")).filter(|_| !camel.is_empty()),
    }
}

/// Returns the name of an operation, such as `order_placed` for `orderPlaced`.
pub(crate) fn operation_name(id: &str) -> String {
    deunicode(id).to_snake_case()
}

/// Returns `true` if a name is one of Rust, and not reserved.
pub(crate) fn is_ident(name: &str) -> bool {
    // Syn does not know the keyword of the edition 2024.
    syn::parse_str::<Ident>(name).is_ok() && name != "gen"
}

/// Returns the name of a field for a property, but for collisions.
pub(crate) fn field_name(property: &str) -> String {
    let snake = deunicode(property).to_snake_case();
    if snake.is_empty() {
        "field".to_owned()
    } else if snake.starts_with(|first: char| first.is_ascii_digit()) {
        format!("field_{snake}")
    } else if is_ident(&snake) {
        snake
    } else {
        snake + "_"
    }
}

/// Returns the field of each property.
///
/// Properties with the same name get a number, in the order of the document; one that is a Rust
/// name already keeps it.
pub(crate) fn field_names<'a>(
    properties: impl Iterator<Item = &'a str> + Clone,
) -> IndexMap<&'a str, Ident> {
    let ident = |name: &str| Ident::new(name, Span::call_site());
    let mut taken = HashSet::from([key(UNKNOWN_FIELDS)]);
    let mut fields: IndexMap<&str, Ident> = properties
        .clone()
        .map(|property| (property, ident(UNKNOWN_FIELDS)))
        .collect();
    let (exact, others): (Vec<&str>, Vec<&str>) =
        properties.partition(|property| field_name(property) == **property);
    for property in exact.into_iter().chain(others) {
        let name = field_name(property);
        let numbered = (2..).map(|number| format!("{}_{number}", name.trim_end_matches('_')));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| taken.insert(key(name)));
        fields.insert(property, ident(&free.unwrap_or(name)));
    }
    fields
}

/// Two fields need different keys: bon names a type after each field.
fn key(field: &str) -> String {
    field.to_upper_camel_case()
}
