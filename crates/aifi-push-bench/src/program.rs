//! The memory of a receiver, its size and how soon it listens, against a broker that would store the
//! events.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use aifi_push_testkit::{
    TempInbox,
    brokers::{self, Broker},
    median,
};
use anyhow::{Context, Result};
use tokio::task::{JoinSet, block_in_place};

use crate::{connection::Connection, serve};

/// Rounds of each start. They take turns, and the median counts.
const ROUNDS: usize = 11;

/// How often memory is measured.
const STEPS: u64 = 10;

/// Connections that fill the inbox.
const CONNECTIONS: u64 = 64;

/// Measures and prints tables.
pub(crate) async fn run(binary: &Path, events: u64) -> Result<()> {
    let full = TempInbox::new()?;
    memory(binary, &full, events).await?;
    starts(binary, &full, events)
}

/// Prints the memory of the process as it receives more and more events.
async fn memory(binary: &Path, inbox: &TempInbox, events: u64) -> Result<()> {
    let process = serve(binary, inbox)?;
    println!("| events | resident memory |\n|--:|--:|");
    for step in 1..=STEPS {
        let mut senders = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let mut connection = Connection::open(process.address()).await?;
            senders.spawn(async move {
                for _ in 0..events / STEPS / CONNECTIONS {
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
            events * step / STEPS,
            resident(process.id())?
        );
    }
    block_in_place(|| process.kill())
}

/// Prints size and time to start. `full` contains `events` events.
fn starts(binary: &Path, full: &TempInbox, events: u64) -> Result<()> {
    let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        rounds[0].push(start(binary, &TempInbox::new()?)?);
        rounds[1].push(start(binary, full)?);
        rounds[2].push(start_of_broker()?);
    }
    let [new, full, broker] = rounds.map(|times| median(times, Duration::as_secs_f64));
    let starts = new.zip(full).zip(broker).context("no rounds")?;
    let ((new, full), broker) = starts;
    let (ours, theirs) = (size(binary)?, size(&brokers::program()?)?);
    let ratio = |ours: Duration| ours.as_secs_f64() / broker.as_secs_f64();
    println!(
        "\n| | aifi-push | nats-server with JetStream | ratio |\n|---|--:|--:|--:|\n\
         | size | {ours:.1} MB | {theirs:.1} MB | {:.2}× |\n\
         | start, nothing stored | {new:.1?} | {broker:.1?} | {:.2}× |\n\
         | start, {events} events stored | {full:.1?} | | {:.2}× |",
        ours / theirs,
        ratio(new),
        ratio(full),
    );
    Ok(())
}

/// Returns how long it takes until it listens.
fn start(binary: &Path, inbox: &TempInbox) -> Result<Duration> {
    let start = Instant::now();
    let process = serve(binary, inbox)?;
    let time = start.elapsed();
    block_in_place(|| process.kill())?;
    Ok(time)
}

fn start_of_broker() -> Result<Duration> {
    let start = Instant::now();
    let broker = block_in_place(Broker::start)?;
    let time = start.elapsed();
    drop(broker);
    Ok(time)
}

/// Returns the size in megabytes.
fn size(program: &Path) -> Result<f64> {
    Ok(fs::metadata(program)?.len() as f64 / 1e6)
}

/// Returns the resident memory of a process as Linux reports it, such as `31416 kB`.
pub(crate) fn resident(process: u32) -> Result<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.context("no VmRSS")?.trim().to_owned())
}
