//! `serve` in a process of its own.

use std::process::{Command, Stdio};

use aifi_push_testkit::ServeProcess;
use assert_cmd::cargo_bin;
use tempfile::TempDir;

/// Starts `serve` in a directory, with its inbox there.
pub(crate) fn serve(directory: &TempDir, arguments: &[&str]) -> ServeProcess {
    serve_with(directory, arguments, &[])
}

/// The same with variables in its environment.
pub(crate) fn serve_with(
    directory: &TempDir,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> ServeProcess {
    let mut command = Command::new(cargo_bin!("aifi-push"));
    command
        .current_dir(directory.path())
        .envs(variables.iter().copied())
        .stderr(Stdio::piped());
    ServeProcess::serve_with(command, arguments).unwrap()
}
