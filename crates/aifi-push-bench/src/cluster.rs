//! One to three receivers on three brokers, against publishers that do nothing else.

mod publisher;

use std::{path::Path, process::Command};

use aifi_push_receiver::inbox::{Admin, Append, JetStreamInbox};
use aifi_push_testkit::{
    ServeProcess,
    brokers::{Broker, Cluster},
    events::{documented, left},
};
use anyhow::Result;
use publisher::{Message, publish};
use tokio::task::block_in_place;

use crate::{
    program::resident,
    rate::{self, ROUNDS, Rate},
};

/// How many events are in flight at a time, however many receivers there are.
const IN_FLIGHT: [usize; 3] = [16, 64, 256];

/// Measures and prints tables.
pub(crate) async fn run(binary: &Path) -> Result<()> {
    println!(
        "| in flight | receivers | events/s | p50 | p99 | ratio to a bare publisher | ratio to one of the same messages |\n\
         |--:|--:|--:|--:|--:|--:|--:|"
    );
    for in_flight in IN_FLIGHT {
        let (mut bare, mut same) = (Vec::new(), Vec::new());
        let mut ours = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            bare.push(publish(in_flight, Message::Bare).await?);
            same.push(publish(in_flight, Message::Same).await?);
            for (receivers, rates) in (1..).zip(&mut ours) {
                rates.push(receive(binary, receivers, in_flight).await?);
            }
        }
        let bare = Rate::median(bare)?.per_second;
        let same = Rate::median(same)?.per_second;
        for (receivers, rates) in (1..).zip(ours) {
            let ours = Rate::median(rates)?;
            println!(
                "| {in_flight} | {receivers} | {:.0} | {:.1?} | {:.1?} | {:.2}× of {bare:.0} | {:.2}× of {same:.0} |",
                ours.per_second,
                ours.p50,
                ours.p99,
                ours.per_second / bare,
                ours.per_second / same,
            );
        }
    }
    memory().await
}

async fn receive(binary: &Path, receivers: usize, in_flight: usize) -> Result<Rate> {
    let cluster = block_in_place(Cluster::start)?;
    let mut processes = Vec::new();
    for _ in 0..receivers {
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "off"])
            .args(["--inbox", &cluster.url()]);
        processes.push(block_in_place(|| ServeProcess::start(command))?);
    }
    let addresses: Vec<_> = processes.iter().map(ServeProcess::address).collect();
    let rate = rate::measure(&addresses, in_flight).await?;
    // The receivers end before the brokers.
    block_in_place(|| drop(processes));
    Ok(rate)
}

/// Prints the memory of a broker before and after it stores many events.
async fn memory() -> Result<()> {
    const BATCH: i64 = 1000;
    const BATCHES: usize = 500;
    let broker = block_in_place(Broker::start)?;
    let inbox = JetStreamInbox::builder(broker.url()).replicas(1).open();
    let inbox = inbox.await?;
    println!("\n| events in a broker | resident memory |\n|--:|--:|");
    println!("| 0 | {} |", resident(broker.id()?)?);
    for _ in 0..BATCHES {
        inbox.append((0..BATCH).map(left).collect()).await?;
    }
    let stats = inbox.stats().await?;
    println!("| {} | {} |", stats.events, resident(broker.id()?)?);
    println!(
        "\n{} bytes stored for an event of {}",
        stats.bytes / stats.events,
        documented().len()
    );
    Ok(())
}
