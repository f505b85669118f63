//! Names of types for schemas without one: after their place.
//!
//! | place | name |
//! |---|---|
//! | property `address` of `Order` | `OrderAddress` |
//! | items of the property `lines` of `Order` | `OrderLinesItem` |
//! | values of the map `stock` of `Order` | `OrderStockValue` |
//! | object among the alternatives of the property `payment` of `Order` | `OrderPaymentObject` |
//! | body of the operation `order_placed` | `OrderPlaced` |
//! | response of the operation `order_placed`, of success or not | `OrderPlacedResponse`, `OrderPlacedError` |
//! | `Busy` in `/components/responses` | `BusyResponse` |
//! | `Order` in `/components/requestBodies` | `OrderBody` |

use crate::{
    names::{operation_name, type_name},
    node::Node,
    pointer::Pointer,
};

/// Returns the name for the schema at a pointer, which others may have too.
pub(super) fn place_name(document: &Node, pointer: &Pointer) -> String {
    let segments: Vec<&str> = pointer.segments().collect();
    let (mut name, mut rest) = match &segments[..] {
        ["components", "schemas", schema, rest @ ..] => ((*schema).to_owned(), rest),
        [
            "components",
            "requestBodies",
            body,
            "content",
            _,
            "schema",
            rest @ ..,
        ] => (format!("{body} body"), rest),
        [
            "components",
            "responses",
            response,
            "content",
            _,
            "schema",
            rest @ ..,
        ] => (format!("{response} response"), rest),
        [
            "paths",
            path,
            method,
            "requestBody",
            "content",
            _,
            "schema",
            rest @ ..,
        ] => (operation(document, path, method), rest),
        [
            "paths",
            path,
            method,
            "responses",
            status,
            "content",
            _,
            "schema",
            rest @ ..,
        ] => {
            let side = if status.starts_with('2') {
                "response"
            } else {
                "error"
            };
            (
                format!("{} {side}", operation(document, path, method)),
                rest,
            )
        }
        rest => (String::new(), rest),
    };
    while let [keyword, others @ ..] = rest {
        rest = others;
        match (*keyword, others) {
            ("properties" | "$defs" | "definitions", [property, others @ ..]) => {
                name = format!("{name} {}", type_name(property));
                rest = others;
            }
            ("items", _) => name += " item",
            ("type", _) => name += " object",
            ("enum", _) => name += " text",
            ("additionalProperties", _) => name += " value",
            ("oneOf" | "anyOf", [_, others @ ..]) => {
                name += " object";
                rest = others;
            }
            ("allOf", [_, others @ ..]) => rest = others,
            (other, _) => name = format!("{name} {other}"),
        }
    }
    type_name(&name)
}

fn operation(document: &Node, path: &str, method: &str) -> String {
    let pointer = Pointer::root().join("paths").join(path).join(method);
    let id = document
        .at(&pointer.join("operationId"))
        .and_then(Node::as_str);
    operation_name(id.unwrap_or(path))
}
