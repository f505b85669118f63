//! What a service costs to build.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aifi_push_testkit::median;
use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::service::Service;

/// Rounds of each measurement. What is compared takes turns, and the median counts.
pub(crate) const ROUNDS: usize = 3;

/// What a service costs to build.
pub(crate) struct Build {
    /// From scratch, with the sources downloaded.
    pub(crate) seconds: f64,
    /// How many packages it depends on.
    pub(crate) crates: usize,
}

/// Builds each from scratch, in turns.
pub(crate) fn measure(sh: &Shell, services: &[Service]) -> Result<Vec<Build>> {
    let mut directories = Vec::new();
    for service in services {
        let directory = service.create(sh)?;
        let _directory = sh.push_dir(&directory);
        cmd!(sh, "cargo fetch --quiet").run()?;
        directories.push(directory);
    }
    let mut seconds = vec![Vec::new(); services.len()];
    for _ in 0..ROUNDS {
        for (directory, seconds) in directories.iter().zip(&mut seconds) {
            let _directory = sh.push_dir(directory);
            seconds.push(cold_build(sh)?.as_secs_f64());
        }
    }
    directories
        .iter()
        .zip(seconds)
        .map(|(directory, seconds)| {
            let _directory = sh.push_dir(directory);
            Ok(Build {
                seconds: median(seconds, |seconds| *seconds).context("no rounds")?,
                crates: crates(sh)?,
            })
        })
        .collect()
}

fn cold_build(sh: &Shell) -> Result<Duration> {
    sh.remove_path("target")?;
    let build = cmd!(sh, "cargo build --quiet --offline");
    let start = Instant::now();
    build.run()?;
    Ok(start.elapsed())
}

fn crates(sh: &Shell) -> Result<usize> {
    let tree = cmd!(
        sh,
        "cargo tree --edges normal,build --prefix none --no-dedupe"
    )
    .read()?;
    let packages: BTreeSet<&str> = tree.lines().collect();
    Ok(packages.len().saturating_sub(1))
}
