//! Files of tokens as people have them.

use aifi_push_testkit::{
    ServeProcess,
    http::{self, TOKEN},
};
use insta::assert_snapshot;

use crate::{
    aifi_push_in, directory, documented,
    fake_receiver::{CREATED, FakeReceiver},
    printed,
    serving::serve,
    write,
};

#[test]
fn what_editors_add_is_fine() {
    let directory = directory();
    let tokens = "\u{feff}# until Friday\r\n\r\n  old== \r\n# from Monday\r\nnew-\u{a0}\r\n";
    write(&directory, "tokens", tokens);
    write(&directory, "event", documented());
    let serving = serve(&directory, &["--token-file", "tokens"]);
    let send = ["send", "event", "--url", serving.url(), "--token-file"];
    printed(&directory, &[&send[..], &["tokens"]].concat(), 0);
    for (token, code) in [("old==", 0), ("\u{feff}new-\r\n", 0), ("until", 1)] {
        write(&directory, "mine", token);
        printed(&directory, &[&send[..], &["mine"]].concat(), code);
    }
}

#[test]
fn what_is_no_token_is_named_at_the_start() {
    let directory = directory();
    write(&directory, "event", documented());
    let refused = |line: &str| {
        write(&directory, "tokens", format!("good\n\n{line}\n"));
        let serve = ["serve", "--listen", "127.0.0.1:0", "--token-file", "tokens"];
        let send = [
            "send",
            "event",
            "--url",
            "http://127.0.0.1:9",
            "--token-file",
            "tokens",
        ];
        let [served, sent] = [&serve[..], &send].map(|arguments| printed(&directory, arguments, 1));
        assert_eq!(served, sent);
        assert!(!served.contains("s3cret"), "{served}");
        served
    };
    assert_snapshot!(refused("\"s3cret\""), @"aifi-push: tokens:3: remove the quotes: the token alone is expected");
    assert_snapshot!(refused("AIFI_PUSH_TOKEN=s3cret"), @"aifi-push: tokens:3: remove the name and the `=`: the token alone is expected");
    assert_snapshot!(refused("export AIFI_PUSH_TOKEN='s3cret'"), @"aifi-push: tokens:3: remove the name and the `=`: the token alone is expected");
    assert_snapshot!(refused("bearer s3cret"), @"aifi-push: tokens:3: remove `Bearer`: the token alone is expected");
    assert_snapshot!(refused("Authorization: Bearer s3cret"), @"aifi-push: tokens:3: remove `Authorization: Bearer`: the token alone is expected");
    assert_snapshot!(refused("s3cret # the old one"), @"aifi-push: tokens:3: remove the spaces, and what is not the token: a line has one token alone");
    assert_snapshot!(refused("s3cret\u{200b}"), @"aifi-push: tokens:3: remove the characters that are invisible or not ASCII: a header can't carry them");
    write(&directory, "tokens", b"\xff\xfes\x003\x00");
    let arguments = ["serve", "--token-file", "tokens"];
    assert_snapshot!(printed(&directory, &arguments, 1), @"aifi-push: tokens: this is UTF-16: save it as UTF-8");
    write(&directory, "tokens", b"s3cret\n\xe9\n");
    assert_snapshot!(printed(&directory, &arguments, 1), @"aifi-push: tokens:2: not UTF-8");
    write(&directory, "tokens", "# none\n");
    assert_snapshot!(printed(&directory, &arguments, 1), @"aifi-push: tokens: no token found: write one on each line");
}

#[test]
fn none_is_sent_where_none_is_wanted() {
    let directory = directory();
    write(&directory, "event", documented());
    let target = FakeReceiver::start(&[CREATED]);
    let send = ["send", "event", "--url", &target.url];
    let mut command = aifi_push_in(&directory, &send);
    let assert = command.env("AIFI_PUSH_TOKEN", "").assert().code(1);
    assert_snapshot!(String::from_utf8_lossy(&assert.get_output().stderr), @"aifi-push: no token: use --token-file FILE, set AIFI_PUSH_TOKEN, or go without by --no-token");
    printed(&directory, &[&send[..], &["--no-token"]].concat(), 0);
    let request = target.next_request().to_ascii_lowercase();
    assert!(!request.contains("authorization"), "{request}");
}

