//! The tool as people and programs use it.

#![allow(clippy::unwrap_used)]

mod demo;

use assert_cmd::{Command, cargo_bin};

/// The tool with arguments.
fn aifi_push(arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("aifi-push"));
    command.args(arguments);
    command
}

#[test]
fn a_wrong_command_line_is_told_apart() {
    aifi_push(&["dmeo"]).assert().code(2);
    aifi_push(&["demo", "--xml"]).assert().code(2);
}
