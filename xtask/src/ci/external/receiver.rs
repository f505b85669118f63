//! A receiver for external clients to call.

use std::path::PathBuf;

use aifi_push_testkit::{ServeProcess, TempInbox, http};
use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::workspace;

/// Below it are the paths of the document.
const BASE_PATH: &str = "/";

/// `serve` of the workspace with the paths of the document and a new inbox, ended on drop.
pub(super) struct Receiver {
    // Dropped before its inbox.
    process: ServeProcess,
    inbox: TempInbox,
    binary: PathBuf,
}

impl Receiver {
    /// The token that it accepts.
    pub(super) const TOKEN: &str = http::TOKEN;

    /// Builds and starts it with further arguments.
    pub(super) fn start(sh: &Shell, arguments: &[&str]) -> Result<Self> {
        let binary = workspace::build_program(sh)?;
        let inbox = TempInbox::new()?;
        let arguments = [&["--log", "error", "--base-path", BASE_PATH], arguments].concat();
        Ok(Self {
            process: ServeProcess::serve(&binary, inbox.directory(), &arguments)?,
            inbox,
            binary,
        })
    }

    /// Returns scheme, host and port.
    pub(super) fn origin(&self) -> &str {
        self.process.origin()
    }

    /// Returns the header that it accepts.
    pub(super) fn authorization() -> String {
        format!("Authorization: Bearer {}", Self::TOKEN)
    }

    /// Returns how many events are in its inbox.
    pub(super) fn stored(&self, sh: &Shell) -> Result<u64> {
        let (program, inbox) = (&self.binary, self.inbox.url());
        let stats = cmd!(sh, "{program} inbox stats --json --inbox {inbox}");
        let stats: Value = serde_json::from_str(&stats.quiet().read()?)?;
        stats["events"].as_u64().context("no number of events")
    }
}
