//! Stoplight Prism, which serves the document: as a mock, and as a proxy that validates.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::{npm, receiver::Receiver};
use crate::workspace::{DOCUMENT, root};

/// The example, and the generated events of `crates/aifi-push/tests/it/conformance.rs`.
const EVENTS: u64 = 1001;

/// From npm: validates the calls of our client, and the responses of `serve`, by the document.
pub(in super::super) fn prism(sh: &Shell) -> Result<()> {
    let program = npm(sh, "@stoplight/prism-cli@5.14.2", "prism")?;
    let receiver = Receiver::start(sh, &[])?;
    let mock = Prism::start(&program, &["mock", "--errors", DOCUMENT])?;
    send_events(sh, &mock.origin).context("as a mock")?;
    let arguments = ["proxy", "--errors", DOCUMENT, receiver.origin()];
    let proxy = Prism::start(&program, &arguments)?;
    send_events(sh, &proxy.origin).context("as a proxy")?;

    let stored = receiver.stored(sh)?;
    ensure!(
        stored == EVENTS,
        "`serve` stored {stored} of {EVENTS} events"
    );
    Ok(())
}

/// Runs the test of our client that sends [`EVENTS`].
fn send_events(sh: &Shell, origin: &str) -> Result<()> {
    let test = cmd!(
        sh,
        "cargo test --quiet --package aifi-push --test it -- --ignored conformance::"
    );
    let test = test.env("AIFI_PUSH_VALIDATOR", origin);
    Ok(test.env("AIFI_PUSH_TOKEN", Receiver::TOKEN).run()?)
}

/// A running Prism, ended on drop.
struct Prism {
    origin: String,
    child: Child,
}

impl Prism {
    fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        // It has no option for any free port.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting Prism failed")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let prism = Self {
            origin: format!("http://127.0.0.1:{port}"),
            child,
        };
        let mut lines = BufReader::new(stdout).lines();
        let is_ready = lines.any(|line| line.is_ok_and(|line| line.contains("is listening")));
        ensure!(is_ready, "Prism ended before it listened");
        // It logs each call, and stops when nobody reads the log.
        thread::spawn(move || lines.for_each(drop));
        Ok(prism)
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
