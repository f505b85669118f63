//! `cargo xtask regen`: updates the reviewed snapshots.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::ExitCode,
};

use aifi_push_codegen::generate;
use anyhow::{Context, Result, ensure};
use similar::TextDiff;
use xshell::{Shell, cmd};

use crate::workspace::{DOCUMENT, SNAPSHOTS};

/// Generate the code again and rewrite the reviewed snapshots.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing, and fail if a snapshot is stale.
    #[arg(long)]
    check: bool,
}

/// Snapshots by file name.
type Snapshots = BTreeMap<String, String>;

/// Regenerates, or only checks.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<ExitCode> {
    if options.check {
        check(sh)?;
    } else {
        regenerate(sh)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails if a snapshot is stale. Writes nothing.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let (reviewed, fresh) = compare(sh)?;
    ensure!(
        reviewed == fresh,
        "{SNAPSHOTS} is stale: run `cargo xtask regen` and review what it changes"
    );
    println!("{SNAPSHOTS} is up to date");
    Ok(())
}

fn regenerate(sh: &Shell) -> Result<()> {
    let (reviewed, fresh) = compare(sh)?;
    if reviewed == fresh {
        println!("{SNAPSHOTS} is up to date");
        return Ok(());
    }
    for (name, text) in &fresh {
        sh.write_file(format!("{SNAPSHOTS}/{name}"), text)?;
    }
    for name in reviewed.keys().filter(|name| !fresh.contains_key(*name)) {
        sh.remove_path(format!("{SNAPSHOTS}/{name}"))?;
    }
    println!("{SNAPSHOTS} is rewritten: review the change and commit it");
    Ok(())
}

/// Returns the reviewed snapshots and fresh ones, and prints the difference.
fn compare(sh: &Shell) -> Result<(Snapshots, Snapshots)> {
    let document = sh.read_file(DOCUMENT)?;
    // The build script generates too, but cargo wraps its error about an invalid document.
    generate(&document).context(DOCUMENT)?;

    let fresh = fresh_snapshots(sh)?;
    let reviewed = read_snapshots(sh, SNAPSHOTS)?;
    print!("{}", changes(&reviewed, &fresh));
    Ok((reviewed, fresh))
}

/// Runs the snapshot tests with a separate directory.
fn fresh_snapshots(sh: &Shell) -> Result<Snapshots> {
    let directory = sh.current_dir().join("target/fresh-snapshots");
    sh.remove_path(&directory)?;
    let tests = cmd!(
        sh,
        "cargo test --quiet --package aifi-push --no-default-features
            --features codegen,schemars --test it -- snapshots::"
    );
    let output = tests
        .env("AIFI_PUSH_SNAPSHOTS", &directory)
        .env("INSTA_UPDATE", "always")
        .quiet()
        .ignore_status()
        .output()?;
    ensure!(
        output.status.success(),
        "the snapshot tests failed\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    read_snapshots(sh, &directory)
}

fn read_snapshots(sh: &Shell, directory: impl AsRef<Path>) -> Result<Snapshots> {
    let directory = directory.as_ref();
    if !sh.path_exists(directory) {
        return Ok(Snapshots::new());
    }
    let mut snapshots = Snapshots::new();
    for path in sh.read_dir(directory)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        snapshots.insert(name.into_owned(), sh.read_file(&path)?);
    }
    Ok(snapshots)
}

/// Returns the difference as a unified diff.
fn changes(old: &Snapshots, new: &Snapshots) -> String {
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let empty = String::new();
    names
        .into_iter()
        .map(|name| {
            let old = old.get(name).unwrap_or(&empty);
            let new = new.get(name).unwrap_or(&empty);
            TextDiff::from_lines(old, new)
                .unified_diff()
                .header(&format!("reviewed/{name}"), &format!("generated/{name}"))
                .to_string()
        })
        .collect()
}
