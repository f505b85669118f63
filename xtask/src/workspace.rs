//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

/// The OpenAPI document.
pub(crate) const DOCUMENT: &str = "openapi/aifi-push.json";
/// The reviewed copies of what is generated.
pub(crate) const SNAPSHOTS: &str = "crates/aifi-push/snapshots";

/// Returns the root of the workspace, wherever the command is run.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// Returns the directory of the programs that are installed for chores, in fixed versions.
pub(crate) fn external(sh: &Shell) -> PathBuf {
    sh.current_dir().join("target/external")
}

/// Builds `aifi-push` for debugging, and returns its path.
pub(crate) fn build_program(sh: &Shell) -> Result<PathBuf> {
    cmd!(sh, "cargo build --quiet --package aifi-push-cli").run()?;
    Ok(sh.current_dir().join("target/debug/aifi-push"))
}

/// Copies the files of the workspace, as they are now, to another directory, and returns its path.
pub(crate) fn copy(sh: &Shell, directory: &str) -> Result<PathBuf> {
    let copy = sh.current_dir().join(directory);
    sh.remove_path(&copy)?;
    sh.create_dir(&copy)?;
    let files = cmd!(sh, "git ls-files --cached --others --exclude-standard").read()?;
    let files = files.lines().filter(|file| sh.path_exists(file));
    cmd!(sh, "cp --parents --no-dereference {files...} {copy}")
        .quiet()
        .run()?;
    Ok(copy)
}
