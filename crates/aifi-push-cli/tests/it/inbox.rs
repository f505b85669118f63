//! `aifi-push inbox`, beside a `serve` that runs

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aifi_push_testkit::{ServeProcess, http};
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    directory, documented, printed,
    serving::serve,
    target::{Answer, Target},
    wait_until, write,
};

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
    let arguments = [&["inbox", "list", "--json", "--limit", "100"], arguments].concat();
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
    let text = printed(&directory, &["inbox", "requeue", "--yes"], 1);
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

#[test]
fn what_is_about_a_person_is_found_exported_and_erased() {
    let (directory, serving, ids) = received();
    let about = |customer: &str| {
        let id = format!(r#""externalId":"{customer}""#);
        documented().replace(r#""externalId":"string""#, &id)
    };
    for customer in ["alice", "carol"] {
        write(&directory, "event.json", about(customer));
        let send = ["send", "event.json", "--url", serving.url()];
        printed(&directory, &send, 0);
    }
    let pretty: Value = serde_json::from_str(&about("alice")).unwrap();
    let pretty = serde_json::to_string_pretty(&pretty).unwrap();
    write(&directory, "event.json", &pretty);
    printed(
        &directory,
        &["send", "event.json", "--url", serving.url()],
        0,
    );
    // One that is quarantined, and is not JSON.
    let cut = r#"{"customer":{"externalId":"alice"},"#;
    serving.exchange(&http::post(cut.as_bytes())).unwrap();

    let alice = ["--customer", "alice"];
    let inbox = |command, more: &[&str], code| {
        printed(
            &directory,
            &[&["inbox", command], &alice[..], more].concat(),
            code,
        )
    };
    let found = inbox("find", &["--json"], 0);
    assert_eq!(found.lines().count(), 3);
    assert!(!found.contains("alice"), "{found}");
    let report = "3 events (3 left), 1 quarantined, 0 dead letters";
    assert!(inbox("find", &[], 0).contains(report));
    assert_eq!(inbox("find", &["--store", "1"], 0).lines().count(), 1);

    let exported = inbox("export", &[], 0);
    let lines: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], lines[1]);
    assert_eq!(lines[0]["customer"]["externalId"], "alice");
    assert_eq!(lines[2], cut);
    let list: Vec<Value> =
        serde_json::from_str(&inbox("export", &["--format", "json"], 0)).unwrap();
    assert_eq!(list, lines);

    let dry = inbox("erase", &["--dry-run"], 0);
    assert!(dry.contains(report) && dry.contains("a dry run erases nothing"));
    assert_snapshot!(inbox("erase", &[], 1), @"aifi-push: nobody to ask, as standard input is not a terminal: confirm with --yes");
    assert_eq!(entries(&directory, &[]).len(), 8);
    assert_snapshot!(inbox("erase", &["--yes"], 0), @"
    3 events (3 left), 1 quarantined, 0 dead letters
    1 bodies are not JSON: their text contains what was asked for; look at each with `inbox show`
    3 events erased
    not touched: backups, events that were forwarded, and spools of other machines
    ");
    assert_eq!(entries(&directory, &[]).len(), 5);
    assert_snapshot!(inbox("erase", &["--yes"], 0), @"0 events, 0 quarantined, 0 dead letters");
    assert_eq!(inbox("export", &["--format", "json"], 0), "[]\n");
    printed(&directory, &["inbox", "erase", "--id", &ids[0], "--yes"], 0);
    let nobody = printed(&directory, &["inbox", "erase", "--yes"], 2);
    assert!(nobody.contains("--customer"), "{nobody}");
}

/// What dead letters and consumers are good for, on an inbox of any kind.
pub(crate) fn dead_letters_are_administered(directory: &TempDir, url: &str, serve_more: &[&str]) {
    let inbox = |arguments: &[&str], code: i32| {
        printed(
            directory,
            &[&["inbox", "--inbox", url], arguments].concat(),
            code,
        )
    };
    let listed = |arguments: &[&str]| {
        let text = inbox(&[&["list", "--json"], arguments].concat(), 0);
        let entries = text.lines().map(|line| serde_json::from_str(line).unwrap());
        entries.collect::<Vec<Value>>()
    };
    let dead = || listed(&["--state", "dead"]).len();
    let id = |entry: &Value| entry["id"].as_str().unwrap().to_owned();

    let is_gone = Arc::new(AtomicBool::new(true));
    let gone = Arc::clone(&is_gone);
    let target = Target::start(move |_| {
        Answer::status(if gone.load(Ordering::SeqCst) {
            410
        } else {
            200
        })
    });
    let forward = [
        "--inbox",
        url,
        "--forward",
        &target.url(),
        "--forward-no-token",
    ];
    let serving = serve(directory, &[&forward, serve_more].concat());
    write(
        directory,
        "events.ndjson",
        format!("{}\n", documented()).repeat(4),
    );
    printed(
        directory,
        &["send", "events.ndjson", "--url", serving.url()],
        0,
    );
    wait_until(|| dead() == 4);
    let consumers = inbox(&["consumers"], 0);
    assert!(
        consumers.contains("forward   0        -               4"),
        "{consumers}"
    );
    let consumer: Value = serde_json::from_str(&inbox(&["consumers", "--json"], 0)).unwrap();
    assert_eq!(
        (&consumer["name"], &consumer["dead"]),
        (&"forward".into(), &4.into())
    );

    is_gone.store(false, Ordering::SeqCst);
    let nobody = "00000000-0000-0000-0000-000000000000";
    let ids: Vec<_> = listed(&[]).iter().map(id).collect();
    assert!(inbox(&["requeue", &ids[0], nobody], 1).contains("no event"));
    assert_eq!(dead(), 4);

    let requeued = inbox(&["requeue", &ids[0]], 0);
    assert!(
        requeued.starts_with("0 quarantined events and 1 dead letters"),
        "{requeued}"
    );
    wait_until(|| dead() == 3);
    // It is done, so nothing is left to requeue.
    let requeued = inbox(&["requeue", &ids[0]], 0);
    assert!(
        requeued.starts_with("0 quarantined events and 0 dead letters"),
        "{requeued}"
    );

    let discarded = inbox(&["discard", &ids[1], "--reason", "a test of the till"], 0);
    let discarded = discarded.replace(&ids[1], "ID");
    assert_eq!(discarded, "discarded ID, left, dead: a test of the till\n");
    assert_eq!((listed(&[]).len(), dead()), (3, 2));
    assert!(inbox(&["discard", &ids[1], "--reason", "again"], 1).contains("no event"));

    wait_until(|| listed(&["--state", "done"]).len() == 1);
    let replay = ["replay", "--consumer", "forward", "--rate", "1000/s"];
    let replayed = inbox(&[&replay[..], &[&ids[0], &ids[2]]].concat(), 0);
    assert_eq!(replayed, "2 of 2 events are replayed to forward\n");
    wait_until(|| dead() == 1);
    let requeued = inbox(&["requeue", "--kind", "left", "--rate", "100/s"], 0);
    assert!(
        requeued.starts_with("0 quarantined events and 1 dead letters"),
        "{requeued}"
    );
    wait_until(|| listed(&["--state", "done"]).len() == 3);
    let replayed = inbox(&[&replay[..], &["--yes"]].concat(), 0);
    assert_eq!(replayed, "3 of 3 events are replayed to forward\n");
    // Of the first four calls, each event is called once more or twice.
    wait_until(|| target.calls().len() == 4 + 1 + 2 + 1 + 3);

    serving.terminate().unwrap();
    let unknown = inbox(&["consumers", "remove", "nobody", "--yes"], 1);
    assert!(unknown.contains(r#"there are ["forward"]"#), "{unknown}");
    let removed = inbox(&["consumers", "remove", "forward", "--yes"], 0);
    assert!(
        removed.starts_with("removed consumer forward, with "),
        "{removed}"
    );
    assert_eq!(inbox(&["consumers", "--json"], 0), "");
}

#[test]
fn dead_letters_are_administered_in_a_file() {
    dead_letters_are_administered(&directory(), "sqlite:events.db", &[]);
}

#[test]
fn nothing_that_takes_all_is_done_unasked() {
    let (directory, serving, _) = received();
    serving.terminate().unwrap();
    let target = Target::start(|_| Answer::status(200));
    let _serving = serve(
        &directory,
        &["--forward", &target.url(), "--forward-no-token"],
    );
    wait_until(|| target.calls().len() == 3);
    let refused = |arguments: &[&str]| printed(&directory, &[&["inbox"], arguments].concat(), 1);
    assert_snapshot!(refused(&["requeue"]), @"aifi-push: nothing is selected, which means all: name ids, or use --kind, --since and others: nobody to ask, as standard input is not a terminal: confirm with --yes");
    assert_snapshot!(refused(&["replay", "--consumer", "forward"]), @"aifi-push: nothing is selected, which means all: name ids, or use --kind, --since and others: nobody to ask, as standard input is not a terminal: confirm with --yes");
    assert_snapshot!(refused(&["consumers", "remove", "forward"]), @"aifi-push: nobody to ask, as standard input is not a terminal: confirm with --yes");
    assert_snapshot!(refused(&["discard", "00000000-0000-0000-0000-000000000000", "--reason", " "]), @"aifi-push: --reason: expected some text");
}
