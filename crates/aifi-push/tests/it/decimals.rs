//! Prices as decimal numbers.

use aifi_push::{Number, from_slice, operations, types::Checkout};
use serde_json::{Value, json};

use crate::document::example_of;

fn checkout(total_price: &str) -> Checkout {
    let mut event: Value = example_of(&operations::CHECKOUT);
    event["totalPrice"] = json!(total_price);
    from_slice(event.to_string().as_bytes()).unwrap()
}

#[test]
fn a_price_is_a_decimal_number() {
    for (text, decimal) in [
        ("12.50", "12.50"),
        ("0", "0"),
        ("-3.10", "-3.10"),
        ("1.25e1", "12.5"),
        (
            "1234567890123456789012345.678",
            "1234567890123456789012345.678",
        ),
    ] {
        let event = checkout(text);
        assert_eq!(event.total_price, text);
        assert_eq!(event.total_price_decimal().unwrap().to_string(), decimal);
    }
    let number: Number = "12.50".parse().unwrap();
    assert_eq!(number.to_decimal().unwrap().to_string(), "12.50");
}

#[test]
fn what_would_be_rounded_or_is_no_number_is_an_error() {
    for text in [
        "",
        "free",
        "1_000",
        "NaN",
        "1,50",
        "0.12345678901234567890123456789",
        "1e99",
    ] {
        let error = checkout(text).total_price_decimal().unwrap_err();
        let expected =
            "`totalPrice`: expected a decimal number of at most 28 digits, such as 12.50";
        assert_eq!(error.to_string(), expected, "{text}");
    }
}
