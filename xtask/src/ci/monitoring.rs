//! The monitoring pack: a real Prometheus scrapes a real `serve`, and is asked every query.

mod dashboard;
mod prometheus;
mod receivers;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use prometheus::{Programs, Prometheus};
use receivers::Receivers;
use serde_json::Value;
use xshell::{Shell, cmd};

/// The pack.
const PACK: &str = "deploy/monitoring";

/// How long it may take until every query is answered.
const DEADLINE: Duration = Duration::from_secs(45);

/// How long to wait before a query is asked again.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn check(sh: &Shell) -> Result<()> {
    let programs = Programs::install(sh)?;
    let promtool = &programs.promtool;
    {
        let _directory = sh.push_dir(PACK);
        cmd!(sh, "{promtool} check config prometheus.yml").run()?;
        cmd!(sh, "{promtool} test rules alerts.test.yml").run()?;
    }
    let receivers = Receivers::start(sh)?;
    let prometheus = Prometheus::start(sh, &programs, receivers.metrics_address())?;
    receivers.send_events(sh)?;
    let alerts = prometheus.alerts()?;
    check_tests(sh, &alerts)?;
    let panels = dashboard::read(sh)?;
    let metrics = receivers.metrics()?;
    let queries = alerts.iter().map(|alert| (&alert.name, &alert.query));
    let queries = queries.chain(panels.iter().map(|panel| (&panel.title, &panel.query)));
    for (name, query) in queries {
        for metric in names(query) {
            let exists = metrics.lines().any(|line| {
                let rest = line.strip_prefix(metric);
                rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            });
            ensure!(exists, "{name}: /metrics has no {metric}");
        }
    }
    let deadline = Instant::now() + DEADLINE;
    for alert in &alerts {
        let answered = prometheus.query(&alert.query);
        answered.with_context(|| format!("alert {}", alert.name))?;
    }
    for panel in &panels {
        // A rate needs two scrapes.
        while prometheus.query(&panel.query)?.is_empty() {
            if Instant::now() > deadline {
                bail!("panel {}: no data for {}", panel.title, panel.query);
            }
            std::thread::sleep(PAUSE);
        }
    }
    println!(
        "{} alerts and {} queries of the dashboard were answered",
        alerts.len(),
        panels.len()
    );
    Ok(())
}

/// Checks that the tests have each alert fire, and not fire.
fn check_tests(sh: &Shell, alerts: &[prometheus::Alert]) -> Result<()> {
    let tests = sh.read_file(format!("{PACK}/alerts.test.yml"))?;
    let tests = aifi_push_codegen::yaml_to_json(&tests)?;
    let tests: Value = serde_json::from_str(&tests)?;
    let tests = tests["tests"].as_array().context("no tests")?;
    let cases = tests
        .iter()
        .filter_map(|test| test["alert_rule_test"].as_array());
    let (mut firing, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for case in cases.flatten() {
        let name = case["alertname"].as_str().context("no alertname")?;
        let alerts = case["exp_alerts"].as_array().context("no exp_alerts")?;
        if alerts.is_empty() {
            quiet.insert(name);
        } else {
            firing.insert(name);
        }
    }
    for alert in alerts {
        let name = alert.name.as_str();
        ensure!(firing.contains(name), "no test has {name} fire");
        ensure!(quiet.contains(name), "no test has {name} not fire");
    }
    Ok(())
}

/// The metrics in a query.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("aifi_push_"))
}
