//! `top`: the figures of a receiver in a terminal.

use aifi_push_testkit::http;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    admin::admin_page, aifi_push_in, directory, fake_receiver::FakeReceiver, serving::serve,
    wait_until, write,
};

/// An answer with figures.
fn figures() -> String {
    answer(&now())
}

fn now() -> Value {
    json!({
        "at": "2026-11-26T12:00:00Z",
        "refused": 5,
        "refused_by_reason": { "too_large": 1, "unavailable": 4 },
        "events_per_second": 3.5,
        "commit_p50": 0.002,
        "commit_p99": 0.03,
        "quarantined": 1,
        "events": 12,
        "bytes": 4096,
        "consumers": [{
            "name": "billing",
            "pending": 7,
            "oldest_pending_age_seconds": 63.4,
            "dead": 2,
            "is_paused": true,
        }],
        // Of a newer version, while others are missing.
        "weather": "fine",
    })
}

fn answer(now: &Value) -> String {
    let json = json!({ "history": [now], "now": now }).to_string();
    format!("200 OK\r\nContent-Length: {}\r\n\r\n{json}", json.len())
}

/// What it printed where standard output is no terminal.
fn printed(arguments: &[&str], code: i32) -> String {
    let directory = directory();
    write(&directory, "token", "s3cret\n");
    let mut command = aifi_push_in(&directory, &[&["top"], arguments].concat());
    let assert = command
        .env_remove("AIFI_PUSH_ADMIN_TOKEN")
        .assert()
        .code(code);
    let output = assert.get_output();
    let text = if code == 0 {
        &output.stdout
    } else {
        &output.stderr
    };
    String::from_utf8_lossy(text).into_owned()
}

#[test]
fn without_a_terminal_the_figures_are_printed_once() {
    let mut now = now();
    now["not_ready_reason"] = "database or disk is full".into();
    let receiver = FakeReceiver::start(&[&answer(&now)]);
    let text = printed(&["--url", &receiver.url, "--token-file", "token"], 0);
    assert_snapshot!(text, @"
    at            2026-11-26T12:00:00Z
    ready         no: database or disk is full
    events/s      3.5
    commit p50    2.0 ms
    commit p99    30.0 ms
    queued        0
    refused 5min  5: too_large 1, unavailable 4
    quarantined   1
    dead letters  2
    in the inbox  12
    disk left     -
    certificate   -
     CONSUMER  PENDING  OLDEST  DEAD
     billing   7        1m 3s   2     paused
    ");
    let request = receiver.next_request();
    assert!(
        request.starts_with("GET /figures HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("authorization: Bearer s3cret\r\n"),
        "{request}"
    );
}

#[test]
fn it_reads_a_receiver_that_serves() {
    let directory = directory();
    write(&directory, "admin", "operator\n");
    let listen = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-file",
        "admin",
    ];
    let mut serving = serve(&directory, &listen);
    let url = admin_page(&mut serving);
    let posted = serving.exchange(&http::post(b"{}")).unwrap();
    assert_eq!(posted.status, 422);
    let arguments = ["top", "--url", &url, "--token-file", "admin"];
    // The figures are at most half a second old.
    wait_until(|| {
        let assert = aifi_push_in(&directory, &arguments).assert().success();
        let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        text.contains("quarantined   1\n") && text.contains("in the inbox  1\n")
    });
}

#[test]
fn what_is_wrong_is_said() {
    let refused = "401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let elsewhere = "404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let other = "200 OK\r\nContent-Length: 10\r\n\r\n{\"now\": 1}";
    let error = |answer: &str| {
        let receiver = FakeReceiver::start(&[answer]);
        printed(&["--url", &receiver.url, "--token-file", "token"], 1)
    };
    assert_snapshot!(error(refused), @"aifi-push: the token is not accepted: use that of `serve --admin-token-file`");
    assert_snapshot!(error(elsewhere), @"aifi-push: no figures there: use the address of `serve --admin-listen`");
    assert_snapshot!(error(other), @"aifi-push: the answer has no figures at line 1, column 9");
    assert_snapshot!(printed(&[], 1), @"aifi-push: no token: use --token-file FILE or set AIFI_PUSH_ADMIN_TOKEN");
    let no_url = printed(&["--url", "localhost:8081", "--token-file", "token"], 1);
    assert_snapshot!(no_url, @"aifi-push: --url localhost:8081: expected a URL such as http://127.0.0.1:8081, or unix:PATH");
}

#[cfg(unix)]
#[test]
fn a_socket_needs_no_token() {
    use std::{
        io::{BufRead, BufReader, Write},
        os::unix::net::UnixListener,
        thread,
    };

    let directory = directory();
    let path = directory.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let answering = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let head: Vec<_> = lines
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        write!(stream, "HTTP/1.1 {}", figures()).unwrap();
        head.join("\n")
    });
    let text = printed(&["--url", &format!("unix:{}", path.display())], 0);
    assert!(text.contains("events/s      3.5\n"), "{text}");
    let head = answering.join().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("get /figures http/1.1\n"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
}

