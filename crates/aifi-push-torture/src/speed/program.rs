//! What the program weighs and how soon it serves, against a broker that would store the events.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use aifi_push_brokers::Broker;
use anyhow::Result;
use tokio::task::block_in_place;

use super::median;
use crate::serving::Place;

/// Rounds of each start. They take turns, and the median counts.
const ROUNDS: usize = 11;

/// Prints a table. `full` is where `events` are stored already.
pub(super) async fn run(binary: &Path, full: &Place, events: u64) -> Result<()> {
    let mut starts = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        starts[0].push(start(binary, &Place::new()?).await?);
        starts[1].push(start(binary, full).await?);
        starts[2].push(block_in_place(start_of_peer)?);
    }
    let [new, full, peer] = starts.map(|times| median(times, Duration::as_secs_f64));
    let (ours, theirs) = (size(binary)?, size(&aifi_push_brokers::program()?)?);
    let ratio = |ours: Duration| ours.as_secs_f64() / peer.as_secs_f64();
    println!(
        "\n| | aifi-push | nats-server with JetStream | ratio |\n|---|--:|--:|--:|\n\
         | size | {ours:.1} MB | {theirs:.1} MB | {:.2}× |\n\
         | start, nothing stored | {new:.1?} | {peer:.1?} | {:.2}× |\n\
         | start, {events} events stored | {full:.1?} | | {:.2}× |",
        ours / theirs,
        ratio(new),
        ratio(full),
    );
    Ok(())
}

/// From nothing until it listens.
async fn start(binary: &Path, place: &Place) -> Result<Duration> {
    let start = Instant::now();
    let serving = place.serve(binary).await?;
    let time = start.elapsed();
    serving.kill().await?;
    Ok(time)
}

fn start_of_peer() -> Result<Duration> {
    let start = Instant::now();
    let _broker = Broker::start()?;
    Ok(start.elapsed())
}

/// In megabytes.
fn size(program: &Path) -> Result<f64> {
    Ok(fs::metadata(program)?.len() as f64 / 1e6)
}
