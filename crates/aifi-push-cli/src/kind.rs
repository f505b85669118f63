//! The kinds of events as a choice of the command line.

use aifi_push::{Operation, operations};
use aifi_push_receiver::inbox::Event;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Reads a kind, such as `left`, or the id of its operation, such as `transition_left`.
pub(crate) fn parser() -> impl TypedValueParser<Value = &'static Operation> {
    let kinds = operations::ALL.iter().map(|operation| {
        let kebab = operation.id.replace('_', "-");
        let aliases = [operation.id, operation.route].map(ToOwned::to_owned);
        PossibleValue::new(operation.kind)
            .aliases(aliases)
            .alias(kebab)
    });
    PossibleValuesParser::new(kinds)
        .try_map(|kind| Operation::find(&kind).ok_or("the document has no such operation"))
}

/// Returns the default kind: the first of the document.
pub(crate) fn default() -> &'static str {
    operations::ALL
        .first()
        .map_or("", |operation| operation.kind)
}

/// Returns what a person calls the kind of a stored event.
pub(crate) fn name(event: &Event) -> &str {
    of_operation(&event.operation)
}

/// Returns what a person calls the kind of the events of an operation, by its id.
pub(crate) fn of_operation(id: &str) -> &str {
    let mut operations = operations::ALL.iter();
    operations
        .find(|operation| operation.id == id)
        .map_or(id, |operation| operation.kind)
}
