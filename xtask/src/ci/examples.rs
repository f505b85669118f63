//! The examples do what they say: a service is started, an event is sent to it, and it is billed.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::features;

pub(super) fn run(sh: &Shell) -> Result<()> {
    // With the features of the tests, which have built them already.
    let features = features::WITHOUT_NATIVE_TLS;
    cmd!(
        sh,
        "cargo build --quiet --workspace --examples --features {features}"
    )
    .run()?;
    let examples = sh.current_dir().join("target/debug/examples");
    let test_double = examples.join("test_double");
    cmd!(sh, "{test_double}").run()?;

    let directory = sh.create_temp_dir()?;
    let mut service = Command::new(examples.join("axum"))
        .arg(directory.path().join("events.db"))
        .arg("secret")
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = service.stdout.take().context("no standard output")?;
    let billed = billed(sh, &examples.join("send"), BufReader::new(stdout).lines());
    service.kill()?;
    service.wait()?;
    billed
}

fn billed(
    sh: &Shell,
    send: &std::path::Path,
    mut lines: impl Iterator<Item = std::io::Result<String>>,
) -> Result<()> {
    let first = lines.next().context("the service says nothing")??;
    let url = first.strip_prefix("listening on ").context("no URL")?;
    cmd!(sh, "{send} {url} secret").run()?;
    let second = lines.next().context("the service says no more")??;
    println!("{second}");
    ensure!(
        second.ends_with("for a visit to store 7"),
        "nothing was billed"
    );
    Ok(())
}
