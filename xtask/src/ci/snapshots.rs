//! The tests of the workspace, and no snapshot that none of them looks at.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use super::features;

pub(super) fn test_workspace(sh: &Shell) -> Result<()> {
    let references = sh.current_dir().join("target/snapshot-references");
    sh.remove_path(&references)?;
    let features = features::WITHOUT_NATIVE_TLS;
    cmd!(sh, "cargo test --workspace --features {features}")
        .env("INSTA_SNAPSHOT_REFERENCES_FILE", &references)
        .run()?;

    let references = sh.read_file(references)?;
    let referenced: BTreeSet<&str> = references.lines().collect();
    let tracked = cmd!(
        sh,
        "git ls-files --cached --others --exclude-standard *.snap *.snap.new"
    );
    let unreferenced: Vec<String> = tracked
        .read()?
        .lines()
        .map(|path| sh.current_dir().join(path).display().to_string())
        .filter(|path| !referenced.contains(path.as_str()))
        .collect();
    ensure!(
        unreferenced.is_empty(),
        "no test looks at these snapshots, remove them: {}",
        unreferenced.join(", ")
    );
    Ok(())
}
