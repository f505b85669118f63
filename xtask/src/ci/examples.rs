//! The examples run: services are started, an event is sent to one and billed, and a question to another
//! and answered.

use std::{path::Path, process::Command};

use aifi_push_testkit::{
    ServeProcess, TempInbox,
    http::{self, TOKEN},
};
use anyhow::{Result, ensure};
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
    for name in ["test_double", "idempotent"] {
        let example = examples.join(name);
        cmd!(sh, "{example}").run()?;
    }
    billed(sh, &examples)?;
    answered(sh, &examples)
}

fn answered(sh: &Shell, examples: &Path) -> Result<()> {
    let inbox = TempInbox::new()?;
    let mut service = Command::new(examples.join("answer"));
    service.arg(inbox.path()).arg(TOKEN);
    let service = ServeProcess::start(service)?;
    let body = sh.read_file("openapi/examples/entry-code-verify.documented.json")?;
    let length = format!("Content-Length: {}", body.len());
    let mut request = http::head("POST /webhook/entry-code/verify", &[&length]);
    request.extend_from_slice(body.as_bytes());
    let answer = service.exchange(&request)?.body;
    println!("{answer}");
    ensure!(answer == r#"{"status":"OK"}"#, "nobody answered");
    Ok(())
}

fn billed(sh: &Shell, examples: &Path) -> Result<()> {
    let inbox = TempInbox::new()?;
    let mut service = Command::new(examples.join("axum"));
    service.arg(inbox.path()).arg(TOKEN);
    let mut service = ServeProcess::start(service)?;
    let (send, url) = (examples.join("send"), service.url());
    cmd!(sh, "{send} {url} {TOKEN}").run()?;
    let line = service.next_line()?;
    println!("{line}");
    ensure!(
        line.ends_with("for a visit to store 7"),
        "nothing was billed"
    );
    Ok(())
}
