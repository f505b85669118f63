//! `example --set`

use serde_json::{Value, json};

use crate::{aifi_push_in, directory, printed};

#[test]
fn fields_are_set_as_the_document_types_them() {
    let directory = directory();
    let set = |arguments: &[&str]| {
        let all = [&["example"], arguments].concat();
        serde_json::from_str::<Value>(&printed(&directory, &all, 0)).unwrap()
    };
    let event = set(&[
        "--set",
        "storeId=12",
        "--set",
        "storeExternalId=12",
        "--set",
        "customer.metadata.level=gold",
        "--set",
        "session.groupSize=3",
        "--set",
        "session.status=paused",
        "--set",
        "introducedLater={\"since\": [2027]}",
        "--set",
        "introducedLater.since[1]=2028",
        "--set",
        "customer.externalId=null",
    ]);
    assert_eq!(event["storeId"], 12);
    assert_eq!(event["storeExternalId"], "12", "the document has a text");
    assert_eq!(event["customer"]["metadata"]["level"], "gold");
    assert_eq!(event["session"]["groupSize"], 3);
    assert_eq!(event["session"]["status"], "paused");
    assert_eq!(event["introducedLater"], json!({"since": [2027, 2028]}));
    assert_eq!(event["customer"]["externalId"], Value::Null);
    let time = "timeOfOrigin=2026-11-24T10:00:00Z";
    assert_eq!(
        set(&["--set", time])["timeOfOrigin"],
        "2026-11-24T10:00:00Z"
    );
    let arguments = [
        "--kind",
        "checkout",
        "--set",
        "cart.0.name=Milk",
        "--count",
        "1",
    ];
    assert_eq!(set(&arguments)["cart"][0]["name"], "Milk");
}

#[test]
fn what_does_not_decode_is_refused_with_its_place() {
    let directory = directory();
    let refused = [
        "storeId=twelve",
        "session=[1]",
        "timeOfOrigin=yesterday",
        "storeId.x=1",
        "customer=null",
    ]
    .map(|set| printed(&directory, &["example", "--set", set], 1));
    insta::assert_snapshot!(refused.concat(), @"
    aifi-push: --set storeId: fails to decode: `storeId` at line 1, column 1373: expected a 64-bit integer, found a string
    aifi-push: --set session: fails to decode: `session` at line 1, column 160: expected an object, found a list
    aifi-push: --set timeOfOrigin: fails to decode: `timeOfOrigin` at line 1, column 1434: expected a date-time with a zone, such as 2019-08-24T14:15:22Z
    storeId.x is not in the example: it is added
    aifi-push: --set storeId.x: storeId is neither an object nor a list
    aifi-push: --set customer: fails to decode: `customer` at line 1, column 16: expected an object, found null
    ");
    let unchecked = ["example", "--set", "storeId=twelve", "--no-check"];
    assert!(printed(&directory, &unchecked, 0).contains("\"twelve\""));
    for invalid in ["storeId", "=1", "a..b=1"] {
        let mut command = aifi_push_in(&directory, &["example", "--set", invalid]);
        command.assert().code(2);
    }
    let mut command = aifi_push_in(&directory, &["example", "--set", "storeid=1"]);
    let assert = command.assert().success();
    let note = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(note.contains("storeid is not in the example"), "{note}");
}