/// `<(pass show retailer)` of a shell is a pipe that can be read once.
#[cfg(unix)]
#[test]
fn a_pipe_is_read_once() {
    use std::{fs, process::Command, thread};

    let directory = directory();
    write(&directory, "event", documented());
    let made = Command::new("mkfifo")
        .arg("pipe")
        .current_dir(directory.path())
        .status();
    assert!(made.unwrap().success());
    let fill = |token: &'static str| {
        let path = directory.path().join("pipe");
        thread::spawn(move || fs::write(path, token).unwrap())
    };
    let filling = fill("s3cret\n");
    let mut serving = serve(&directory, &["--token-file", "pipe"]);
    filling.join().unwrap();
    serving.signal("HUP").unwrap();
    serving
        .wait_for_log("they are in no file that can be read again")
        .unwrap();

    fill("s3cret\n");
    // It reads the token for each attempt.
    let send = [
        "send",
        "event",
        "event",
        "--url",
        serving.url(),
        "--token-file",
        "pipe",
    ];
    let text = printed(&directory, &send, 0);
    assert!(text.starts_with("sent 2 of 2"), "{text}");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let directory = directory();
    let _serving = serve(&directory, &[]);
    let mut command = aifi_push_in(&directory, &["inbox", "stats"]);
    command.env("AIFI_PUSH_INBOX", "").assert().success();
    let mut command = aifi_push_in(&directory, &["inbox", "stats"]);
    command
        .env("AIFI_PUSH_INBOX", "sqlite:none.db")
        .assert()
        .code(1);
}

#[test]
fn a_refusal_is_logged_with_its_path_its_peer_and_the_place_of_its_token() {
    let directory = directory();
    write(
        &directory,
        "tokens",
        format!("# both\nold-s3cret\n{TOKEN}\n"),
    );
    let mut serving = serve(&directory, &["--token-file", "tokens"]);
    let long = "a".repeat(300);
    let path = format!("PUT /{long}%0a?key=s3cret");
    assert_eq!(
        serving.exchange(&http::head(&path, &[])).unwrap().status,
        404
    );
    let line = serving.wait_for_log("refused").unwrap();
    let expected = format!(
        "reason=\"not_found\" path=\"/{}…\" peer=127.0.0.1 token=2",
        "a".repeat(199)
    );
    assert!(line.contains(&expected), "{line}");
    let request = b"POST /webhook/left HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer s3cret-guess\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(serving.exchange(request).unwrap().status, 401);
    let line = serving.wait_for_log("refused").unwrap();
    assert!(
        line.contains("reason=\"unauthorized\" path=\"/webhook/left\" peer=127.0.0.1 unlogged=0"),
        "{line}"
    );
    assert!(!line.contains("s3cret"), "{line}");
}

#[test]
fn it_is_seen_which_tokens_are_still_in_use() {
    let directory = directory();
    write(&directory, "tokens", format!("old\n{TOKEN}\n"));
    let mut serving = serve(&directory, &["--token-file", "tokens"]);
    for _ in 0..2 {
        serving
            .exchange(&http::post(documented().as_bytes()))
            .unwrap();
    }
    let metrics = |serving: &ServeProcess| {
        let body = serving.get("/metrics").unwrap().body;
        let lines = body
            .lines()
            .filter(|line| line.starts_with("aifi_push_token"));
        let lines: Vec<_> = lines
            .map(|line| match line.split_once("seconds{") {
                // Since 1970.
                Some((name, rest)) => {
                    let (label, time) = rest.split_once(' ').unwrap();
                    assert!(time.parse::<f64>().unwrap() > 1e9);
                    format!("{name}seconds{{{label} TIME")
                }
                None => line.to_owned(),
            })
            .collect();
        lines.join("\n")
    };
    assert_snapshot!(metrics(&serving), @r#"
    aifi_push_token_requests_total{token="1"} 0
    aifi_push_token_requests_total{token="2"} 2
    aifi_push_token_last_used_timestamp_seconds{token="2"} TIME
    "#);
    // The count goes with the token when it gets another place.
    write(&directory, "tokens", format!("{TOKEN}\n"));
    serving.wait_for_log("removed=1").unwrap();
    assert_snapshot!(metrics(&serving), @r#"
    aifi_push_token_requests_total{token="1"} 2
    aifi_push_token_last_used_timestamp_seconds{token="1"} TIME
    "#);
}
