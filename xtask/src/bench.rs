//! `cargo xtask bench`: each figure as a ratio to a named baseline of the same run.

use std::process::ExitCode;

use aifi_push_testkit::median;
use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{
    builds::{self, ROUNDS},
    compare, downstream, python,
};

/// The program that measures, once it is [built](build).
pub(crate) const PROGRAM: &str = "target/release/aifi-push-bench";

/// Measure, and print tables of ratios to named baselines.
///
/// Takes three quarters of an hour, in which nothing else should run.
#[derive(clap::Args)]
pub(crate) struct Options {}

/// Measures and prints.
pub(crate) fn run(sh: &Shell) -> Result<ExitCode> {
    let mut table = vec![format!(
        "| {:<38} | {:<34} | {:>7} |\n|{:-<40}|{:-<36}|{:->9}|",
        "measured", "baseline", "ratio", "", "", ":"
    )];
    let mut row = |measured: &str, baseline: &str, ratio: f64| {
        table.push(format!(
            "| {measured:<38} | {baseline:<34} | {ratio:>6.2}× |"
        ));
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
    let (by_hand, ours) = builds.split_first().context("no services")?;
    let baseline = format!(
        "by hand ({:.1} s, {} crates)",
        by_hand.seconds, by_hand.crates
    );
    for (build, service) in ours.iter().zip(&services[1..]) {
        let name = service.name;
        let time = format!("cold build, {name} ({:.1} s)", build.seconds);
        row(&time, &baseline, build.seconds / by_hand.seconds);
        let crates = format!("crates, {name} ({})", build.crates);
        let ratio = build.crates as f64 / by_hand.crates as f64;
        row(&crates, &baseline, ratio);
    }
    println!("\n{}", table.join("\n"));

    python::nats_server(sh)?;
    build(sh)?;
    for measurement in ["throughput", "consumers", "full", "program", "cluster"] {
        println!();
        cmd!(sh, "{PROGRAM} {measurement}").run()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the program that measures, and `aifi-push`.
pub(crate) fn build(sh: &Shell) -> Result<()> {
    let packages = ["--package", "aifi-push-cli", "--package", "aifi-push-bench"];
    Ok(cmd!(sh, "cargo build --quiet --release {packages...}").run()?)
}

/// Returns our time as a share of the baseline's: decode, encode, calls.
fn benchmarks(sh: &Shell) -> Result<[f64; 3]> {
    let baselines = [
        ("decode", "value"),
        ("encode", "value"),
        ("client", "reqwest"),
    ];
    let mut ratios = baselines.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        cmd!(
            sh,
            "cargo bench --package aifi-push --bench codec --bench client -- --quiet"
        )
        .run()?;
        for ((group, baseline), ratios) in baselines.iter().zip(&mut ratios) {
            ratios.push(estimate(sh, group, "aifi-push")? / estimate(sh, group, baseline)?);
        }
    }
    let medians = ratios.map(|ratios| median(ratios, |ratio| *ratio).unwrap_or(f64::NAN));
    Ok(medians)
}

/// Returns the time of one iteration, in nanoseconds.
fn estimate(sh: &Shell, group: &str, name: &str) -> Result<f64> {
    let path = format!("target/criterion/{group}/{name}/new/estimates.json");
    let estimates: Value = serde_json::from_str(&sh.read_file(&path)?)?;
    estimates["median"]["point_estimate"].as_f64().context(path)
}
