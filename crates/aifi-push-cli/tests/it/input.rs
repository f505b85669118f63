//! What `send` and `check` read, and what becomes of it.

use std::{ffi::OsStr, io::Write};

use aifi_push_testkit::http::TOKEN;
use flate2::{Compression, write::GzEncoder};
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::{aifi_push_in, directory, documented, printed, serving::serve, write};

/// The documented event of another store, with more digits than a number of most languages has.
fn event(store: u32) -> String {
    documented()
        .replace(
            r#""storeId":0,"timeOf"#,
            &format!(r#""storeId":{store},"timeOf"#),
        )
        .replacen('{', r#"{"exact":1.00000000000000000000001,"#, 1)
}

fn pretty(event: &str) -> String {
    let event: Value = serde_json::from_str(event).unwrap();
    format!("{event:#}")
}

/// The bodies in the inbox, in the order of arrival.
fn stored(directory: &TempDir) -> Vec<String> {
    let listed = printed(directory, &["inbox", "list", "--json", "--limit", "100"], 0);
    let ids = listed.lines().map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        entry["id"].as_str().unwrap().to_owned()
    });
    ids.map(|id| printed(directory, &["inbox", "show", &id, "--body"], 0))
        .collect()
}

fn summary(text: &str) -> &str {
    text.split(" in ").next().unwrap()
}

#[test]
fn events_follow_each_other_in_many_ways() {
    let events = [event(1), event(2), event(3)];
    let [a, b, c] = &events;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(format!("{a}\n{b}\n").as_bytes()).unwrap();
    let mut members = gzip.finish().unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(c.as_bytes()).unwrap();
    members.extend(gzip.finish().unwrap());
    let forms: [(&str, Vec<u8>); 9] = [
        ("lines", format!("{a}\n{b}\n{c}\n").into()),
        ("crlf", format!("\r\n{a}\r\n\r\n{b}\r\n{c}").into()),
        ("bom", format!("\u{feff}{a}\n\u{feff}{b}\n{c}").into()),
        ("glued", format!("{a}{b}{c}").into()),
        ("list", format!("[{a},{b},{c}]").into()),
        ("lists", format!("[\n  {a}\n  ,\n{b}\n]\n[]\n[{c}]").into()),
        (
            "records",
            format!("\u{1e}{a}\n\u{1e}{b}\n\u{1e}{c}\n").into(),
        ),
        ("mixed", format!("{a} [{b}]\u{1e}\n{c}").into()),
        ("gzip", members),
    ];
    let directory = directory();
    let serving = serve(&directory, &[]);
    let mut sent = Vec::new();
    for (form, bytes) in &forms {
        write(&directory, form, bytes);
        assert_eq!(
            printed(&directory, &["check", form], 0),
            "3 checked, 0 wrong\n",
            "{form}"
        );
        let text = printed(&directory, &["send", form, "--url", serving.url()], 0);
        assert_eq!(summary(&text), "sent 3 of 3", "{form}");
        sent.extend(events.clone());
    }
    let pretty: Vec<_> = events.iter().map(|event| pretty(event)).collect();
    write(&directory, "pretty", pretty.join("\n") + &pretty.join(""));
    let text = printed(&directory, &["send", "pretty", "--url", serving.url()], 0);
    assert_eq!(summary(&text), "sent 6 of 6");
    sent.extend(pretty.clone());
    sent.extend(pretty);
    assert!(stored(&directory) == sent, "bodies keep their bytes");
}

