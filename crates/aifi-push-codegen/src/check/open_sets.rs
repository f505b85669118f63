//! Rules for open sets of values.

use std::collections::HashMap;

use openapiv3::{Schema, SchemaKind, StringType, Type};

use super::Problems;
use crate::{
    document::{OPEN_SET, known_values},
    open_sets::{CATCH_ALL, variant_name},
    pointer::Pointer,
};

pub(super) fn check(schema: &Schema, pointer: &Pointer, problems: &mut Problems) {
    let plain = SchemaKind::Type(Type::String(StringType::default()));
    if schema.schema_kind != plain {
        problems.add(
            pointer,
            "an open set is a plain `type: string`: remove `enum`, `format` and limits",
        );
    }
    let pointer = pointer.join(OPEN_SET);
    let Some(values) = known_values(schema) else {
        problems.add(&pointer, "list the known values as strings");
        return;
    };
    let mut variants = HashMap::new();
    for (index, value) in values.into_iter().enumerate() {
        let pointer = pointer.join(&index.to_string());
        let variant = variant_name(value);
        if syn::parse_str::<syn::Ident>(&variant).is_err() {
            problems.add(
                &pointer,
                format!("`{value}` gives no Rust name: leave it out, it is kept as text then"),
            );
        } else if variant == CATCH_ALL {
            problems.add(
                &pointer,
                format!(
                    "`{value}` would take the name of the catch-all `{CATCH_ALL}`: leave it out, \
                     it is kept as text then"
                ),
            );
        } else if let Some(other) = variants.insert(variant.clone(), value) {
            problems.add(
                &pointer,
                format!("`{value}` and `{other}` would both be named `{variant}`: leave one out"),
            );
        }
    }
}
