//! The operations of the document as a choice of the command line, by the last segment of their
//! paths.

use aifi_push::{Operation, operations};
use aifi_push_receiver::inbox::Event;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Reads the last segment of an operation's path, such as `left`.
pub(crate) fn parser() -> impl TypedValueParser<Value = &'static Operation> {
    let kinds = operations::ALL
        .iter()
        .map(|operation| PossibleValue::new(operation.segment()));
    PossibleValuesParser::new(kinds).try_map(|kind| {
        let mut all = operations::ALL.iter();
        all.find(|operation| operation.segment() == kind)
            .ok_or("the document has no such operation")
    })
}

/// Returns the default kind: the first of the document.
pub(crate) fn default() -> &'static str {
    operations::ALL.first().map_or("", Operation::segment)
}

/// Returns what a person calls the kind of a stored event.
pub(crate) fn name(event: &Event) -> &str {
    event
        .known_operation()
        .map_or(&event.operation, |operation| operation.segment())
}
