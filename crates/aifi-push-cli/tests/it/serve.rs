//! `aifi-push serve`

use aifi_push_testkit::http::{self, TOKEN};
use insta::assert_snapshot;

use crate::{
    aifi_push_in, directory, documented, printed,
    serving::{serve, serve_with},
    write,
};

#[test]
fn it_stores_until_it_is_told_to_end() {
    for signal in ["TERM", "INT"] {
        let directory = directory();
        let serving = serve(&directory, &[]);
        write(&directory, "event.json", documented());
        let url = serving.url().to_owned();
        assert!(url.ends_with("/webhook"));
        printed(&directory, &["send", "event.json", "--url", &url], 0);
        serving.signal(signal).unwrap();
        let (status, log) = serving.wait().unwrap();
        assert!(status.success(), "{log}");
        assert!(!log.contains(TOKEN));
        let events = printed(&directory, &["inbox", "list", "--json"], 0);
        assert_eq!(events.lines().count(), 1);
    }
}

#[test]
fn tokens_are_reloaded_on_hangup() {
    let directory = directory();
    write(&directory, "tokens", "old\n\nolder\n");
    write(&directory, "event.json", documented());
    let mut serving = serve(&directory, &["--token-file", "tokens"]);
    let url = serving.url().to_owned();
    let send = |token, code| {
        write(&directory, "mine", token);
        let arguments = ["send", "event.json", "--url", &url, "--token-file", "mine"];
        printed(&directory, &arguments, code);
    };
    send("old", 0);
    send("older\n", 0);
    send("new", 1);
    write(&directory, "tokens", "new\n");
    serving.signal("HUP").unwrap();
    serving.wait_for_log("reloaded the tokens").unwrap();
    send("new", 0);
    send("old", 1);

    write(&directory, "tokens", "\n");
    serving.signal("HUP").unwrap();
    let line = serving
        .wait_for_log("the tokens stay as they were")
        .unwrap();
    assert!(line.contains("tokens: no token found"), "{line}");
    send("new", 0);
}

#[test]
fn the_log_can_be_json() {
    let directory = directory();
    let mut serving = serve(&directory, &["--log-format", "json", "--log", "debug"]);
    write(&directory, "event.json", documented());
    let url = serving.url().to_owned();
    printed(&directory, &["send", "event.json", "--url", &url], 0);
    let line = serving.wait_for_log("responded").unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let span = &line["span"];
    assert_eq!(span["operation"], "transition_left");
    assert_eq!(span["status"], 201);
    assert_eq!(span["request_id"].as_str().unwrap().len(), 36);
    assert!(!line.to_string().contains("exampleValue"));
}

#[test]
fn what_can_t_work_is_said_before_it_starts() {
    let directory = directory();
    let refused = |arguments: &[&str], token: Option<&str>| {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--log", "off"];
        let arguments = [&serve, arguments].concat();
        let mut command = aifi_push_in(&directory, &arguments);
        command
            .env_remove("AIFI_PUSH_TOKEN")
            .env_remove("AIFI_PUSH_FORWARD_TOKEN");
        if let Some(token) = token {
            command.env("AIFI_PUSH_TOKEN", token);
        }
        let output = command.assert().code(1).get_output().stderr.clone();
        String::from_utf8(output).unwrap()
    };
    assert_snapshot!(refused(&[], None), @"aifi-push: no token: use --token-file FILE, set AIFI_PUSH_TOKEN, or go without by --dangerously-accept-anyone");
    assert_snapshot!(refused(&[], Some(" ")), @"aifi-push: AIFI_PUSH_TOKEN: no token found: write one on each line");
    assert_snapshot!(refused(&["--token-file", "none"], None), @"aifi-push: none: No such file or directory (os error 2)");
    assert_snapshot!(refused(&["--base-path", "hook"], Some("a")), @r#"aifi-push: --base-path: invalid path "hook": expected letters, digits, `-`, `.`, `_` and `~`, and no segment `.` or `..`, such as /webhook"#);
    assert_snapshot!(refused(&["--route", "zone=/zones"], Some("a")), @r#"aifi-push: --route: no webhook "zone": there are transitions, checkout-zone, checkout, cart-mutator, order-price, customer-created, entry-code-verify, entry-code-notify, identity-matching, planogram-error, suspected-fraud"#);
    assert_snapshot!(refused(&["--route", "checkout-zone=/webhook"], Some("a")), @"aifi-push: --route: events of checkout-zone and transitions would both arrive at /webhook/left, where nothing tells them apart: choose another path for one of them, such as transitions=/transitions");
    assert_snapshot!(refused(&["--inbox", "sqlite:/nowhere/events.db"], Some("a")), @"aifi-push: /nowhere: finding the directory failed: No such file or directory (os error 2)");
    assert_snapshot!(refused(&["--tls-cert", "none", "--tls-key", "none"], Some("a")), @"aifi-push: none: reading the certificates failed: I/O error: No such file or directory (os error 2)");
    assert_snapshot!(refused(&["--quarantined-status", "1000"], Some("a")), @"aifi-push: --quarantined-status: expected an HTTP status: invalid status code");
    assert_snapshot!(refused(&["--forward", "localhost"], Some("a")), @"aifi-push: --forward forward: no token: use --forward-token-file FILE, set AIFI_PUSH_FORWARD_TOKEN, or go without by --forward-no-token");

    let _serving = serve(&directory, &[]);
    assert_snapshot!(refused(&[], Some("a")), @"aifi-push: events.db: another process receives into this inbox: stop it, or choose another file");
}

#[test]
fn no_token_takes_an_option_that_says_so() {
    let directory = directory();
    let mut serving = serve_with(&directory, &["--dangerously-accept-anyone"], &[]);
    write(&directory, "event.json", documented());
    let url = serving.url().to_owned();
    printed(&directory, &["send", "event.json", "--url", &url], 0);
    serving
        .wait_for_log("whoever reaches this can store events")
        .unwrap();
    serving.signal("HUP").unwrap();
    serving.wait_for_log("nothing to reload").unwrap();
    printed(&directory, &["send", "event.json", "--url", &url], 0);
}

fn get(address: &str, path: &str) -> u16 {
    let request = http::head(&format!("GET {path}"), &[]);
    http::exchange(address, &request).unwrap().status
}

#[test]
fn health_and_metrics_can_have_an_address_of_their_own() {
    let directory = directory();
    let arguments = ["--status-listen", "127.0.0.1:0", "--log-format", "json"];
    let mut serving = serve(&directory, &arguments);
    let line = serving.wait_for_log("health and metrics").unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let status = line["fields"]["address"].as_str().unwrap();
    for path in ["/readyz", "/livez", "/metrics"] {
        assert_eq!(get(status, path), 200);
        assert_eq!(serving.get(path).unwrap().status, 404);
    }
    assert_eq!(get(status, "/webhook/left"), 404);
    assert_eq!(serving.get("/webhook/left").unwrap().status, 405);

    // Then their paths on the other are free.
    let (other, route) = (crate::directory(), ["--route", "checkout=/metrics"]);
    let serving = serve(&other, &[&arguments[..2], &route].concat());
    assert_eq!(serving.get("/metrics").unwrap().status, 405);
    assert_eq!(serving.get("/readyz").unwrap().status, 404);
}
