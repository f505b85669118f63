//! `aifi-push serve`

use insta::assert_snapshot;

use crate::{
    aifi_push_in, directory, documented, printed,
    serving::{Serving, TOKEN},
    write,
};

#[test]
fn it_stores_until_it_is_told_to_end() {
    for signal in ["TERM", "INT"] {
        let directory = directory();
        let serving = Serving::start(&directory, &[]);
        write(&directory, "event.json", documented());
        let url = serving.url.clone();
        assert!(url.ends_with("/webhook"));
        printed(&directory, &["send", "event.json", "--url", &url], 0);
        serving.signal(signal);
        let (status, log) = serving.end();
        assert!(status.success(), "{log}");
        assert!(!log.contains(TOKEN));
        let events = printed(&directory, &["inbox", "list", "--json"], 0);
        assert_eq!(events.lines().count(), 1);
    }
}

#[test]
fn tokens_are_read_again_on_hangup() {
    let directory = directory();
    write(&directory, "tokens", "old\n\nolder\n");
    write(&directory, "event.json", documented());
    let mut serving = Serving::start(&directory, &["--token-file", "tokens"]);
    let url = serving.url.clone();
    let send = |token, code| {
        write(&directory, "mine", token);
        let arguments = ["send", "event.json", "--url", &url, "--token-file", "mine"];
        printed(&directory, &arguments, code);
    };
    send("old", 0);
    send("older\n", 0);
    send("new", 1);
    write(&directory, "tokens", "new\n");
    serving.signal("HUP");
    serving.wait_for_log("read the tokens again");
    send("new", 0);
    send("old", 1);

    write(&directory, "tokens", "\n");
    serving.signal("HUP");
    let line = serving.wait_for_log("the tokens stay as they were");
    assert!(line.contains("tokens: there is no token in it"), "{line}");
    send("new", 0);
}

#[test]
fn the_log_can_be_json() {
    let directory = directory();
    let mut serving = Serving::start(&directory, &["--log-format", "json", "--log", "debug"]);
    write(&directory, "event.json", documented());
    let url = serving.url.clone();
    printed(&directory, &["send", "event.json", "--url", &url], 0);
    let line = serving.wait_for_log("answered");
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
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
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
    assert_snapshot!(refused(&[], None), @"aifi-push: no token: name a file of it, or set AIFI_PUSH_TOKEN in the environment: environment variable not found");
    assert_snapshot!(refused(&[], Some(" ")), @"aifi-push: AIFI_PUSH_TOKEN: there is no token in it");
    assert_snapshot!(refused(&["--token-file", "none"], None), @"aifi-push: none: No such file or directory (os error 2)");
    assert_snapshot!(refused(&["--base-path", "hook"], Some("a")), @r#"aifi-push: base_path: "hook" is no path of letters, digits, `-`, `.`, `_` and `~`, such as /webhook"#);
    assert_snapshot!(refused(&["--inbox", "sqlite:/nowhere/events.db"], Some("a")), @"aifi-push: /nowhere/events.db.lock: making it failed: No such file or directory (os error 2)");
    assert_snapshot!(refused(&["--tls-cert", "none", "--tls-key", "none"], Some("a")), @"aifi-push: none: reading the certificates failed: I/O error: No such file or directory (os error 2)");
    assert_snapshot!(refused(&["--quarantined-status", "1000"], Some("a")), @"aifi-push: --quarantined-status: no HTTP status: invalid status code");
    assert_snapshot!(refused(&["--forward", "localhost"], Some("a")), @"aifi-push: --forward: no token: name a file of it, or set AIFI_PUSH_FORWARD_TOKEN in the environment: environment variable not found");

    let _serving = Serving::start(&directory, &[]);
    assert_snapshot!(refused(&[], Some("a")), @"aifi-push: events.db: another process receives into this inbox: stop it, or name another file");
}

#[test]
fn no_token_takes_an_option_that_says_so() {
    let directory = directory();
    let mut serving = Serving::start_with(&directory, &["--dangerously-accept-anyone"], &[]);
    write(&directory, "event.json", documented());
    let url = serving.url.clone();
    printed(&directory, &["send", "event.json", "--url", &url], 0);
    serving.wait_for_log("whoever reaches this can store events");
    serving.signal("HUP");
    serving.wait_for_log("the tokens stay as they were");
    printed(&directory, &["send", "event.json", "--url", &url], 0);
}
