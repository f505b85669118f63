//! How fast events are acknowledged, each on disk, against peers that do less.

mod connection;
pub(crate) mod machines;
mod peers;
mod program;

use std::{env, path::Path, time::Duration};

use anyhow::{Context, Result};
use connection::Connection;
pub(crate) use peers::{Peer, serve};
use tokio::{process::Command, task::JoinSet, time::Instant};

use crate::serving::{Place, Serving};

/// How long each measurement takes.
const SPAN: Duration = Duration::from_secs(3);

/// Rounds of each measurement. The servers take turns, and the median counts.
const ROUNDS: usize = 3;

/// Measures and prints tables.
pub(crate) async fn run(binary: &Path, events: u64) -> Result<()> {
    println!(
        "| connections | events/s | p50 | p99 | ratio to storing nothing | ratio to a commit each |\n\
         |--:|--:|--:|--:|--:|--:|"
    );
    for connections in [1, 64, 512] {
        let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let place = Place::new()?;
            rounds[0].push(measure(place.serve(binary).await?, connections).await?);
            rounds[1].push(measure(peer("nothing").await?, connections).await?);
            rounds[2].push(measure(peer("commit-each").await?, connections).await?);
        }
        let [ours, nothing, each] = rounds.map(|speeds| median(speeds, |speed| speed.rate));
        println!(
            "| {connections} | {:.0} | {:.1?} | {:.1?} | {:.2}× of {:.0} | {:.1}× of {:.0} |",
            ours.rate,
            ours.p50,
            ours.p99,
            ours.rate / nothing.rate,
            nothing.rate,
            ours.rate / each.rate,
            each.rate
        );
    }
    let place = Place::new()?;
    memory(binary, &place, events).await?;
    program::run(binary, &place, events).await
}

async fn peer(kind: &str) -> Result<Serving> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["peer", kind]);
    Serving::start(command).await
}

struct Speed {
    /// Acknowledged events a second.
    rate: f64,
    p50: Duration,
    p99: Duration,
}

/// The middle one of some measurements, by one figure of each.
fn median<T>(mut measured: Vec<T>, figure: impl Fn(&T) -> f64) -> T {
    measured.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
    measured.swap_remove(measured.len() / 2)
}

async fn measure(serving: Serving, connections: usize) -> Result<Speed> {
    let speed = measure_at(&[serving.address()?], connections).await?;
    serving.kill().await?;
    Ok(speed)
}

/// Each connection sends the next event when the last is acknowledged.
async fn measure_at(addresses: &[&str], connections: usize) -> Result<Speed> {
    let mut senders = JoinSet::new();
    let start = Instant::now();
    for address in addresses.iter().cycle().take(connections) {
        let mut connection = Connection::open(address).await?;
        senders.spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < SPAN {
                let sent = Instant::now();
                connection.send().await?;
                times.push(sent.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    summed_up(senders, start).await
}

/// Waits for all senders, each of which gives how long each of its events took.
async fn summed_up(mut senders: JoinSet<Result<Vec<Duration>>>, start: Instant) -> Result<Speed> {
    let mut times = Vec::new();
    while let Some(ended) = senders.join_next().await {
        times.extend(ended??);
    }
    let seconds = start.elapsed().as_secs_f64();
    times.sort_unstable();
    let quantile = |share: usize| times.get(times.len() * share / 100).copied();
    Ok(Speed {
        rate: times.len() as f64 / seconds,
        p50: quantile(50).context("nothing was acknowledged")?,
        p99: quantile(99).unwrap_or_default(),
    })
}

/// Prints the memory of the process as it takes more and more events.
async fn memory(binary: &Path, place: &Place, events: u64) -> Result<()> {
    let serving = place.serve(binary).await?;
    println!("\n| events | resident memory |\n|--:|--:|");
    let steps = 10;
    for step in 1..=steps {
        let mut senders = JoinSet::new();
        let connections = 64;
        for _ in 0..connections {
            let mut connection = Connection::open(serving.address()?).await?;
            senders.spawn(async move {
                for _ in 0..events / steps / connections {
                    connection.send().await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = senders.join_next().await {
            ended??;
        }
        println!(
            "| {} | {} |",
            events * step / steps,
            resident(serving.id()?)?
        );
    }
    serving.kill().await
}

/// As Linux tells it, such as `31416 kB`.
fn resident(process: u32) -> Result<String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.context("no VmRSS")?.trim().to_owned())
}
