//! The command line as people and programs use it.

#![allow(clippy::panic, clippy::unwrap_used)]

mod admin;
mod answers;
#[cfg(unix)]
mod at_terminal;
mod backup;
mod brokers;
mod check;
mod config;
mod consumer_beside;
mod demo;
mod disk_full;
mod example;
mod fake_receiver;
mod family;
mod forward;
mod help;
mod inbox;
mod inbox_names;
mod input;
#[cfg(unix)]
mod interrupt;
mod manual;
mod operators;
mod read_only_disk;
mod retention;
mod send;
mod serve;
mod serving;
mod simulate;
#[cfg(unix)]
mod supervision;
mod target;
mod terminal;
mod tokens;
mod top;
mod traces;
#[cfg(unix)]
mod tty;
mod visits;

use aifi_push_testkit::http::TOKEN;
use assert_cmd::{Command, cargo_bin};
use tempfile::TempDir;

/// The tool with arguments, in a directory.
fn aifi_push_in(directory: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("aifi-push"));
    command.current_dir(directory.path()).args(arguments);
    command
}

/// What the tool printed, after it ended with a code.
fn printed(directory: &TempDir, arguments: &[&str], code: i32) -> String {
    let mut command = aifi_push_in(directory, arguments);
    let assert = command.env("AIFI_PUSH_TOKEN", TOKEN).assert().code(code);
    let output = assert.get_output();
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(if code == 0 || err.is_empty() {
        out
    } else {
        err
    })
    .into_owned()
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(directory: &TempDir, file: &str, text: impl AsRef<[u8]>) {
    std::fs::write(directory.path().join(file), text).unwrap();
}

/// Waits until a condition is true.
fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

/// The documented event on one line.
fn documented() -> &'static str {
    aifi_push::operations::TRANSITION_LEFT.example.unwrap()
}

#[test]
fn an_invalid_command_line_has_its_own_exit_code() {
    for arguments in [
        &["dmeo"][..],
        &["demo", "--xml"],
        &["inbox", "list", "--inbox", "events.db"],
        &["inbox", "list", "--since", "yesterday"],
        &["check", "--kind", "entred"],
        &["serve", "--tls-cert", "cert.pem"],
        &["serve", "--route", "/zones"],
    ] {
        aifi_push_in(&directory(), arguments).assert().code(2);
    }
}
