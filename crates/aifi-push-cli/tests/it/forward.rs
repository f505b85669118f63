//! `aifi-push serve --forward`: from one receiver to another.

use std::{
    net::TcpListener,
    sync::{
        Arc, Barrier, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::inbox::{Append, Event, MAX_HOPS, NewEvent, SqliteInbox, VIA_HEADER};
use aifi_push_testkit::{ServeProcess, http::TOKEN};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    aifi_push_in, directory, documented, printed,
    serving::{serve, serve_with},
    target::{Answer, Target},
    wait_until, write,
};

/// Starts `serve` with a target that wants no token.
fn forward(directory: &TempDir, url: &str, more: &[&str]) -> ServeProcess {
    let to = ["--forward", url, "--forward-no-token"];
    serve(directory, &[&to, more].concat())
}

/// Sends the documented event so many times.
fn send(directory: &TempDir, serving: &ServeProcess, events: usize) {
    let event = format!("{}\n", documented());
    write(directory, "events.ndjson", event.repeat(events));
    let url = serving.url();
    let send = ["send", "events.ndjson", "--concurrency", "16", "--url", url];
    printed(directory, &send, 0);
}

fn wait_until_all_are(directory: &TempDir, state: &str) {
    wait_until(|| {
        listed(directory)
            .iter()
            .all(|entry| entry["state"] == state)
    });
}

/// What `serve` prints when it refuses to start.
fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--log", "off"];
    let directory = directory();
    let mut command = aifi_push_in(&directory, &[&serve, arguments].concat());
    command
        .env("AIFI_PUSH_TOKEN", TOKEN)
        .envs(variables.iter().copied());
    let assert = command.assert().code(1);
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

fn listed(directory: &TempDir) -> Vec<Value> {
    let list = ["inbox", "list", "--json", "--limit", "1000"];
    let text = printed(directory, &list, 0);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
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
    let replay = [
        "inbox",
        "replay",
        "--consumer",
        "forward",
        "--rate",
        "1000",
        "--yes",
    ];
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

#[test]
fn as_many_as_allowed_are_delivered_at_a_time() {
    const EVENTS: usize = 200;
    let (near, first) = (directory(), Barrier::new(16));
    // The first of them end together, and not before all have come.
    let target = Target::start(move |call| {
        if call.number < 16 {
            first.wait();
        }
        Answer::status(200)
    });
    let serving = forward(&near, &target.url(), &[]);
    send(&near, &serving, EVENTS);
    wait_until_all_are(&near, "done");
    assert_eq!((target.calls().len(), target.most_at_once()), (EVENTS, 16));
}

#[test]
fn a_call_that_hangs_delays_no_other_event() {
    const EVENTS: usize = 50;
    let near = directory();
    let (others, all) = (Mutex::new(0), Condvar::new());
    let target = Target::start(move |call| {
        if call.number == 0 {
            let all = all.wait_while(others.lock().unwrap(), |others| *others < EVENTS - 1);
            drop(all);
        } else {
            *others.lock().unwrap() += 1;
            all.notify_all();
        }
        Answer::status(200)
    });
    let serving = forward(&near, &target.url(), &["--forward-concurrency", "2"]);
    send(&near, &serving, EVENTS);
    wait_until_all_are(&near, "done");
    assert_eq!(target.calls().len(), EVENTS);
}

#[test]
fn a_target_is_left_alone_as_long_as_it_asks() {
    for (retry_after, pause) in [
        ("120", "pause=120s"),
        // An hour is the most.
        ("Tue, 31 Dec 2999 23:59:59 GMT", "pause=3600s"),
    ] {
        let near = directory();
        let busy = Target::start(move |_| {
            let retry_after = format!("Retry-After: {retry_after}\r\n");
            Answer::status(429).headers(&retry_after)
        });
        let other = Target::start(|_| Answer::status(200));
        let named = format!("other={}", other.url());
        let mut serving = forward(&near, &busy.url(), &["--forward", &named]);
        send(&near, &serving, 1);
        let log = serving.wait_for_log("paused").unwrap();
        assert!(
            log.contains(pause) && log.contains("consumer=forward"),
            "{log}"
        );
        // Other events are not delivered to it either, and other targets go on.
        send(&near, &serving, 20);
        wait_until(|| other.calls().len() == 21);
        assert_eq!(busy.calls().len(), 1);
    }
}

#[test]
fn what_no_attempt_can_change_is_dead_at_once() {
    for status in [400, 410, 422] {
        let near = directory();
        let target = Target::start(move |_| Answer::status(status));
        let serving = forward(&near, &target.url(), &[]);
        send(&near, &serving, 3);
        wait_until_all_are(&near, "dead");
        assert_eq!(target.calls().len(), 3);
        let problem = listed(&near)[0]["deliveries"][0]["problem"].to_string();
        assert!(problem.contains(&status.to_string()), "{problem}");
    }
}

#[test]
fn a_target_that_is_down_is_paused_and_probed() {
    const EVENTS: usize = 60;
    let (near, first) = (directory(), Barrier::new(16));
    let target = Target::start(move |call| {
        if call.number < 16 {
            first.wait();
        }
        Answer::status(if call.number < 18 { 503 } else { 200 })
    });
    let mut serving = forward(&near, &target.url(), &[]);
    send(&near, &serving, EVENTS);
    serving.wait_for_log("paused").unwrap();
    serving.wait_for_log("resumed").unwrap();
    wait_until_all_are(&near, "done");
    assert_eq!(target.calls().len(), EVENTS + 18);
}

#[test]
fn attempts_are_limited() {
    let near = directory();
    let target = Target::start(|_| Answer::status(500));
    let serving = forward(&near, &target.url(), &["--forward-attempts", "2"]);
    send(&near, &serving, 1);
    wait_until_all_are(&near, "dead");
    assert_eq!(listed(&near)[0]["deliveries"][0]["attempts"], 2);
}

#[test]
fn a_repeat_has_the_same_id_and_every_delivery_is_signed() {
    let near = directory();
    write(&near, "secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let target = Target::start(|call| Answer::status(if call.number == 0 { 500 } else { 200 }));
    let serving = forward(&near, &target.url(), &["--forward-secret-file", "secret"]);
    send(&near, &serving, 1);
    wait_until_all_are(&near, "done");
    let id = listed(&near)[0]["id"].as_str().unwrap().to_owned();
    let calls = target.calls();
    assert_eq!(calls.len(), 2);
    let key = BASE64_STANDARD
        .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .unwrap();
    for (call, attempt) in calls.iter().zip(1..) {
        assert_eq!(call.header("webhook-id"), id);
        assert_eq!(call.header("webhook-attempt"), attempt.to_string());
        assert_eq!(call.header("aifi-push-via"), id);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{}.", call.header("webhook-timestamp")).as_bytes());
        mac.update(&call.body);
        let signature = call
            .header("webhook-signature")
            .strip_prefix("v1,")
            .unwrap();
        mac.verify_slice(&BASE64_STANDARD.decode(signature).unwrap())
            .unwrap();
    }
    send(&near, &serving, 1);
    wait_until(|| target.calls().len() == 3);
    assert_ne!(target.calls()[2].header("webhook-id"), id);
}

#[test]
fn several_targets_are_consumers_of_their_own() {
    let near = directory();
    let (billing, search) = (
        Target::start(|_| Answer::status(200)),
        Target::start(|_| Answer::status(503)),
    );
    write(&near, "billing-token", "of-billing");
    let arguments = [
        "--forward",
        &format!("billing={}", billing.url()),
        "--forward",
        &format!("search={}", search.url()),
        "--forward-kind",
        "search=left",
        "--forward-token-file",
        "billing=billing-token",
        "--forward-no-token=search",
    ];
    let serving = serve(&near, &arguments);
    send(&near, &serving, 1);
    wait_until(|| !search.calls().is_empty() && !billing.calls().is_empty());
    assert_eq!(
        billing.calls()[0].header("authorization"),
        "Bearer of-billing"
    );
    assert_eq!(search.calls()[0].find("authorization"), None);
    let stats: Value =
        serde_json::from_str(&printed(&near, &["inbox", "stats", "--json"], 0)).unwrap();
    let names = stats["consumers"].as_array().unwrap();
    let names: Vec<_> = names.iter().map(|consumer| &consumer["name"]).collect();
    assert_eq!(names, ["billing", "search"]);
}

#[test]
fn a_url_is_called_as_it_is_written() {
    for (path, called, is_warned) in [
        ("/hook/", "/hook/left", false),
        ("/hook/left", "/hook/left/left", true),
        ("/hook/left/?code=abc", "/hook/left/left?code=abc", true),
        ("/api?code=abc", "/api/left?code=abc", false),
        ("/hook/{kind}/left", "/hook/left/left", false),
        (
            "/hook?kind={kind}&code=abc",
            "/hook?kind=left&code=abc",
            false,
        ),
    ] {
        let near = directory();
        let target = Target::start(|_| Answer::status(200));
        let mut serving = forward(&near, &(target.url() + path), &[]);
        let mut log = serving.wait_for_log("consumer").unwrap();
        send(&near, &serving, 1);
        wait_until(|| !target.calls().is_empty());
        assert_eq!(target.calls()[0].path, called, "{path}");
        assert_eq!(log.contains("the URL ends in /left"), is_warned, "{log}");
        serving.signal("TERM").unwrap();
        log += &serving.wait().unwrap().1;
        // It may be a key.
        assert!(!log.contains("abc"), "{log}");
    }
}

#[test]
fn a_new_target_starts_where_it_is_told_to() {
    let near = directory();
    let serving = serve(&near, &[]);
    send(&near, &serving, 5);
    serving.terminate().unwrap();

    let (all, new) = (
        Target::start(|_| Answer::status(200)),
        Target::start(|_| Answer::status(200)),
    );
    let mut serving = forward(&near, &all.url(), &[]);
    let log = serving.wait_for_log("events ahead").unwrap();
    assert!(
        log.contains("pending=5") && log.contains("start=beginning"),
        "{log}"
    );
    wait_until(|| all.calls().len() == 5);
    serving.terminate().unwrap();

    let named = format!("new={}", new.url());
    let arguments = ["--forward", &named, "--forward-from", "now"];
    let mut serving = forward(&near, &all.url(), &arguments);
    // One that the inbox knows goes on where it was.
    for _ in 0..2 {
        let log = serving.wait_for_log("events ahead").unwrap();
        assert!(log.contains("pending=0"), "{log}");
    }
    send(&near, &serving, 1);
    wait_until(|| new.calls().len() == 1 && all.calls().len() == 6);
}

#[tokio::test]
async fn an_event_that_goes_in_a_circle_ends() {
    let hops = |count: usize| {
        let ids = (0..count).map(|n| format!("00000000-0000-0000-0000-{n:012}"));
        ids.collect::<Vec<_>>().join(",")
    };
    let near = directory();
    {
        let inbox = SqliteInbox::open(near.path().join("events.db"))
            .await
            .unwrap();
        let came_by = |via: String| {
            let headers = [(VIA_HEADER.to_owned(), via)].into();
            NewEvent::accepted(Event::new(&TRANSITION_LEFT, documented()).headers(headers))
        };
        let events = vec![came_by(hops(2)), came_by(hops(MAX_HOPS))];
        inbox.append(events).await.unwrap();
    }
    let target = Target::start(|_| Answer::status(200));
    let _serving = forward(&near, &target.url(), &[]);
    wait_until(|| {
        let listed = listed(&near);
        listed[0]["state"] == "done" && listed[1]["state"] == "dead"
    });
    let listed = listed(&near);
    let id = listed[0]["id"].as_str().unwrap();
    let calls = target.calls();
    assert_eq!(calls[0].header(VIA_HEADER), format!("{},{id}", hops(2)));
    assert_eq!(calls.len(), 1);
    let problem = &listed[1]["deliveries"][0]["problem"];
    assert_eq!(
        problem,
        "it came through 32 receivers: they forward in a circle"
    );
}

#[test]
fn a_target_that_can_not_be_called_is_refused() {
    let none: &[(&str, &str)] = &[];
    assert_snapshot!(refused(&["--forward", "http://u:s3cret@localhost/"], &[("AIFI_PUSH_FORWARD_TOKEN", "x")]), @"aifi-push: --forward forward: base_url: credentials in the URL are not sent: set a bearer token instead");
    assert_snapshot!(refused(&["--forward", "http://localhost/"], none), @"aifi-push: --forward forward: no token: use --forward-token-file FILE, set AIFI_PUSH_FORWARD_TOKEN, or go without by --forward-no-token");
    assert_snapshot!(refused(&["--forward", "http://localhost/", "--forward", "http://localhost/b"], none), @r#"aifi-push: --forward: two targets "forward": give each a name of its own, as in --forward NAME=URL"#);
    assert_snapshot!(refused(&["--forward", "a=http://localhost/", "--forward-no-token=b"], none), @r#"aifi-push: --forward-no-token: no target "b": there are ["a"]"#);
    assert_snapshot!(refused(&["--forward", "a=http://localhost/", "--forward-no-token", "--forward-kind", "entred"], none), @r#"aifi-push: --forward a: --forward-kind: no kind "entred": there are ["left", "entered", "checkout-zone-entered", "checkout-zone-left", "checkout", "cart-mutator", "order-price", "customer-created", "entry-code-verify", "entry-code-notify", "identity-matching", "planogram-error", "suspected-fraud"]"#);
    assert_snapshot!(refused(&["--forward", "http://localhost/", "--forward-no-token"], &[("AIFI_PUSH_FORWARD_SECRET", "s3cret!")]), @"aifi-push: --forward forward: --forward-secret-file: invalid secret: expected whsec_ and base64");
}

#[test]
fn no_limit_is_0() {
    let directory = directory();
    for arguments in [
        ["--forward-concurrency", "0"],
        ["--forward-attempts", "0"],
        ["--forward-timeout", "0s"],
        ["--forward-from", "yesterday"],
    ] {
        let serve = ["serve", "--forward", "http://localhost"];
        let mut command = aifi_push_in(&directory, &[&serve[..], &arguments].concat());
        command
            .env("AIFI_PUSH_FORWARD_TOKEN", TOKEN)
            .assert()
            .code(2);
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn an_event_that_comes_back_ends_there() {
    let (near, far) = (directory(), directory());
    let address = format!("127.0.0.1:{}", free_port());
    let back = format!("http://{address}/webhook");
    let variables = [("AIFI_PUSH_FORWARD_TOKEN", TOKEN)];
    let there = serve_with(&far, &["--forward", &back], &variables);
    let here = ["--listen", &address, "--forward", there.url()];
    let serving = serve_with(&near, &here, &variables);
    send(&near, &serving, 1);
    wait_until(|| listed(&far).len() == 1);
    wait_until_all_are(&near, "done");
    wait_until_all_are(&far, "done");
    assert_eq!((listed(&near).len(), listed(&far).len()), (1, 1));

    // The smallest circle.
    let alone = directory();
    let address = format!("127.0.0.1:{}", free_port());
    let itself = format!("http://{address}/webhook");
    let arguments = ["--listen", &address, "--forward", &itself];
    let serving = serve_with(&alone, &arguments, &variables);
    send(&alone, &serving, 3);
    wait_until_all_are(&alone, "done");
    assert_eq!(listed(&alone).len(), 3);
}

#[test]
fn a_consumer_that_is_removed_starts_anew() {
    let near = directory();
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let target =
        Target::start(move |_| Answer::status(if up.load(Ordering::SeqCst) { 200 } else { 503 }));
    let mut serving = forward(&near, &target.url(), &[]);
    send(&near, &serving, 3);
    let remove = ["inbox", "consumers", "remove", "forward", "--yes"];
    printed(&near, &remove, 0);
    serving.wait_for_log("the consumer was removed").unwrap();
    let log = serving.wait_for_log("events ahead").unwrap();
    assert!(
        log.contains("0 events ahead") && log.contains("start=now"),
        "{log}"
    );
    is_up.store(true, Ordering::SeqCst);
    let before: Vec<_> = listed(&near)
        .iter()
        .map(|entry| entry["id"].clone())
        .collect();
    send(&near, &serving, 1);
    let is_new = |call: &crate::target::Call| !before.contains(&call.header("webhook-id").into());
    wait_until(|| target.calls().iter().any(is_new));
}
