//! One to three receivers on three brokers, against a publisher that does nothing else.

use std::{path::Path, sync::Arc};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_brokers::Cluster;
use anyhow::{Context, Result};
use async_nats::jetstream::{self, stream::Config};
use tokio::{
    process::Command,
    task::{JoinSet, block_in_place},
    time::Instant,
};

use super::{ROUNDS, SPAN, Speed, median};
use crate::{
    serving::Serving,
    speed::{measure_at, summed_up},
};

/// How many events are on their way at a time, however many receivers there are.
const OUTSTANDING: [usize; 3] = [16, 64, 256];

/// Measures and prints a table.
pub(crate) async fn run(binary: &Path) -> Result<()> {
    println!(
        "| receivers | on their way | events/s | p50 | p99 | ratio to the bare publisher |\n\
         |--:|--:|--:|--:|--:|--:|"
    );
    for outstanding in OUTSTANDING {
        let mut bare = Vec::new();
        let mut ours = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            bare.push(publish(outstanding).await?);
            for (receivers, speeds) in (1..).zip(&mut ours) {
                speeds.push(receive(binary, receivers, outstanding).await?);
            }
        }
        let bare = median(bare);
        println!(
            "| none | {outstanding} | {:.0} | {:.1?} | {:.1?} | 1 |",
            bare.rate, bare.p50, bare.p99
        );
        for (receivers, speeds) in (1..).zip(ours) {
            let ours = median(speeds);
            println!(
                "| {receivers} | {outstanding} | {:.0} | {:.1?} | {:.1?} | {:.2}× |",
                ours.rate,
                ours.p50,
                ours.p99,
                ours.rate / bare.rate
            );
        }
    }
    Ok(())
}

async fn receive(binary: &Path, receivers: usize, outstanding: usize) -> Result<Speed> {
    let cluster = block_in_place(Cluster::start)?;
    let mut serving = Vec::new();
    for _ in 0..receivers {
        let mut command = Command::new(binary);
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log",
            "off",
            "--inbox",
        ]);
        command.arg(cluster.url());
        serving.push(Serving::start(command).await?);
    }
    let addresses: Result<Vec<_>> = serving.iter().map(Serving::address).collect();
    let speed = measure_at(&addresses?, outstanding).await?;
    for serving in serving {
        serving.kill().await?;
    }
    Ok(speed)
}

/// The same events into a stream of the same replicas, by a client of the brokers.
async fn publish(outstanding: usize) -> Result<Speed> {
    let cluster = block_in_place(Cluster::start)?;
    let url = cluster.url();
    let servers: Vec<_> = url.trim_start_matches("nats://").split(',').collect();
    let context = jetstream::new(async_nats::connect(servers).await?);
    let config = Config {
        name: "BARE".to_owned(),
        num_replicas: 3,
        ..Config::default()
    };
    while context.create_stream(config.clone()).await.is_err() {
        tokio::time::sleep(SPAN / 10).await;
    }
    let body: Arc<str> = TRANSITION_LEFT.example.context("no example")?.into();
    let mut publishers = JoinSet::new();
    let start = Instant::now();
    for _ in 0..outstanding {
        let (context, body) = (context.clone(), Arc::clone(&body));
        publishers.spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < SPAN {
                let sent = Instant::now();
                let payload = body.as_bytes().to_vec().into();
                context.publish("BARE", payload).await?.await?;
                times.push(sent.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    summed_up(publishers, start).await
}
