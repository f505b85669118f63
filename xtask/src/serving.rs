//! Servers for those who want to call one.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

const TOKEN: &str = "xtask";

/// Builds the `aifi-push` of the workspace.
pub(crate) fn build(sh: &Shell) -> Result<()> {
    Ok(cmd!(sh, "cargo build --quiet --package aifi-push-cli").run()?)
}

/// A running `serve` with a new inbox; it ends when this is dropped.
pub(crate) struct Serving {
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// Where its inbox is.
    pub(crate) directory: PathBuf,
    binary: PathBuf,
    _server: Server,
}

impl Serving {
    /// Starts the one that is [built](build), with a base path and further arguments.
    pub(crate) fn start(sh: &Shell, base_path: &str, arguments: &[&str]) -> Result<Self> {
        let target = sh.current_dir().join("target");
        let directory = target.join("serving");
        sh.remove_path(&directory)?;
        sh.create_dir(&directory)?;
        let binary = target.join("debug/aifi-push");
        Self::of(&binary, &directory, base_path, arguments)
    }

    /// Starts another, in a directory for its inbox.
    pub(crate) fn of(
        binary: &Path,
        directory: &Path,
        base_path: &str,
        arguments: &[&str],
    ) -> Result<Self> {
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .args(["--base-path", base_path])
            .args(arguments)
            .env("AIFI_PUSH_TOKEN", TOKEN)
            .current_dir(directory);
        let server = Server::start(command)?;
        let origin = server.url.strip_suffix(base_path);
        Ok(Self {
            origin: origin.context("`serve` has another base path")?.to_owned(),
            directory: directory.to_owned(),
            binary: binary.to_owned(),
            _server: server,
        })
    }

    /// The token that it lets in.
    pub(crate) fn token(&self) -> &'static str {
        TOKEN
    }

    /// The header that it lets in.
    pub(crate) fn authorization(&self) -> String {
        format!("Authorization: Bearer {TOKEN}")
    }

    /// How many events are in its inbox.
    pub(crate) fn stored(&self, sh: &Shell) -> Result<u64> {
        let _directory = sh.push_dir(&self.directory);
        let tool = &self.binary;
        let stats = cmd!(sh, "{tool} inbox stats --json").quiet().read()?;
        let stats: Value = serde_json::from_str(&stats)?;
        stats["events"].as_u64().context("no number of events")
    }
}

/// A process that prints where it listens; it ends when this is dropped.
pub(crate) struct Server {
    /// Where it says that it listens.
    pub(crate) url: String,
    child: Child,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut server = Self {
            url: String::new(),
            child,
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim_end().strip_prefix("listening on ");
        let url = url.context("the server does not say where it listens")?;
        url.clone_into(&mut server.url);
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
