//! Decoding and encoding: no additive change, and no value outside the document, costs an event.

use serde_json::{Value, json};

use crate::{
    Answer, Number, Push, Question, from_slice, operations,
    types::{
        self, BooleanOrNumber, CardPayment, CustomerInfo, CustomerInfoOrStringOrStringList, Id,
        IntegerOrString, JsonValue, Order, OrderAddress, OrderCancelled, OrderCancelledReason,
        OrderPayment, OrderStatus, OrderTagsItem, OrderVehicle, PaymentBody, StockAny, Tree,
    },
};

/// An order with one more property.
fn order_with(property: &str, value: &str) -> Result<Order, crate::DecodeError> {
    let name = Value::from(property);
    let body = format!(r#"{{"id":7,"status":"open","lines":[],{name}:{value}}}"#);
    from_slice(body.as_bytes())
}

/// What encoding an order writes for a property.
fn encoded(order: &Order, property: &str) -> Option<String> {
    let text = serde_json::to_string(order).unwrap();
    let fields: std::collections::BTreeMap<String, crate::Json> =
        from_slice(text.as_bytes()).unwrap();
    Some(fields.get(property)?.as_str().to_owned())
}

#[track_caller]
fn comes_back(property: &str, value: &str) -> Order {
    let order = order_with(property, value).unwrap();
    assert_eq!(
        encoded(&order, property).as_deref(),
        Some(value),
        "{property}"
    );
    order
}

#[test]
fn null_is_the_same_as_absence() {
    for property in [
        "note", "address", "external", "payment", "anything", "matrix", "guess",
    ] {
        let order = order_with(property, "null").unwrap();
        assert_eq!(encoded(&order, property), None, "{property}");
    }
    let order: Order = from_slice(br#"{"id":7,"status":null,"lines":[]}"#).unwrap();
    assert_eq!(order.status, None);
    assert_eq!(encoded(&order, "status").as_deref(), Some("null"));
    assert!(from_slice::<Order>(br#"{"id":7,"lines":[]}"#).is_err());
}

#[test]
fn limits_and_defaults_are_ignored() {
    assert_eq!(
        comes_back("note", r#""LONGER THAN 10""#).note.unwrap(),
        "LONGER THAN 10"
    );
    comes_back("tags", r#"["gift","gift"]"#);
    comes_back("something new", "1.10");
    assert_eq!(comes_back("level", "4").level, Some(4));
    let line = r#"[{"sku":"a"}]"#;
    let order: Order =
        from_slice(format!(r#"{{"id":-1,"status":"open","lines":{line}}}"#).as_bytes()).unwrap();
    assert_eq!((order.id, order.lines[0].count), (-1, None));
    assert_eq!(encoded(&order, "lines").as_deref(), Some(line));
}

#[test]
fn an_enum_keeps_values_outside_the_list() {
    let reason = |text: &str| {
        let body = json!({"order_id": "7", "reason": text});
        let event: OrderCancelled = from_slice(body.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), body);
        event.reason
    };
    assert_eq!(reason("out of stock"), OrderCancelledReason::OutOfStock);
    assert_eq!(reason("+1"), OrderCancelledReason::Value1);
    for text in ["Unlisted", "CUSTOMER", "", "new"] {
        assert!(
            matches!(reason(text), OrderCancelledReason::Unlisted(_)),
            "{text}"
        );
    }
    let order = comes_back("tags", r#"["gift","new"]"#);
    assert_eq!(order.tags.unwrap()[0], OrderTagsItem::Gift);
    assert_eq!(OrderStatus::from("paid"), OrderStatus::Paid);
}

#[test]
fn a_union_of_scalars_is_typed_and_keeps_any_other_json() {
    let external = |value: &str| comes_back("external", value).external.unwrap();
    assert_eq!(external("7"), IntegerOrString::Integer(7));
    assert_eq!(external(r#""7""#), IntegerOrString::from("7"));
    for other in [
        "12.917521550408111",
        "123456789012345678901234567890",
        "true",
        r#"{"b":1,"a":[1.10]}"#,
        "[null]",
    ] {
        let value = external(other);
        assert!(matches!(&value, IntegerOrString::Other(json) if json.as_str() == other));
        assert_eq!(format!("{value:?}"), "Other(..)");
    }
    assert_eq!(format!("{:?}", external("7")), "Integer(7)");
    let number: Number = "1.10".parse().unwrap();
    let order = comes_back("guess_union", "1.10");
    assert_eq!(order.guess_union, Some(BooleanOrNumber::Number(number)));
    comes_back("guess_union", r#""neither""#);
}

#[test]
fn a_union_of_other_types() {
    let place = |value: &str| comes_back("place", value).place.unwrap();
    assert!(matches!(
        place(r#""a""#),
        CustomerInfoOrStringOrStringList::String(_)
    ));
    assert!(matches!(
        place(r#"["a"]"#),
        CustomerInfoOrStringOrStringList::StringList(_)
    ));
    assert!(matches!(
        place("[1]"),
        CustomerInfoOrStringOrStringList::Other(_)
    ));
    assert!(matches!(
        place(r#"{"id":7}"#),
        CustomerInfoOrStringOrStringList::Other(_)
    ));
    let customer = place(r#"{"id":"c","kind":"customer","new":1.10}"#);
    assert!(matches!(
        customer,
        CustomerInfoOrStringOrStringList::CustomerInfo(_)
    ));
    comes_back("either", r#"{"method":"card","new":1.10}"#);
}

#[test]
fn a_discriminator_selects_the_type() {
    let payment = |value: &str| -> PaymentBody {
        let payment = from_slice(value.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&payment).unwrap(), value);
        payment
    };
    for method in ["card", "debit"] {
        let payment = payment(&format!(r#"{{"method":"{method}","last4":"1"}}"#));
        assert!(matches!(payment, PaymentBody::CardPayment(_)));
    }
    let cash = payment(r#"{"method":"cash","given":"5.00","new":1.10}"#);
    assert!(
        matches!(&cash, PaymentBody::CashPayment(cash) if cash.given.as_deref() == Some("5.00"))
    );
    for other in [
        // An unknown kind, none, one that is no text, one whose value does not fit, no object.
        r#"{"method":"crypto","b":1.10,"a":1}"#,
        "{}",
        r#"{"method":7}"#,
        r#"{"method":"card","last4":1234}"#,
        r#"{"method":"card","method":"cash","given":true}"#,
        "null",
        "[1.10]",
    ] {
        assert!(matches!(payment(other), PaymentBody::Other(_)), "{other}");
    }
    // A kind may be a number.
    let order = comes_back("vehicle", r#"{"given":"5.00","level":1}"#);
    assert!(matches!(order.vehicle, Some(OrderVehicle::CashPayment(_))));
    let order = comes_back("vehicle", r#"{"given":"5.00","level":2}"#);
    assert!(matches!(order.vehicle, Some(OrderVehicle::Other(_))));
    // Without a mapping, the name of the schema is the kind.
    let order = comes_back("payment", r#"{"method":"CardPayment"}"#);
    assert!(matches!(order.payment, Some(OrderPayment::CardPayment(_))));
    let escaped = order_with("payment", r#"{"meth\u006fd":"Card\u0050ayment"}"#).unwrap();
    assert!(matches!(
        escaped.payment,
        Some(OrderPayment::CardPayment(_))
    ));
    let sent = OrderPayment::from(CardPayment::builder().method("CardPayment").build());
    assert_eq!(
        serde_json::to_string(&sent).unwrap(),
        r#"{"method":"CardPayment"}"#
    );
}

#[test]
fn debug_shows_nothing_that_is_sensitive() {
    let payment: PaymentBody = from_slice(br#"{"method":"cash","given":"5.00"}"#).unwrap();
    assert_eq!(
        format!("{payment:?}"),
        r#"CashPayment(CashPayment { method: Some("cash"), .. })"#
    );
    let order = comes_back("secret", r#"["s3cret"]"#);
    assert!(!format!("{order:?}").contains("s3cret"));
    let value: JsonValue = from_slice(br#"{"a":[1,"x"]}"#).unwrap();
    assert!(matches!(value, JsonValue::JsonValueMap(_)));
}

#[test]
fn all_of_is_one_type() {
    let body = json!({
        "id": "c", "kind": "customer", "meta": {"source": "app"}, "name": "n", "vip": true,
        "since": "2026-11-24T10:00:00Z", "new": 1,
    });
    let customer: CustomerInfo = from_slice(body.to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::to_value(&customer).unwrap(), body);
    assert_eq!(customer.meta.unwrap().source.as_deref(), Some("app"));
    assert!(from_slice::<CustomerInfo>(br#"{"id":"c"}"#).is_err());
    assert!(from_slice::<CustomerInfo>(br#"{"kind":"customer"}"#).is_err());
}

#[test]
fn numbers_keep_their_digits() {
    comes_back("stock", r#"{"a":[{"b":12.917521550408111000}]}"#);
    comes_back("anything", "123456789012345678901234567890");
    assert_eq!(
        comes_back("big", "18446744073709551615").big,
        Some(u64::MAX)
    );
    assert_eq!(comes_back("id2", "1").id, 7);
    let matrix = order_with("matrix", "[[2.0,-0],[]]")
        .unwrap()
        .matrix
        .unwrap();
    assert_eq!(matrix, [vec![2, 0], vec![]]);
}

#[test]
fn recursion_without_an_end_does_not_end_the_stack() {
    let levels = 5000;
    let lists = "[".repeat(levels) + &"]".repeat(levels);
    let value: JsonValue = from_slice(lists.as_bytes()).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), lists);
    let tree: Tree = from_slice(br#"{"id":1.5,"nodes":[{"id":"a","value":{"b":null}}]}"#).unwrap();
    assert!(matches!(tree.id, Some(Id::Other(_))));
    let order = comes_back(
        "parent",
        r#"{"id":8,"status":"new","lines":[],"parent":{"id":9,"status":null,"lines":[]}}"#,
    );
    assert_eq!(order.parent.unwrap().parent.unwrap().id, 9);
}

#[test]
fn names_of_any_kind_are_those_on_the_wire() {
    let names = [
        "type",
        "self",
        "2fa",
        "@id",
        "$id",
        "",
        "größe",
        "async",
        "gen",
        "crate",
        "Self",
        "order_id",
        "orderId",
        "ORDER-ID",
        "a1",
        "a_1",
        "example",
        "x-anything",
        "default",
        "enum",
    ];
    for name in names {
        let value = match name {
            "2fa" => "true",
            "größe" => "1.10",
            _ => r#""text""#,
        };
        let order = comes_back(name, value);
        assert!(order.extra.is_empty(), "{name}");
    }
}

#[test]
fn an_odd_value_of_a_guess_is_kept() {
    let order = comes_back("guess", r#""seven""#);
    assert_eq!(
        (order.guess, order.extra["guess"].as_str()),
        (None, r#""seven""#)
    );
    // What is documented binds.
    let error = order_with("address", r#"{"street":7}"#).unwrap_err();
    assert_eq!(error.path(), "address.street");
}

#[test]
fn operations_have_names_and_bodies() {
    let ids: Vec<&str> = operations::ALL
        .iter()
        .map(|operation| operation.id)
        .collect();
    assert_eq!(
        ids,
        [
            "order_placed",
            "order_cancelled",
            "payment_changed",
            "stock_any"
        ]
    );
    let example = operations::ORDER_PLACED.example.unwrap();
    assert!(operations::ORDER_PLACED.check(example.as_bytes()).is_ok());
    assert_eq!(PaymentBody::OPERATION.path, "/payments/changed");
    fn answer<Q: Question<Answer = A>, A>() -> Answer {
        Q::OPERATION.answer
    }
    let answer = answer::<OrderCancelled, types::OrderCancelledResponse>();
    assert_eq!(answer, Answer::Used);
    let any: StockAny = from_slice(br#"{"a":1.10}"#).unwrap();
    assert_eq!(any.extra["a"].as_str(), "1.10");
    let _: OrderAddress = OrderAddress::builder().street("s").build();
}
