//! Ctrl-C and SIGTERM while `aifi-push send` runs.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStderr, Command, Stdio},
};

use aifi_push_testkit::{http::TOKEN, send_signal};
use assert_cmd::cargo_bin;
use insta::assert_snapshot;
use tempfile::TempDir;

use crate::{
    directory, documented,
    fake_receiver::{CREATED, FakeReceiver},
    write,
};

/// `send` with standard input that stays open.
struct Sending {
    child: Child,
    notes: BufReader<ChildStderr>,
}

impl Sending {
    fn start(directory: &TempDir, target: &FakeReceiver, arguments: &[&str]) -> Self {
        let child = Command::new(cargo_bin!("aifi-push"))
            .current_dir(directory.path())
            .args(["send", "--url", &target.url, "--failures", "failures"])
            .args(arguments)
            .env("AIFI_PUSH_TOKEN", TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let notes = BufReader::new(child.stderr.take().unwrap());
        Self { child, notes }
    }

    fn input(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
    }

    fn signal(&self, name: &str) {
        send_signal(self.child.id(), name).unwrap();
    }

    /// Reads a line of standard error.
    fn note(&mut self) -> String {
        let mut line = String::new();
        self.notes.read_line(&mut line).unwrap();
        line
    }

    /// Waits for its end, while its standard input stays open.
    fn ended(mut self) -> String {
        let input = self.child.stdin.take();
        let output = self.child.wait_with_output().unwrap();
        drop(input);
        assert_eq!(output.status.code(), Some(1));
        let mut text = String::from_utf8(output.stdout).unwrap();
        self.notes.read_to_string(&mut text).unwrap();
        let (before, after) = text.split_once(" in ").unwrap_or((&text, ""));
        match after.split_once(" s") {
            Some((_, after)) => format!("{before} in 0.0 s{after}"),
            None => text,
        }
    }
}

fn failures(directory: &TempDir) -> Option<String> {
    std::fs::read_to_string(directory.path().join("failures")).ok()
}

fn lines(count: usize) -> String {
    format!("{}\n", documented()).repeat(count)
}

#[test]
fn a_signal_ends_it_while_it_waits_for_input() {
    for name in ["INT", "TERM"] {
        let directory = directory();
        let target = FakeReceiver::start(&[CREATED, CREATED]);
        let mut sending = Sending::start(&directory, &target, &[]);
        sending.input(&lines(2));
        target.next_request();
        target.next_request();
        sending.signal(name);
        let text = sending.ended();
        assert!(
            text.ends_with("aifi-push: interrupted: what follows -:2 was not read\n"),
            "{text}"
        );
        assert_eq!(failures(&directory), None);
    }
}

#[test]
fn what_was_not_sent_is_listed() {
    for (name, is_pipe) in [
        ("INT", false),
        ("INT", true),
        ("TERM", false),
        ("TERM", true),
    ] {
        let directory = directory();
        // The second event hangs.
        let target = FakeReceiver::start(&[CREATED]);
        write(&directory, "lines", lines(50));
        let mut sending = if is_pipe {
            let mut sending = Sending::start(&directory, &target, &[]);
            sending.input(&lines(50));
            sending
        } else {
            Sending::start(&directory, &target, &["lines"])
        };
        target.next_request();
        target.next_request();
        sending.signal(name);
        assert_eq!(
            sending.note(),
            "interrupted: waiting for the events in hand; Ctrl-C ends at once\n"
        );
        let listed = || failures(&directory).unwrap_or_default();
        while listed() != lines(48) {
            std::thread::yield_now();
        }
        if name == "INT" {
            sending.signal(name);
        }
        let text = sending.ended();
        assert!(text.starts_with("sent 1 of 50 in "), "{text}");
        assert_eq!(failures(&directory).unwrap(), lines(49));
    }
}

#[test]
fn the_event_in_hand_is_sent_to_its_end() {
    let directory = directory();
    write(&directory, "lines", lines(3));
    // The first attempt of it fails, and asks for a wait.
    let busy = "503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    let target = FakeReceiver::start(&[busy, CREATED]);
    let mut sending = Sending::start(&directory, &target, &["lines"]);
    target.next_request();
    sending.signal("INT");
    sending.note();
    target.next_request();
    assert_snapshot!(sending.ended(), @"
    sent 1 of 3 in 0.0 s
    interrupted: 2 were not sent
    failures are in failures: send them again with `aifi-push send failures`
    ");
    assert_eq!(failures(&directory).unwrap(), lines(2));
}
