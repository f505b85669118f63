//! The command line at a terminal.

use std::io::Write;

use aifi_push_testkit::{http, send_signal};
use insta::assert_snapshot;

use crate::{
    at_terminal::AtTerminal, directory, documented, fake_receiver::FakeReceiver, printed,
    serving::serve,
};

#[test]
fn it_says_that_it_reads_standard_input() {
    let directory = directory();
    let note = "reading events from standard input: end with Ctrl-D\r\n";
    let mut checking = AtTerminal::start(&directory, &["check"]);
    checking.wait_for(note);
    // Ctrl-D at the start of a line.
    checking.screen.write_all(b"{}\n\x04").unwrap();
    checking.wait_for("1 checked, 1 wrong\r\n");

    let target = FakeReceiver::start(&[]);
    let mut sending = AtTerminal::start(&directory, &["send", "--url", &target.url]);
    sending.wait_for(note);
    send_signal(sending.child.id(), "INT").unwrap();
    sending.wait_for("interrupted before an event was read\r\n");
    assert_eq!(sending.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_raw_body_is_escaped_there() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    let body = format!("{}\u{9b}", documented());
    let posted = serving.exchange(&http::post(body.as_bytes())).unwrap();
    assert_eq!(posted.status, 422);
    let listed = printed(&directory, &["inbox", "list", "--json"], 0);
    let id = &listed[listed.find("\"id\":\"").unwrap() + 6..][..36];
    let mut showing = AtTerminal::start(&directory, &["inbox", "show", "--body", id]);
    let shown = showing.wait_for("}\\u{9b}");
    assert_eq!(shown.trim_end_matches("\\u{9b}"), documented());
}

/// Replaces ids and times by others of the same length.
fn without_ids_and_times(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive([' ', '\n', '\u{1b}']) {
        let text = word.trim_end_matches([' ', '\n', '\u{1b}']);
        let is_id = text.len() == 36 && text.matches('-').count() == 4;
        let is_time = text.len() == 24 && text.ends_with('Z') && text.contains('T');
        match (is_id, is_time) {
            (true, _) => out.push_str("01a219ca-e7b3-7753-b076-4f9ad448d015"),
            (_, true) => out.push_str("2026-11-26T21:37:37.716Z"),
            _ => out.push_str(text),
        }
        out.push_str(&word[text.len()..]);
    }
    out
}

#[test]
fn lists_fit_into_the_terminal() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    let posted = |body: &[u8]| serving.exchange(&http::post(body)).unwrap().status;
    assert_eq!(posted(documented().as_bytes()), 201);
    assert_eq!(posted(br#"{"storeId": 7}"#), 422);
    let list = |columns, is_colored| {
        let listing = AtTerminal::start_with(&directory, &["inbox", "list"], columns, is_colored);
        without_ids_and_times(&listing.read())
    };
    let narrow = list(80, false);
    assert!(narrow.lines().all(|line| line.chars().count() <= 80));
    assert_snapshot!(narrow, @"
    ARRIVED                   KIND  STORE  STATE        BYTES
    2026-11-26T21:37:37.716Z  left  7      quarantined  14
       01a219ca-e7b3-7753-b076-4f9ad448d015  `sessionId` at line 1, column 14: this
       field is missing
    2026-11-26T21:37:37.716Z  left  0      pending      1406
       01a219ca-e7b3-7753-b076-4f9ad448d015
    ");
    assert_snapshot!(list(200, false), @"
    ID                                    ARRIVED                   KIND  STORE  STATE        BYTES  PROBLEM
    01a219ca-e7b3-7753-b076-4f9ad448d015  2026-11-26T21:37:37.716Z  left  7      quarantined  14     `sessionId` at line 1, column 14: this field is missing
    01a219ca-e7b3-7753-b076-4f9ad448d015  2026-11-26T21:37:37.716Z  left  0      pending      1406
    ");
    // In color, which takes no room.
    let colored = list(80, true);
    assert_snapshot!(colored.replace('\u{1b}', "^"), @"
    ARRIVED                   KIND  STORE  STATE        BYTES
    2026-11-26T21:37:37.716Z  left  7      ^[33mquarantined^[0m  14
       01a219ca-e7b3-7753-b076-4f9ad448d015  `sessionId` at line 1, column 14: this
       field is missing
    2026-11-26T21:37:37.716Z  left  0      ^[36mpending^[0m      1406
       01a219ca-e7b3-7753-b076-4f9ad448d015
    ");
    // A terminal that does not know its width.
    assert_eq!(list(0, false), narrow);
    // Into a pipe there is one line for each event, without colors.
    let piped = printed(&directory, &["inbox", "list"], 0);
    assert_eq!(piped.lines().count(), 3);
    assert!(!piped.contains('\u{1b}'));

    let id = piped
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let reason = "somebody tested the till before the store opened, with a card that is not ours";
    printed(&directory, &["inbox", "discard", id, "--reason", reason], 0);
    let audit = AtTerminal::start_with(&directory, &["inbox", "audit"], 80, false).read();
    assert!(
        audit.lines().all(|line| line.chars().count() <= 80),
        "{audit}"
    );
    let audit = audit.replace(&whoami::username().unwrap(), "root");
    assert_snapshot!(without_ids_and_times(&audit), @"
    AT                        ACTOR     ACTION   EVENTS
    2026-11-26T21:37:37.716Z  cli:root  discard  1
       01a219ca-e7b3-7753-b076-4f9ad448d015  somebody tested the till before the
       store opened, with a card that is not ours
    ");
}
