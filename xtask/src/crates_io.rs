//! Programs of crates.io, under `target/judges`.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

/// Installs a program in a fixed version, such as `cargo-deny@0.20.2`, and gives where it lies.
pub(crate) fn install(sh: &Shell, program: &str, flags: &[&str]) -> Result<PathBuf> {
    let directory = sh.current_dir().join("target/judges/cargo");
    cmd!(
        sh,
        "cargo install --quiet --locked {flags...} --root {directory} {program}"
    )
    .run()?;
    let name = program.split('@').next().unwrap_or(program);
    Ok(directory.join("bin").join(name))
}
