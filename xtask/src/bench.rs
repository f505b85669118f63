//! `cargo xtask bench`: each figure as a ratio against a named peer of the same run.

use std::{
    collections::BTreeSet,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{
    downstream::{self, Service},
    torture,
};

/// Rounds of each measurement. We and the peers take turns, and the median counts.
const ROUNDS: usize = 3;

/// Measure, and print a table of ratios against named peers.
///
/// It takes three quarters of an hour and nothing else should run.
#[derive(clap::Args)]
pub(crate) struct Options {}

/// Measures and prints.
pub(crate) fn run(sh: &Shell) -> Result<ExitCode> {
    let mut table = vec![format!(
        "| {:<38} | {:<34} | {:>7} |\n|{:-<40}|{:-<36}|{:->9}|",
        "measured", "against", "ratio", "", "", ":"
    )];
    let mut row = |measured: &str, peer: &str, ratio: f64| {
        table.push(format!("| {measured:<38} | {peer:<34} | {ratio:>6.2}× |"));
    };

    let [decode, encode, calls] = benchmarks(sh)?;
    row("time to decode", "serde_json::Value", decode);
    row("time to encode", "serde_json::Value", encode);
    row("calls per second", "reqwest by hand", 1.0 / calls);

    downstream::package(sh)?;
    let by_hand = downstream::by_hand();
    let services = [
        by_hand,
        downstream::codegen(sh),
        downstream::snapshot(sh),
        downstream::models(sh),
    ];
    let builds = builds(sh, &services)?;
    let (peer, ours) = builds.split_first().context("no services")?;
    let against = format!("by hand ({:.1} s, {} crates)", peer.seconds, peer.crates);
    for (build, service) in ours.iter().zip(&services[1..]) {
        let name = service.name;
        let time = format!("cold build, {name} ({:.1} s)", build.seconds);
        row(&time, &against, build.seconds / peer.seconds);
        let crates = format!("crates, {name} ({})", build.crates);
        row(&crates, &against, build.crates as f64 / peer.crates as f64);
    }

    println!("\n{}\n", table.join("\n"));
    torture::speed(sh)?;
    Ok(ExitCode::SUCCESS)
}

/// Our time as a share of the peer's: decode, encode, calls.
fn benchmarks(sh: &Shell) -> Result<[f64; 3]> {
    let peers = [
        ("decode", "value"),
        ("encode", "value"),
        ("client", "reqwest"),
    ];
    let mut ratios = peers.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        cmd!(
            sh,
            "cargo bench --package aifi-push --bench codec --bench client -- --quiet"
        )
        .run()?;
        for ((group, peer), ratios) in peers.iter().zip(&mut ratios) {
            ratios.push(estimate(sh, group, "aifi-push")? / estimate(sh, group, peer)?);
        }
    }
    Ok(ratios.map(median))
}

/// The time of one iteration, in nanoseconds.
fn estimate(sh: &Shell, group: &str, name: &str) -> Result<f64> {
    let path = format!("target/criterion/{group}/{name}/new/estimates.json");
    let estimates: Value = serde_json::from_str(&sh.read_file(&path)?)?;
    estimates["median"]["point_estimate"].as_f64().context(path)
}

struct Build {
    seconds: f64,
    crates: usize,
}

fn builds(sh: &Shell, services: &[Service]) -> Result<Vec<Build>> {
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

/// How many packages a build takes besides the service itself.
fn crates(sh: &Shell) -> Result<usize> {
    let tree = cmd!(
        sh,
        "cargo tree --edges normal,build --prefix none --no-dedupe"
    )
    .read()?;
    let packages: BTreeSet<&str> = tree.lines().collect();
    Ok(packages.len().saturating_sub(1))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
