//! Programs of crates.io, under `target/external`.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::workspace;

/// Installs a program in a fixed version, such as `cargo-deny@0.20.2`, and returns its path.
pub(crate) fn install(sh: &Shell, program: &str, flags: &[&str]) -> Result<PathBuf> {
    let directory = workspace::external(sh).join("cargo");
    cmd!(
        sh,
        "cargo install --quiet --locked {flags...} --root {directory} {program}"
    )
    .run()?;
    let name = program.split('@').next().unwrap_or(program);
    Ok(directory.join("bin").join(name))
}
