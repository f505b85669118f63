//! How long a cold build of a service takes.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::service::Service;

/// Rounds of each measurement. We and the peers take turns, and the median counts.
pub(crate) const ROUNDS: usize = 3;

/// What it takes to build a service.
pub(crate) struct Build {
    /// From nothing, with the sources at hand.
    pub(crate) seconds: f64,
    /// How many packages it takes besides the service itself.
    pub(crate) crates: usize,
}

/// Builds each from nothing, in turns.
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
                seconds: median(seconds),
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

/// The middle one of some measurements.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