#[cfg(target_os = "linux")]
mod live {
    use std::io::Write;

    use aifi_push_testkit::send_signal;
    use rustix::termios::{LocalModes, tcgetattr};

    use super::figures;
    use crate::{
        at_terminal::{AtTerminal, resize},
        directory,
        fake_receiver::FakeReceiver,
    };

    const LEAVES_SCREEN: &str = "\u{1b}[?1049l";
    const COLOR: &str = "\u{1b}[38;5;";

    fn start(answers: &[&str], is_colored: bool) -> AtTerminal {
        let receiver = FakeReceiver::start(answers);
        let environment = [("AIFI_PUSH_ADMIN_TOKEN", "s3cret")];
        let arguments = ["top", "--url", &receiver.url];
        AtTerminal::controlling(&directory(), &arguments, &environment, is_colored)
    }

    /// Waits for the end, and checks that the terminal is as it was.
    fn check_end(mut top: AtTerminal, code: i32) {
        top.wait_for(LEAVES_SCREEN);
        assert_eq!(top.child.wait().unwrap().code(), Some(code));
        let modes = tcgetattr(&top.screen).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
    }

    #[test]
    fn it_shows_figures_until_q() {
        let mut top = start(&[&figures()], true);
        let shown = top.wait_for("billing");
        assert!(shown.contains("\u{1b}[?1049h"), "{shown:?}");
        assert!(shown.contains("3.5"), "{shown:?}");
        let modes = tcgetattr(&top.screen).unwrap().local_modes;
        assert!(!modes.contains(LocalModes::ECHO));
        assert!(shown.contains(COLOR), "{shown:?}");
        top.screen.write_all(b"xq").unwrap();
        check_end(top, 0);
    }

    #[test]
    fn ctrl_c_and_sigterm_end_it() {
        let mut top = start(&[&figures()], true);
        top.wait_for("billing");
        top.screen.write_all(b"\x03").unwrap();
        check_end(top, 0);
        let mut top = start(&[&figures()], true);
        top.wait_for("billing");
        send_signal(top.child.id(), "TERM").unwrap();
        check_end(top, 0);
    }

    #[test]
    fn no_color_is_kept() {
        let mut top = start(&[&figures()], false);
        let shown = top.wait_for("paused");
        assert!(!shown.contains(COLOR), "{shown:?}");
    }

    #[test]
    fn a_lost_connection_is_tried_again() {
        let broken = "503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
        let mut top = start(&[&figures(), broken, &figures()], true);
        top.wait_for("billing");
        top.wait_for("retrying: the answer has status 503");
        top.wait_for("q ends");
    }

    #[test]
    fn a_new_size_is_used() {
        let mut top = start(&[&figures()], true);
        top.wait_for("billing");
        resize(&top.screen, 40, 16);
        top.wait_for("billing");
        top.screen.write_all(b"q").unwrap();
        check_end(top, 0);
    }
}
