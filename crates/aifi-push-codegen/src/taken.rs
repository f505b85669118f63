//! Names that something else in the source has.

use crate::{extensible_enums::CATCH_ALL, short_paths::NAMES};

/// The types, traits and variants that are in scope of every module, and those that derives name.
const PRELUDE: &str = "\
    AsMut AsRef AsyncFn AsyncFnMut AsyncFnOnce Clone Copy Debug Default \
    DoubleEndedIterator Drop Eq Err ExactSizeIterator Extend Fn FnMut FnOnce From \
    FromIterator Future Hash Into IntoFuture IntoIterator Iterator None Ok Ord PartialEq \
    PartialOrd Result S Self Send Sized Some Sync ToOwned ToString TryFrom TryInto";

/// The methods of the hand-written client, of which a test knows if one is missing.
const CLIENT_METHODS: [&str; 11] = [
    "attempt",
    "builder",
    "call",
    "call_url",
    "clone",
    "delay_after",
    "deliver",
    "deliver_with_headers",
    "no_response",
    "sandbox",
    "send",
];

/// The constants beside those of the operations.
const CONSTANTS: [&str; 2] = ["all", "server"];

/// Returns `true` if a type can't have this name, as one of Rust has it.
pub(crate) fn is_rust(name: &str) -> bool {
    NAMES.contains(&name) || PRELUDE.split(' ').any(|taken| taken == name)
}

/// Returns the name of the type that is generated beside another.
pub(crate) fn generated(name: &str, is_enum: bool) -> String {
    match is_enum {
        true => format!("{CATCH_ALL}{name}"),
        false => format!("{name}Builder"),
    }
}

/// Returns `true` if one of two names is that of the other, or of a type beside it.
pub(crate) fn collide(a: &str, b: &str) -> bool {
    let beside = |a: &str, b: &str| {
        [true, false]
            .iter()
            .any(|is_enum| generated(a, *is_enum) == b)
    };
    a == b || beside(a, b) || beside(b, a)
}

/// Returns `true` if an operation can't have this id, as something else has the name.
pub(crate) fn is_operation(id: &str) -> bool {
    CLIENT_METHODS.contains(&id) || CONSTANTS.contains(&id)
}

/// Returns `true` if the builder of a model has a method of this name: `build`, or the one that
/// sets an optional field.
pub(crate) fn is_builder_method(field: &str, is_field: impl Fn(&str) -> bool) -> bool {
    let optional = field.strip_prefix("maybe_");
    field == "build" || optional.is_some_and(is_field)
}
