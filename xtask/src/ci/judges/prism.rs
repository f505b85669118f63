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

use super::npm;
use crate::{
    serving::{self, Serving},
    workspace::{DOCUMENT, root},
};

/// The example, and the generated events of `crates/aifi-push/tests/it/conformance.rs`.
const EVENTS: u64 = 1001;

/// From npm: holds the calls of our client, and the answers of `serve`, against the document.
pub(in super::super) fn prism(sh: &Shell) -> Result<()> {
    let program = npm(sh, "@stoplight/prism-cli@5.14.2", "prism")?;
    serving::build(sh)?;
    let serving = Serving::start(sh, "/api/push/transition", &[])?;
    let mock = Prism::start(&program, &["mock", "--errors", DOCUMENT])?;
    judge(sh, &mock.origin, serving.token()).context("as a mock")?;
    let proxy = Prism::start(&program, &["proxy", "--errors", DOCUMENT, &serving.origin])?;
    judge(sh, &proxy.origin, serving.token()).context("as a proxy")?;

    let stored = serving.stored(sh)?;
    ensure!(
        stored == EVENTS,
        "`serve` stored {stored} of {EVENTS} events"
    );
    Ok(())
}

fn judge(sh: &Shell, origin: &str, token: &str) -> Result<()> {
    let test = cmd!(
        sh,
        "cargo test --quiet --package aifi-push --test it -- --ignored conformance::"
    );
    let test = test.env("AIFI_PUSH_VALIDATOR", origin);
    Ok(test.env("AIFI_PUSH_TOKEN", token).run()?)
}

/// A running Prism; it ends when this is dropped.
struct Prism {
    origin: String,
    child: Child,
}

impl Prism {
    fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        // It can't be told to take any port.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start Prism")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let prism = Self {
            origin: format!("http://127.0.0.1:{port}"),
            child,
        };
        let mut lines = BufReader::new(stdout).lines();
        let is_ready = lines.any(|line| line.is_ok_and(|line| line.contains("is listening")));
        ensure!(is_ready, "Prism ended before it listened");
        // It tells of each call, and stops when nobody reads that.
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
