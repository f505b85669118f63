//! Events are built by setting fields, at least the required ones.

use aifi_push::types::{
    Customer, CustomerRole, Payment, Session, SessionStatus, Shopper, Store, TransitionLeft,
};
use serde_json::json;

#[test]
fn the_required_fields_are_enough() {
    let event = TransitionLeft::builder()
        .session_id("s-1")
        .session(None)
        .customer(Customer::builder().build())
        .store_id(7)
        .store(Store::builder().build())
        .store_external_id(None)
        .time_of_origin("2026-11-24T10:00:00Z".parse().unwrap())
        .time_of_issue("2026-11-24T10:00:01Z".parse().unwrap())
        .payment(Payment::builder().build())
        .shopper_id("p-1")
        .shopper(Shopper::builder().build())
        .build();
    assert_eq!(
        serde_json::to_value(&event).unwrap(),
        json!({
            "sessionId": "s-1",
            "session": null,
            "customer": {},
            "storeId": 7,
            "store": {},
            "storeExternalId": null,
            "timeOfOrigin": "2026-11-24T10:00:00Z",
            "timeOfIssue": "2026-11-24T10:00:01Z",
            "payment": {},
            "shopperId": "p-1",
            "shopper": {},
        })
    );
}

#[test]
fn optional_fields_are_set_by_name() {
    let session = Session::builder()
        .id(12)
        .status(SessionStatus::Active)
        .location_id("entrance")
        .maybe_group_size(None)
        .build();
    assert_eq!(
        serde_json::to_value(&session).unwrap(),
        json!({"id": 12, "status": "active", "locationId": "entrance"})
    );
}

#[test]
fn fields_can_be_changed_later() {
    let mut customer = Customer::builder().id("c-1").build();
    customer.role = Some(CustomerRole::from("vip"));
    customer.extra.insert("tier".to_owned(), json!(2).into());
    assert_eq!(
        serde_json::to_value(&customer).unwrap(),
        json!({"id": "c-1", "role": "vip", "tier": 2})
    );
}
