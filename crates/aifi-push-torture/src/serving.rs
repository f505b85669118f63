//! A `serve` in a process of its own.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

pub(crate) const TOKEN: &str = "torture";

/// A directory for an inbox.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        Ok(Self { directory })
    }

    pub(crate) fn inbox(&self) -> PathBuf {
        self.directory.path().join("events.db")
    }

    /// Starts `serve` on the inbox here.
    pub(crate) async fn serve(&self, binary: &Path) -> Result<Serving> {
        self.serve_under(Command::new(binary)).await
    }

    /// The same by a command that runs the program with the arguments that it gets.
    pub(crate) async fn serve_under(&self, mut command: Command) -> Result<Serving> {
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "off"])
            .arg("--inbox")
            .arg(format!("sqlite:{}", self.inbox().display()));
        Serving::start(command).await
    }
}

/// A server that prints where it listens, killed when it is dropped.
pub(crate) struct Serving {
    pub(crate) url: String,
    child: Child,
}

impl Serving {
    pub(crate) async fn start(mut command: Command) -> Result<Self> {
        command
            .env("AIFI_PUSH_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().context("can't start the server")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let first = BufReader::new(stdout).lines().next_line().await?;
        let first = first.context("the server ended before it listened")?;
        let url = first.strip_prefix("listening on ").context("no URL")?;
        let url = url.to_owned();
        Ok(Self { url, child })
    }

    /// Host and port.
    pub(crate) fn address(&self) -> Result<&str> {
        let address = self.url.strip_prefix("http://").context("no http URL")?;
        Ok(address.split('/').next().unwrap_or(address))
    }

    pub(crate) fn id(&self) -> Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub(crate) async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn terminate(mut self) -> Result<ExitStatus> {
        let id = self.id()?.to_string();
        let sent = Command::new("kill")
            .args(["-s", "TERM", &id])
            .status()
            .await?;
        ensure!(sent.success(), "SIGTERM was not sent");
        Ok(self.child.wait().await?)
    }
}
