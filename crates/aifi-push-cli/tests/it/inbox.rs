//! `aifi-push inbox`, beside a `serve` that runs

use aifi_push_testkit::{ServeProcess, http};
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::{directory, documented, printed, serving::serve, write};

/// An inbox of four events of the stores 1 to 3, the last of which does not decode.
fn received() -> (TempDir, ServeProcess, Vec<String>) {
    let directory = directory();
    let serving = serve(&directory, &[]);
    for store in 1..=3 {
        let body = documented().replace(
            r#""storeId":0,"timeOf"#,
            &format!(r#""storeId":{store},"timeOf"#),
        );
        write(&directory, "event.json", body);
        printed(
            &directory,
            &["send", "event.json", "--url", serving.url()],
            0,
        );
    }
    let posted = serving.exchange(&http::post(b"{\"storeId\": 3}")).unwrap();
    assert_eq!(posted.status, 422);
    let listed = entries(&directory, &[]);
    let ids = listed
        .iter()
        .map(|entry| entry["id"].as_str().unwrap().to_owned());
    let ids = ids.collect();
    (directory, serving, ids)
}

fn entries(directory: &TempDir, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["inbox", "list", "--json"], arguments].concat();
    let text = printed(directory, &arguments, 0);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn events_are_listed_by_filter() {
    let (directory, _serving, ids) = received();
    let stores: Vec<_> = entries(&directory, &[])
        .iter()
        .map(|entry| entry["store"].clone())
        .collect();
    assert_eq!(stores, [1, 2, 3, 3]);
    let found = |arguments: &[&str]| entries(&directory, arguments).len();
    assert_eq!(found(&["--store", "3"]), 2);
    assert_eq!(found(&["--state", "quarantined"]), 1);
    assert_eq!(found(&["--state", "pending", "--store", "3"]), 1);
    assert_eq!(found(&["--kind", "left"]), 4);
    assert_eq!(found(&["--since", "1h"]), 4);
    assert_eq!(found(&["--until", "1h"]), 0);
    assert_eq!(found(&["--until", "2999-01-01T00:00:00Z"]), 4);

    let table = printed(&directory, &["inbox", "list", "--limit", "2"], 0);
    assert!(table.contains("STORE") && table.contains(&ids[1]) && !table.contains(&ids[2]));
    assert!(table.contains("there are more"));
    // Nothing of the customer is in a list.
    assert!(!table.contains("exampleValue"));
}

#[test]
fn an_event_is_shown_in_full() {
    let (directory, _serving, ids) = received();
    let shown = printed(&directory, &["inbox", "show", &ids[0]], 0);
    assert!(
        shown.contains("payment   NONE") && shown.contains("exampleValue"),
        "{shown}"
    );
    let json: Value = serde_json::from_str(&printed(
        &directory,
        &["inbox", "show", &ids[3], "--json"],
        0,
    ))
    .unwrap();
    assert_eq!(json["body"], "{\"storeId\": 3}");
    assert_eq!(
        json["problem"],
        "`sessionId` at line 1, column 14: this field is missing"
    );
    let nobody = "00000000-0000-0000-0000-000000000000";
    assert_snapshot!(printed(&directory, &["inbox", "show", nobody], 1), @"aifi-push: no event 00000000-0000-0000-0000-000000000000 in the inbox");
}

#[test]
fn quarantined_events_wait_for_a_model_that_fits() {
    let (directory, _serving, ids) = received();
    let text = printed(&directory, &["inbox", "requeue"], 1);
    assert_snapshot!(text.replace(&ids[3], "ID"), @"
    ID: `sessionId` at line 1, column 14: this field is missing
    0 quarantined events and 0 dead letters requeued; 1 still fail to decode
    ");
    let stats: Value =
        serde_json::from_str(&printed(&directory, &["inbox", "stats", "--json"], 0)).unwrap();
    assert_eq!(
        (&stats["events"], &stats["quarantined"]),
        (&4.into(), &1.into())
    );
}

#[test]
fn nothing_unconsumed_is_pruned_by_default() {
    let (directory, _serving, _) = received();
    assert_snapshot!(printed(&directory, &["inbox", "prune"], 1), @"aifi-push: no limit: set --older-than or --max-bytes");
    let kept = printed(&directory, &["inbox", "prune", "--older-than", "0s"], 0);
    assert!(kept.starts_with("0 events deleted"), "{kept}");
    let all = ["inbox", "prune", "--older-than", "0s", "--even-unseen"];
    let dry = printed(&directory, &[&all[..], &["--dry-run"]].concat(), 0);
    assert!(dry.starts_with("4 events would be deleted"), "{dry}");
    assert_eq!(entries(&directory, &[]).len(), 4);
    printed(&directory, &all, 0);
    assert_eq!(entries(&directory, &[]).len(), 0);
}

#[test]
fn an_inbox_that_is_not_there_is_named() {
    assert_snapshot!(printed(&directory(), &["inbox", "stats"], 1), @"aifi-push: events.db: opening the inbox failed: No such file or directory (os error 2)");
}
