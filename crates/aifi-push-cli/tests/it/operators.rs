//! What operators do with `aifi-push inbox`, and what is remembered of it.

use std::fs;

use aifi_push_testkit::http;
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    aifi_push_in, directory, documented, printed,
    serving::serve,
    target::{Answer, Target},
    wait_until, write,
};

fn json(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn send(directory: &TempDir, url: &str, stores: impl IntoIterator<Item = u32>) {
    let events = stores.into_iter().map(|store| {
        let store = format!(r#""storeId":{store},"timeOf"#);
        documented().replace(r#""storeId":0,"timeOf"#, &store) + "\n"
    });
    write(directory, "events.ndjson", events.collect::<String>());
    printed(directory, &["send", "events.ndjson", "--url", url], 0);
}

#[test]
fn the_newest_events_are_listed_first() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    send(&directory, serving.url(), 1..=4);
    let stores = |arguments: &[&str]| {
        let arguments = [&["inbox", "list", "--json"], arguments].concat();
        let listed = json(&printed(&directory, &arguments, 0));
        let stores = listed.iter().map(|entry| entry["store"].as_i64().unwrap());
        stores.collect::<Vec<_>>()
    };
    assert_eq!(stores(&[]), [4, 3, 2, 1]);
    assert_eq!(stores(&["--last", "2"]), [4, 3]);
    assert_eq!(stores(&["--last", "1", "--store", "2"]), [2]);
    let today = chrono::Utc::now().date_naive().to_string();
    assert_eq!(stores(&["--since", &today]), [4, 3, 2, 1]);
    assert_eq!(stores(&["--since", "2999-11-26"]), [0; 0]);
    assert_eq!(stores(&["--until", "2026-11-24"]), [0; 0]);
    // In the order of arrival, from the oldest on.
    assert_eq!(stores(&["--limit", "3"]), [1, 2, 3]);
    let list = |arguments: &[&str]| {
        let text = printed(&directory, &[&["inbox", "list"], arguments].concat(), 0);
        text.lines().last().unwrap().to_owned()
    };
    assert_eq!(
        list(&["--last", "3"]),
        "there are more: raise --last, or set --until"
    );
    assert_eq!(
        list(&["--limit", "3"]),
        "there are more: raise --limit, or set --since"
    );
    assert!(!list(&["--last", "4"]).contains("there are more"));
    let both = ["inbox", "list", "--limit", "3", "--last", "3"];
    aifi_push_in(&directory, &both).assert().code(2);
}

/// A consumer is paused and resumed beside a `serve` that runs it, on an inbox of any kind.
pub(crate) fn consumers_are_paused(directory: &TempDir, url: &str, serve_more: &[&str]) {
    let inbox = |arguments: &[&str]| {
        printed(
            directory,
            &[&["inbox", "--inbox", url], arguments].concat(),
            0,
        )
    };
    let target = Target::start(|_| Answer::status(200));
    let forward = [
        "--inbox",
        url,
        "--forward",
        &target.url(),
        "--forward-no-token",
    ];
    let arguments = [&forward, serve_more].concat();
    let serving = serve(directory, &arguments);
    send(directory, serving.url(), [1]);
    wait_until(|| target.calls().len() == 1);
    let pending = || json(&inbox(&["consumers", "--json"]))[0]["pending"].as_u64();
    wait_until(|| pending() == Some(0));
    let paused = inbox(&["consumers", "pause", "forward"]);
    assert_eq!(paused, "paused consumer forward, with 0 pending events\n");
    send(directory, serving.url(), [2]);
    serving.terminate().unwrap();
    // Also after a restart.
    let mut serving = serve(directory, &arguments);
    serving.wait_for_log("consumer is paused").unwrap();
    send(directory, serving.url(), [3]);
    let consumer = &json(&inbox(&["consumers", "--json"]))[0];
    assert_eq!(consumer["paused"], true);
    assert_eq!(consumer["pending"], 2);
    assert!(
        inbox(&["consumers"])
            .lines()
            .nth(1)
            .unwrap()
            .ends_with(" yes")
    );
    assert_eq!(target.calls().len(), 1);
    let resumed = inbox(&["consumers", "resume", "forward"]);
    assert_eq!(resumed, "resumed consumer forward, with 2 pending events\n");
    wait_until(|| target.calls().len() == 3);
    let actions = json(&inbox(&["audit", "--json"]));
    let actions: Vec<_> = actions
        .iter()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["target"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(actions, [("resume", "forward"), ("pause", "forward")]);
}

#[test]
fn consumers_of_a_file_are_paused() {
    consumers_are_paused(&directory(), "sqlite:events.db", &[]);
}

#[test]
fn what_changes_an_inbox_is_in_the_audit() {
    let directory = directory();
    let target = Target::start(|_| Answer::status(200));
    let forward = ["--forward", &target.url(), "--forward-no-token"];
    let serving = serve(&directory, &forward);
    send(&directory, serving.url(), 1..=3);
    let posted = serving.exchange(&http::post(br#"{"storeId": 3}"#)).unwrap();
    assert_eq!(posted.status, 422);
    wait_until(|| target.calls().len() == 3);
    let inbox =
        |arguments: &[&str], code| printed(&directory, &[&["inbox"], arguments].concat(), code);
    let done = || {
        inbox(&["list", "--json", "--state", "done"], 0)
            .lines()
            .count()
    };
    wait_until(|| done() == 3);
    let listed = json(&inbox(&["list", "--json", "--limit", "9"], 0));
    let ids = listed.iter().map(|entry| entry["id"].as_str().unwrap());
    let ids: Vec<_> = ids.collect();

    inbox(&["requeue", "--kind", "left", "--since", "2026-11-24"], 1);
    inbox(&["requeue", ids[0]], 0);
    inbox(&["requeue", ids[0], ids[1], ids[2], ids[3]], 1);
    inbox(&["replay", "--consumer", "forward", "--store", "2"], 0);
    wait_until(|| target.calls().len() == 4 && done() == 3);
    inbox(&["discard", ids[3], "--reason", " a test\tof the till "], 0);
    inbox(&["erase", "--store", "1", "--yes"], 0);
    inbox(&["prune", "--older-than", "90d"], 0);
    inbox(&["consumers", "remove", "forward", "--yes"], 0);
    // What changes nothing is not recorded.
    inbox(&["prune", "--older-than", "0s", "--dry-run"], 0);
    inbox(&["erase", "--store", "2", "--dry-run"], 0);
    inbox(&["erase", "--store", "2"], 1);
    inbox(&["discard", ids[3], "--reason", "again"], 1);

    let audit = json(&inbox(&["audit", "--json"], 0));
    let user = whoami::username().unwrap();
    assert!(
        audit
            .iter()
            .all(|entry| entry["actor"] == format!("cli:{user}"))
    );
    let numbers: Vec<_> = audit.iter().map(|entry| entry["number"].as_u64()).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
    let shown: Vec<_> = audit
        .iter()
        .map(|entry| {
            let (action, target) = (&entry["action"], &entry["target"]);
            format!("{action} {target} {} {}", entry["count"], entry["reason"])
        })
        .collect();
    let mut shown = shown.join("\n");
    for (number, id) in ids.iter().enumerate() {
        shown = shown.replace(id, &format!("ID-{number}"));
    }
    assert_snapshot!(shown, @r#"
    "remove" "forward" 0 null
    "prune" "--older-than 90d" 0 null
    "erase" "--store" 1 null
    "discard" "ID-3" 1 "a test\tof the till"
    "replay" "forward: --store *" 1 null
    "requeue" "ID-0 ID-1 ID-2 and 1 more" 0 null
    "requeue" "ID-0" 0 null
    "requeue" "--since 2026-11-24T00:00:00Z --kind left" 0 null
    "#);
    let last = inbox(&["audit", "--last", "2"], 0);
    assert_eq!(last.lines().count(), 3, "{last}");
    let reasons = inbox(&["audit"], 0);
    assert!(reasons.contains(r"a test\tof the till"), "{reasons}");

    // Looking at it writes nothing.
    serving.terminate().unwrap();
    let files = || {
        let files = fs::read_dir(directory.path()).unwrap();
        let mut files: Vec<_> = files
            .map(|file| {
                let file = file.unwrap();
                (file.file_name(), fs::read(file.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    };
    let before = files();
    assert_eq!(inbox(&["audit", "--json"], 0).lines().count(), audit.len());
    assert!(before == files());
}

#[test]
fn problems_are_solved_by_cause() {
    let directory = directory();
    let target = Target::start(|_| Answer::status(410));
    let forward = ["--forward", &target.url(), "--forward-no-token"];
    let serving = serve(&directory, &forward);
    send(&directory, serving.url(), 1..=2);
    for body in [r#"{"storeId": 3}"#, r#"{"storeId": 30}"#, "{"] {
        assert_eq!(
            serving
                .exchange(&http::post(body.as_bytes()))
                .unwrap()
                .status,
            422
        );
    }
    let inbox =
        |arguments: &[&str], code| printed(&directory, &[&["inbox"], arguments].concat(), code);
    let problems = || json(&inbox(&["problems", "--json"], 0));
    wait_until(|| {
        problems()
            .iter()
            .any(|it| it["state"] == "dead" && it["count"] == 2)
    });
    serving.terminate().unwrap();
    let shown: Vec<_> = problems()
        .iter()
        .map(|it| {
            format!(
                "{} {} {} {}",
                it["count"], it["state"], it["consumer"], it["cause"]
            )
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    2 "quarantined" null "sessionId: this field is missing"
    2 "dead" "forward" "the server rejected the call: 410 Gone"
    1 "quarantined" null "EOF while parsing an object"
    "#);
    let table = inbox(&["problems"], 0);
    assert_eq!(table.lines().count(), 4, "{table}");
    let cause = |state: &str| {
        let found = problems().into_iter().find(|it| it["state"] == state);
        found.unwrap()["cause"].as_str().unwrap().to_owned()
    };
    let (quarantined, dead) = (cause("quarantined"), cause("dead"));
    let of_forward = ["--cause", &dead, "--consumer", "forward"];
    let requeue = |more: &[&str], code| inbox(&[&["requeue"], more].concat(), code);
    assert_snapshot!(requeue(&["--cause", &quarantined], 1), @"0 events requeued; 2 still fail to decode");
    assert_snapshot!(requeue(&of_forward, 0), @"2 events requeued; 0 still fail to decode");
    assert_snapshot!(requeue(&["--cause", &dead, "--since", "1h"], 1), @"aifi-push: --cause selects by itself: leave out --kind, --since, --rate and others");
    let discard = ["discard", "--reason", "a test", "--cause", &quarantined];
    assert_snapshot!(inbox(&discard, 1), @"aifi-push: nobody to ask, as standard input is not a terminal: confirm with --yes");
    assert_snapshot!(inbox(&[&discard[..], &["--yes"]].concat(), 0), @"discarded 2 events: a test");
    assert_eq!(problems().len(), 1);
    let audit = json(&inbox(&["audit", "--json", "--last", "1"], 0));
    assert_eq!(audit[0]["target"], format!("quarantined: {quarantined}"));
    assert_eq!(
        (&audit[0]["count"], &audit[0]["reason"]),
        (&2.into(), &"a test".into())
    );
}
