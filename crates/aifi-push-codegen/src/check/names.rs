//! Names of the document that would be those of something else in the source.

use super::Problems;
use crate::{
    document::{Document, is_extensible_enum},
    extensible_enums::CATCH_ALL,
    pointer::Pointer,
    short_paths::NAMES,
};

/// The types, traits and variants that are in scope of every module, and those that derives name.
const PRELUDE: &str = "\
    AsMut AsRef AsyncFn AsyncFnMut AsyncFnOnce Clone Copy Debug Default \
    DoubleEndedIterator Drop Eq Err ExactSizeIterator Extend Fn FnMut FnOnce From \
    FromIterator Future Hash Into IntoFuture IntoIterator Iterator None Ok Ord PartialEq \
    PartialOrd Result Self Send Sized Some Sync ToOwned ToString TryFrom TryInto";

/// The methods of the hand-written client.
const CLIENT_METHODS: [&str; 6] = [
    "builder",
    "call",
    "clone",
    "deliver",
    "deliver_with_headers",
    "sandbox",
];

/// The constants beside those of the operations.
const CONSTANTS: [&str; 2] = ["all", "server"];

pub(super) fn check_schema(
    document: &Document,
    name: &str,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    if NAMES.contains(&name) || PRELUDE.split(' ').any(|taken| taken == name) {
        let message = format!("`{name}` is the name of a Rust type: choose another");
        problems.add(pointer, message);
    }
    for (other, schema) in document.schemas() {
        let generated = match is_extensible_enum(schema) {
            true => format!("{CATCH_ALL}{other}"),
            false => format!("{other}Builder"),
        };
        if name == generated {
            let message = format!("`{name}` is the name of a type for `{other}`: choose another");
            problems.add(pointer, message);
        }
    }
}

/// Returns `true` if an operation can't have this id, as something else has the name.
pub(super) fn is_taken_operation(id: &str) -> bool {
    CLIENT_METHODS.contains(&id) || CONSTANTS.contains(&id)
}

/// Returns `true` if the builder of a model has a method of this name: `build`, or the one that sets
/// an optional field.
pub(super) fn is_builder_method(field: &str, is_field: impl Fn(&str) -> bool) -> bool {
    let optional = field.strip_prefix("maybe_");
    field == "build" || optional.is_some_and(is_field)
}
