//! The JSON Schema accepts what decoding accepts.

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::{from_slice, types};

fn validator(name: &str) -> Validator {
    let schema: Value = types::json_schema().into();
    let schema = json!({"$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"]});
    jsonschema::draft202012::options().build(&schema).unwrap()
}

/// Values for every property: those that fit, and others.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(7),
        json!(1.5),
        json!("text"),
        json!("open"),
        json!("2026-11-24 10:00Z"),
        json!([]),
        json!(["gift", "new"]),
        json!([[1, 2], []]),
        json!([1.5]),
        json!({}),
        json!({"a": 1}),
        json!({"a": [{"b": 1.5}]}),
        json!({"method": "CardPayment"}),
        json!({"method": "CardPayment", "last4": 1}),
        json!({"id": "c", "kind": "customer"}),
        json!({"id": 8, "status": "new", "lines": [{"sku": "s"}]}),
        json!({"street": 7}),
    ]
}

#[test]
fn the_schema_and_decoding_agree() {
    let schema: Value = types::json_schema().into();
    let validator = validator("Order");
    let properties = schema["$defs"]["Order"]["properties"].as_object().unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for property in properties.keys() {
        for value in values() {
            let mut order = json!({"id": 7, "status": null, "lines": []});
            order[property] = value;
            let decoded = from_slice::<types::Order>(order.to_string().as_bytes());
            assert_eq!(
                validator.is_valid(&order),
                decoded.is_ok(),
                "{order}: {decoded:?}"
            );
            match decoded {
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} and {refused}");
}

#[test]
fn every_value_is_a_union() {
    for name in ["IntegerOrString", "PaymentBody", "JsonValue", "Id"] {
        let validator = validator(name);
        assert!(
            values().iter().all(|value| validator.is_valid(value)),
            "{name}"
        );
    }
}
