//! Rules for extensible enums.

use std::collections::HashMap;

use openapiv3::{Schema, SchemaKind, StringType, Type};

use super::Problems;
use crate::{
    document::{EXTENSIBLE_ENUM, known_values},
    extensible_enums::{CATCH_ALL, variant_name},
    pointer::Pointer,
};

pub(super) fn check(schema: &Schema, pointer: &Pointer, problems: &mut Problems) {
    let plain = SchemaKind::Type(Type::String(StringType::default()));
    if schema.schema_kind != plain {
        problems.add(
            pointer,
            "an extensible enum is a plain `type: string`: remove `enum`, `format` and limits",
        );
    }
    let pointer = pointer.join(EXTENSIBLE_ENUM);
    let Some(values) = known_values(schema) else {
        problems.add(&pointer, "invalid values: expected a list of strings");
        return;
    };
    let mut variants = HashMap::new();
    for (index, value) in values.into_iter().enumerate() {
        let pointer = pointer.join(&index.to_string());
        let variant = variant_name(value);
        if syn::parse_str::<syn::Ident>(&variant).is_err() {
            problems.add(
                &pointer,
                format!("`{value}` has no Rust name: leave it out, `{CATCH_ALL}` keeps it"),
            );
        } else if variant == CATCH_ALL {
            problems.add(
                &pointer,
                format!(
                    "`{value}` has the Rust name of the catch-all: leave it out, `{CATCH_ALL}` \
                     keeps it"
                ),
            );
        } else if let Some(other) = variants.insert(variant.clone(), value) {
            problems.add(
                &pointer,
                format!(
                    "`{value}` and `{other}` have the same Rust name `{variant}`: leave one out"
                ),
            );
        }
    }
}
