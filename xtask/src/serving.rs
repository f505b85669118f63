//! An `aifi-push serve` for those who want to call one.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

const TOKEN: &str = "xtask";

/// A running `serve` with a new inbox; it ends when this is dropped.
pub(crate) struct Serving {
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// Where its inbox is.
    pub(crate) directory: PathBuf,
    child: Child,
}

impl Serving {
    /// Builds it, and starts it with a base path.
    pub(crate) fn start(sh: &Shell, base_path: &str) -> Result<Self> {
        cmd!(sh, "cargo build --quiet --package aifi-push-cli").run()?;
        let target = sh.current_dir().join("target");
        let directory = target.join("serving");
        sh.remove_path(&directory)?;
        sh.create_dir(&directory)?;
        Self::of(&target.join("debug/aifi-push"), &directory, base_path)
    }

    /// Starts one that is built, in a directory for its inbox.
    pub(crate) fn of(binary: &Path, directory: &Path, base_path: &str) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .args(["--base-path", base_path])
            .env("AIFI_PUSH_TOKEN", TOKEN)
            .current_dir(directory)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim_end().strip_prefix("listening on ");
        let origin = url.and_then(|url| url.strip_suffix(base_path));
        let origin = origin.context("`serve` does not say where it listens")?;
        let origin = origin.to_owned();
        Ok(Self {
            origin,
            directory: directory.to_owned(),
            child,
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
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
