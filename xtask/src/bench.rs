//! `cargo xtask bench`: each figure as a ratio against a named peer of the same run.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{
    builds::{self, ROUNDS, median},
    compare, downstream, torture,
};

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
    let services = [
        compare::by_hand(),
        compare::ours(sh, "codegen", downstream::CODEGEN),
        compare::ours(sh, "snapshot", downstream::SNAPSHOT),
        downstream::models(sh),
    ];
    let builds = builds::measure(sh, &services)?;
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