#[test]
fn a_bad_line_costs_one_line() {
    let (a, b) = (event(1), event(2));
    let cut = &a[..200];
    for bad in [
        cut,
        "# exported 2026-11-24",
        "[INFO] exported",
        "2026-11-24T10:00:00Z {}",
        "null",
        &format!("INFO {b}"),
        &format!("{a} and more"),
        "{}",
    ] {
        for lines in [[bad, &a, &b], [&a, bad, &b], [&a, &b, bad]] {
            let directory = directory();
            let serving = serve(&directory, &[]);
            write(&directory, "lines", lines.join("\n"));
            let checked = printed(&directory, &["check", "lines"], 1);
            assert!(checked.ends_with("\n3 checked, 1 wrong\n"), "{checked}");
            let send = ["send", "--url", serving.url(), "--failures", "failures"];
            let text = printed(&directory, &[&send[..], &["lines"]].concat(), 1);
            assert_eq!(summary(&text), "sent 2 of 3", "{text}");
            assert_eq!(stored(&directory), [a.as_str(), &b]);
            let failures = directory.path().join("failures");
            let failed = std::fs::read_to_string(&failures).unwrap();
            assert_eq!(failed, format!("{bad}\n"));
        }
    }
}

/// An array over several lines has its own places.
#[test]
fn places_are_those_of_the_file() {
    let directory = directory();
    let bad = r#"{"sessionId": 7}"#;
    write(
        &directory,
        "list",
        format!("[{},\n  {bad}, {bad},\n17]\n", documented()),
    );
    assert_snapshot!(printed(&directory, &["check", "list"], 1), @"
    list:2:17: sessionId: expected a string, found an integer
    list:2:35: sessionId: expected a string, found an integer
    list:3:2: the body as a whole: expected an object, found an integer
    4 checked, 3 wrong
    ");
    write(&directory, "cut", format!("\n[{},\n", documented()));
    assert_snapshot!(printed(&directory, &["check", "cut"], 1), @"aifi-push: cut:2: the list that begins here does not end: events may be missing");
    write(&directory, "cut.gz", b"\x1f\x8b\x08\x00");
    assert_snapshot!(printed(&directory, &["check", "cut.gz", "none", "list"], 1), @"
    aifi-push: cut.gz:1: reading on failed: unexpected end of file
    aifi-push: none: No such file or directory (os error 2)
    ");
    write(&directory, "utf-16", b"\xff\xfe{\x00}\x00");
    assert_snapshot!(printed(&directory, &["check", "utf-16"], 1), @"aifi-push: utf-16: this is UTF-16: convert it to UTF-8");
}

#[test]
fn files_that_can_t_be_read_cost_no_others() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    write(&directory, "event", documented());
    let arguments = ["send", "none", "event", ".", "--url", serving.url()];
    let mut command = aifi_push_in(&directory, &arguments);
    let assert = command.env("AIFI_PUSH_TOKEN", TOKEN).assert().code(1);
    let output = assert.get_output();
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(summary(&out), "sent 1 of 1");
    assert_snapshot!(String::from_utf8_lossy(&output.stderr), @"
    aifi-push: none: No such file or directory (os error 2)
    aifi-push: .: Is a directory (os error 21)
    ");
    assert_eq!(stored(&directory).len(), 1);
}

#[cfg(unix)]
#[test]
fn names_of_files_are_bytes() {
    use std::os::unix::ffi::OsStrExt;

    let directory = directory();
    let name = OsStr::from_bytes(b"\x1b[31mcaf\xe9\n.json");
    std::fs::write(directory.path().join(name), "{}").unwrap();
    let mut command = aifi_push_in(&directory, &["check"]);
    let assert = command.arg(name).assert().code(1);
    assert_snapshot!(String::from_utf8_lossy(&assert.get_output().stdout), @r"
    \u{1b}[31mcaf\xe9\n.json:1:2: sessionId: this field is missing
    1 checked, 1 wrong
    ");

    let serving = serve(&directory, &[]);
    let mut command = aifi_push_in(&directory, &["send", "--url", serving.url(), "--failures"]);
    command.arg(OsStr::from_bytes(b"failed\xff")).arg(name);
    let assert = command.env("AIFI_PUSH_TOKEN", TOKEN).assert().code(1);
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert_snapshot!(text.replace(&text[..text.find(" s\n").unwrap()], "sent 0 of 1 in 0.0"), @r"
    sent 0 of 1 in 0.0 s
    \u{1b}[31mcaf\xe9\n.json:1: not sent, as it fails to decode: `sessionId` at line 1, column 2: this field is missing
    failures are in failed\xff: send them again with `aifi-push send failed\xff`
    ");
}
