//! Nothing that a sender wrote moves a terminal, forges a line or hides a part of one.

use aifi_push_testkit::http;
use base64::{Engine, prelude::BASE64_STANDARD};
use insta::assert_snapshot;
use serde_json::Value;

use crate::{
    aifi_push_in, directory, documented, fake_receiver::FakeReceiver, printed, serving::serve,
    write,
};

/// What no terminal is to get, as it is within JSON.
const NASTY: &str = "\u{9b}31m\u{202e}\u{200b}\u{7f}\u{2066}";

/// The same with what JSON escapes.
const ESCAPED: &str = "\\u001b[2J\\n\\r";

fn nasty_event() -> String {
    let nasty = format!("\"x{NASTY}{ESCAPED}\"");
    documented()
        .replacen(
            r#""shopperId":"string""#,
            &format!(r#""shopperId":{nasty}"#),
            1,
        )
        .replacen('{', &format!("{{{nasty}:{nasty},"), 1)
}

fn assert_tame(text: &str) {
    let is_wild = |c: char| {
        (c.is_control() && c != '\n')
            || "\u{61c}\u{200b}\u{200e}\u{202e}\u{2066}\u{feff}".contains(c)
    };
    assert!(!text.contains(is_wild), "{text:?}");
}

#[test]
fn events_are_shown_escaped() {
    let directory = directory();
    let serving = serve(&directory, &["--log", "debug"]);
    let posted = |body: &[u8]| serving.exchange(&http::post(body)).unwrap().status;
    assert_eq!(posted(nasty_event().as_bytes()), 201);
    let key = format!("\"{NASTY}{ESCAPED}\"");
    let quarantined =
        format!(r#"{{"session":{{"metadata":{{{key}:1}},"visitors":{key}}},"a":"{NASTY}"}}"#);
    assert_eq!(posted(quarantined.as_bytes()), 422);
    assert_eq!(posted(b"{\"not UTF-8\": \"\xe9\x1b\"}"), 422);

    let ids: Vec<String> = printed(
        &directory,
        &["inbox", "list", "--json", "--limit", "100"],
        0,
    )
    .lines()
    .map(|line| {
        serde_json::from_str::<Value>(line).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    })
    .collect();
    let listed = printed(&directory, &["inbox", "list"], 0);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert_tame(&listed);
    assert_tame(&printed(&directory, &["inbox", "requeue"], 1));
    for (id, body) in ids.iter().zip([nasty_event(), quarantined]) {
        let shown = printed(&directory, &["inbox", "show", id], 0);
        assert!(shown.contains(r"\u{202e}"), "{shown}");
        assert_tame(&shown);
        let json = printed(&directory, &["inbox", "show", id, "--json"], 0);
        assert_tame(&json);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["body"], body);
        // To a file or a pipe, bytes are bytes.
        assert_eq!(
            printed(&directory, &["inbox", "show", id, "--body"], 0),
            body
        );
    }
    let json = printed(&directory, &["inbox", "show", &ids[2], "--json"], 0);
    let json: Value = serde_json::from_str(&json).unwrap();
    let body = BASE64_STANDARD.decode(json["body_base64"].as_str().unwrap());
    assert_eq!(body.unwrap(), b"{\"not UTF-8\": \"\xe9\x1b\"}");
    assert_eq!(json.get("body"), None);

    serving.signal("TERM").unwrap();
    assert_tame(&serving.wait().unwrap().1);
}

#[test]
fn check_and_send_escape_what_they_report() {
    let directory = directory();
    let key = format!("{NASTY}{ESCAPED}");
    let event = documented().replacen(r#""events":["#, &format!(r#""{key}":1,"events":["#), 1);
    let event = event.replacen(r#""timeOfIssue":"#, r#""timeOfIssue":7,"x":"#, 1);
    write(&directory, "events", format!("{event}\n{{\"{key}\":\n"));
    let text = printed(&directory, &["check", "events"], 1);
    assert_eq!(text.lines().count(), 3, "{text}");
    assert_tame(&text);
    let text = printed(
        &directory,
        &["send", "events", "--url", "http://127.0.0.1:9"],
        1,
    );
    assert_tame(&text);
}

#[test]
fn a_receiver_is_no_more_trusted_than_a_sender() {
    let directory = directory();
    write(&directory, "events", format!("{0}\n{0}\n", documented()));
    let body = format!(r#"{{"id":"7{NASTY}{ESCAPED}","message":"x"}}"#);
    let quarantined = format!(
        "422 Invalid\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let refused = "400 \u{9b}31m\r\nContent-Length: 3\r\n\r\n\x1b[m";
    let target = FakeReceiver::start(&[&quarantined, refused]);
    let arguments = [
        "send",
        "events",
        "--url",
        &target.url,
        "--failures",
        "failures",
    ];
    let text = printed(&directory, &arguments, 1);
    assert_tame(&text);
    let (before, after) = text.split_once(" in ").unwrap();
    let after = after.split_once(" s").unwrap().1;
    assert_snapshot!(format!("{before} in 0.0 s{after}"), @r"
    sent 1 of 2 in 0.0 s, 1 of them stored but quarantined
    events:1: stored but quarantined under the id 7\u{9b}31m\u{202e}\u{200b}\u{7f}\u{2066}\u{1b}[2J\n\r
    events:2: the server rejected the call: 400 Bad Request
    failures are in failures: send them again with `aifi-push send failures`
    ");
    let failures = std::fs::read_to_string(directory.path().join("failures")).unwrap();
    assert_eq!(failures.lines().count(), 1);
}

/// What is stored needs not be sent again.
#[test]
fn quarantined_events_are_no_failures() {
    let directory = directory();
    write(&directory, "event", documented());
    let body = r#"{"message":"stored","id":"0199b1c2-0000-7000-8000-000000000000"}"#;
    let response = format!(
        "422 Invalid\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let target = FakeReceiver::start(&[&response]);
    let mut command = aifi_push_in(
        &directory,
        &["send", "event", "--url", &target.url, "--no-token"],
    );
    let assert = command.assert().success();
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    let (before, after) = text.split_once(" in ").unwrap();
    let after = after.split_once(" s").unwrap().1;
    assert_snapshot!(format!("{before} in 0.0 s{after}"), @"
    sent 1 of 1 in 0.0 s, 1 of them stored but quarantined
    event:1: stored but quarantined under the id 0199b1c2-0000-7000-8000-000000000000
    ");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}
