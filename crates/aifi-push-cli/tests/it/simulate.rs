//! `simulate` against a real receiver

use aifi_push_testkit::{http::TOKEN, send_signal};
use serde_json::Value;

use crate::{aifi_push_in, directory, printed, serving::serve, write};

/// An hour of a few stores in less than a second.
const FAST: [&str; 8] = [
    "--stores",
    "12",
    "--visits-per-hour",
    "40",
    "--speed",
    "10000x",
    "--start",
    "2026-11-24T10:00:00Z",
];

#[test]
fn everything_that_was_sent_is_in_the_inbox_and_makes_visits() {
    let directory = directory();
    let server = serve(&directory, &["--log", "error"]);
    let arguments = [
        &["simulate", "--url", server.url(), "--for", "1h", "--json"],
        &FAST[..],
    ];
    let tally: Value = serde_json::from_str(&printed(&directory, &arguments.concat(), 0)).unwrap();
    let count = |name: &str| tally[name].as_u64().unwrap();
    assert!((4_500..5_100).contains(&count("events")), "{tally}");
    assert_eq!(count("visits"), 12 * 40);
    assert_eq!(count("stored") + count("quarantined"), count("events"));
    assert!(count("quarantined") > 0, "{tally}");
    assert_eq!(tally["kinds"].as_object().unwrap().len(), 13, "{tally}");
    let stats = printed(&directory, &["inbox", "stats", "--json"], 0);
    let stats: Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["events"].as_u64(), Some(count("events")), "{stats}");
    assert_eq!(
        stats["quarantined"].as_u64(),
        Some(count("quarantined")),
        "{stats}"
    );
    let visits = ["inbox", "visits", "--json", "--last", "1000"];
    let visits = printed(&directory, &visits, 0);
    let with_order = |line: &&str| {
        let visit: Value = serde_json::from_str(line).unwrap();
        let orders = visit["orders"].as_array().unwrap();
        visit["entered_at"].is_string() && visit["exited_at"].is_string() && !orders.is_empty()
    };
    let whole = visits.lines().filter(with_order).count();
    assert!(whole > 200, "{whole} whole visits");
}

#[test]
fn the_same_seed_prints_the_same_bodies_which_send_can_read() {
    let directory = directory();
    let print = |arguments: &[&str]| {
        let all = [
            &["simulate", "--print", "--for", "30m"],
            &FAST[..],
            arguments,
        ];
        printed(&directory, &all.concat(), 0)
    };
    let bodies = print(&["--seed", "7"]);
    assert!(bodies.lines().count() > 1000);
    assert_eq!(bodies, print(&["--seed", "7"]));
    assert_ne!(bodies, print(&["--seed", "8"]));
    let left = print(&["--kind", "left"]);
    write(&directory, "left.ndjson", left);
    let server = serve(&directory, &[]);
    let send = ["send", "--url", server.url(), "left.ndjson"];
    printed(&directory, &send, 0);
}

#[test]
fn failures_are_counted_and_do_not_end_it() {
    let directory = directory();
    let server = serve(&directory, &["--max-body", "900"]);
    let arguments = [
        &["simulate", "--url", server.url(), "--for", "1m", "--json"],
        &FAST[..],
    ];
    let mut command = aifi_push_in(&directory, &arguments.concat());
    let assert = command.env("AIFI_PUSH_TOKEN", TOKEN).assert().code(1);
    let tally: Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
    let failed = tally["failures"]["status 413"].as_u64();
    assert_eq!(failed, tally["failed"].as_u64(), "{tally}");
    assert!(
        failed > Some(0) && tally["stored"].as_u64() > Some(0),
        "{tally}"
    );
    let mut command = aifi_push_in(&directory, &arguments.concat());
    let assert = command.env("AIFI_PUSH_TOKEN", "wrong").assert().code(1);
    let tally: Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
    assert_eq!(tally["failures"]["status 401"], tally["events"]);
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_it_with_a_summary() {
    use std::process::{Command, Stdio};

    let directory = directory();
    let server = serve(&directory, &["--log", "error"]);
    let child = Command::new(assert_cmd::cargo_bin!("aifi-push"))
        .current_dir(directory.path())
        .args(["simulate", "--url", server.url(), "--speed", "60"])
        .env("AIFI_PUSH_TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    crate::wait_until(|| {
        let metrics = server.get("/metrics").unwrap();
        let metrics = metrics.body;
        let stored = "aifi_push_received_total{";
        metrics
            .lines()
            .any(|line| line.starts_with(stored) && !line.ends_with(" 0"))
    });
    send_signal(child.id(), "INT").unwrap();
    let output = child.wait_with_output().unwrap();
    let summary = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{summary}");
    assert!(
        summary.contains(" to 10 stores") && summary.contains("failed       0"),
        "{summary}"
    );
}
