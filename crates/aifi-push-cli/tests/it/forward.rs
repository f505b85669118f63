//! `aifi-push serve --forward`: from one receiver to another.

use aifi_push_testkit::http::TOKEN;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    directory, documented, printed,
    serving::{serve, serve_with},
    write,
};

fn listed(directory: &TempDir) -> Vec<Value> {
    let text = printed(directory, &["inbox", "list", "--json"], 0);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Waits until a condition is true.
fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

#[test]
fn each_event_is_delivered_byte_for_byte() {
    let (near, far) = (directory(), directory());
    let target = serve(&far, &[]);
    let url = target.url().to_owned();
    let variables = [("AIFI_PUSH_FORWARD_TOKEN", TOKEN)];
    let serving = serve_with(&near, &["--forward", &url], &variables);
    write(&near, "event.json", documented());
    printed(
        &near,
        &["send", "event.json", "event.json", "--url", serving.url()],
        0,
    );
    wait_until(|| listed(&far).len() == 2);
    wait_until(|| listed(&near).iter().all(|entry| entry["state"] == "done"));
    assert_eq!(listed(&near)[0]["sha256"], listed(&far)[0]["sha256"]);

    // What is done can be replayed, and a dry run does nothing.
    let replay = ["inbox", "replay", "--consumer", "forward", "--rate", "1000"];
    let dry = printed(&near, &[&replay[..], &["--dry-run"]].concat(), 0);
    assert!(dry.starts_with("2 events selected"), "{dry}");
    let text = printed(&near, &replay, 0);
    assert_eq!(text, "2 of 2 events are replayed to forward\n");
    wait_until(|| listed(&far).len() == 4);
    let unknown = printed(&near, &["inbox", "replay", "--consumer", "x"], 1);
    assert!(unknown.contains(r#"there are ["forward"]"#), "{unknown}");
}

#[test]
fn what_the_target_refuses_is_redelivered() {
    let (near, far) = (directory(), directory());
    let target = serve(&far, &[]);
    let url = target.url().to_owned();
    write(&near, "token", "wrong");
    let arguments = ["--forward", &url, "--forward-token-file", "token"];
    let serving = serve(&near, &arguments);
    write(&near, "event.json", documented());
    printed(&near, &["send", "event.json", "--url", serving.url()], 0);
    wait_until(|| !listed(&near)[0]["deliveries"][0]["problem"].is_null());
    let problem = listed(&near)[0]["deliveries"][0]["problem"].to_string();
    assert!(
        problem.contains("does not accept the token: 401"),
        "{problem}"
    );
    // The token is read again at each attempt.
    write(&near, "token", TOKEN);
    wait_until(|| listed(&far).len() == 1);
    wait_until(|| listed(&near)[0]["state"] == "done");
}
