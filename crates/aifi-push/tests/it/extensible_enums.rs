//! A value that is not in the document is not an error, and keeps its text.

use std::{collections::HashSet, convert::Infallible};

use aifi_push::types::{CustomerRole, PaymentProvider, SessionStatus};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn known_values_have_variants() {
    let cases = [
        ("customer", CustomerRole::Customer),
        ("employee", CustomerRole::Employee),
        ("tester", CustomerRole::Tester),
        ("untracked", CustomerRole::Untracked),
        ("unknown", CustomerRole::Unknown),
    ];
    for (text, role) in cases {
        assert_eq!(CustomerRole::from(text), role);
        assert_eq!(role.as_str(), text);
        assert_eq!(role.to_string(), text);
        assert_eq!(serde_json::to_value(&role).unwrap(), json!(text));
    }
    assert_eq!(
        PaymentProvider::from("FREEDOM_PAY"),
        PaymentProvider::FreedomPay
    );
}

#[test]
fn another_value_keeps_its_text() {
    let status: SessionStatus = serde_json::from_value(json!("Suspended (by staff)")).unwrap();
    let SessionStatus::Unlisted(text) = &status else {
        panic!("{status:?} is listed");
    };
    assert_eq!(text.as_str(), "Suspended (by staff)");
    assert_eq!(
        serde_json::to_value(&status).unwrap(),
        json!("Suspended (by staff)")
    );
}

#[test]
fn case_matters() {
    assert_ne!(SessionStatus::from("Active"), SessionStatus::Active);
    assert_ne!(PaymentProvider::from("none"), PaymentProvider::None);
}

proptest! {
    #[test]
    fn any_text_is_kept_and_equal_to_itself_only(
        a in "(customer|employee|unknown|[a-z]{0,3}|\\PC{0,8})",
        b in "(customer|employee|unknown|[a-z]{0,3}|\\PC{0,8})",
    ) {
        let from_str: Result<CustomerRole, Infallible> = a.parse();
        let role = CustomerRole::from(a.clone());
        prop_assert_eq!(&from_str.unwrap(), &role);
        prop_assert_eq!(&serde_json::from_value::<CustomerRole>(json!(a)).unwrap(), &role);
        prop_assert_eq!(role.as_str(), &a);

        let other = CustomerRole::from(b.as_str());
        prop_assert_eq!(role == other, a == b);
        let both = HashSet::from([role, other]);
        prop_assert_eq!(both.len() == 1, a == b);
    }
}
