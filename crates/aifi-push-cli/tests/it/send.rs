//! `aifi-push send`

use insta::assert_snapshot;
use serde_json::Value;

use crate::{directory, documented, printed, serving::serve, write};

/// The text with times and names of files of this run replaced.
fn settled(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        if word.starts_with("aifi-push-failed-") {
            let rest = word.find(".ndjson").unwrap();
            format!("FAILED{}", &word[rest..])
        } else if word.parse::<f64>().is_ok() && word.contains('.') {
            "0.0".to_owned()
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn failed_file(text: &str) -> String {
    let word = text
        .split_whitespace()
        .find(|word| word.starts_with("aifi-push-failed-"));
    word.unwrap().trim_end_matches(':').to_owned()
}

#[test]
fn many_are_sent_byte_for_byte() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    let url = serving.url().to_owned();
    let lines: Vec<String> = (0..300)
        .map(|store| {
            documented().replace(
                r#""storeId":0,"timeOf"#,
                &format!(r#""storeId":{store},"timeOf"#),
            )
        })
        .collect();
    write(&directory, "many.ndjson", lines.join("\n"));
    let text = printed(
        &directory,
        &["send", "many.ndjson", "--url", &url, "--concurrency", "16"],
        0,
    );
    assert_snapshot!(settled(&text), @"sent 300 of 300 in 0.0 s");

    // An event over several lines.
    let event: Value = serde_json::from_str(documented()).unwrap();
    let pretty = serde_json::to_string_pretty(&event).unwrap();
    write(&directory, "pretty.json", &pretty);
    printed(&directory, &["send", "pretty.json", "--url", &url], 0);
    let listed = printed(
        &directory,
        &["inbox", "list", "--limit", "1000", "--json"],
        0,
    );
    let entries: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 301);
    let id = entries[300]["id"].as_str().unwrap();
    assert_eq!(
        printed(&directory, &["inbox", "show", id, "--body"], 0),
        pretty
    );
}

#[test]
fn what_fails_is_kept_and_can_be_sent_again() {
    let directory = directory();
    write(
        &directory,
        "many.ndjson",
        format!("{}\n{{}}\n\n{}\n", documented(), documented()),
    );
    // Nobody listens there yet.
    let nowhere = "http://127.0.0.1:9/webhook";
    let text = printed(
        &directory,
        &["send", "many.ndjson", "--url", nowhere, "--retries", "0"],
        1,
    );
    let file = failed_file(&text);
    assert_snapshot!(settled(&text), @"
    sent 0 of 3 in 0.0 s
    many.ndjson:1: could not connect to http://127.0.0.1:9: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
    many.ndjson:2: not sent, as it fails to decode: `sessionId` at line 1, column 2: this field is missing
    many.ndjson:4: could not connect to http://127.0.0.1:9: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
    failures are in FAILED.ndjson: send them again with `aifi-push send FAILED.ndjson`
    ");
    let serving = serve(&directory, &[]);
    let text = printed(&directory, &["send", &file, "--url", serving.url()], 1);
    assert!(text.starts_with("sent 2 of 3 in "), "{text}");
    let listed = printed(&directory, &["inbox", "list", "--json"], 0);
    assert_eq!(listed.lines().count(), 2);
}

#[test]
fn what_can_t_be_sent_is_said_at_once() {
    let directory = directory();
    let url = "http://127.0.0.1:9";
    write(&directory, "empty", "");
    let failed = |arguments: &[&str]| printed(&directory, &[&["send"], arguments].concat(), 1);
    assert_snapshot!(failed(&["none", "--url", url]), @"aifi-push: none: No such file or directory (os error 2)");
    assert_snapshot!(failed(&["empty", "--url", url]), @"aifi-push: no event found");
    assert_snapshot!(failed(&["empty", "--url", "127.0.0.1"]), @"aifi-push: base_url: invalid URL: expected scheme and host, as in https://retailer.example/hooks: relative URL without a base");
    assert_snapshot!(failed(&["empty", "--url", url, "--failures", "empty"]), @"aifi-push: empty: this file exists and may contain earlier failures: choose another with --failures");
    assert_snapshot!(failed(&["empty", "--url", url, "--token-file", "empty"]), @"aifi-push: empty: no token found: write one on each line");
}
