//! One to three receivers on three brokers, against a publisher that does nothing else.

use std::path::Path;

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_brokers::{Broker, Cluster};
use aifi_push_receiver::{Event, Inbox, JetStreamInbox};
use anyhow::{Context as _, Result};
use async_nats::jetstream::{
    self, Context,
    message::PublishMessage,
    stream::{Config, DiscardPolicy},
};
use axum::body::Bytes;
use tokio::{
    process::Command,
    task::{JoinSet, block_in_place},
    time::Instant,
};
use uuid::Uuid;

use super::{ROUNDS, SPAN, Speed, median};
use crate::{
    serving::Serving,
    speed::{measure_at, resident, summed_up},
};

/// How many events are on their way at a time, however many receivers there are.
const OUTSTANDING: [usize; 3] = [16, 64, 256];

/// Measures and prints a table.
pub(crate) async fn run(binary: &Path) -> Result<()> {
    println!(
        "| on their way | receivers | events/s | p50 | p99 | of a bare publisher | of one of the same messages |\n\
         |--:|--:|--:|--:|--:|--:|--:|"
    );
    for outstanding in OUTSTANDING {
        let (mut bare, mut same) = (Vec::new(), Vec::new());
        let mut ours = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            bare.push(publish(outstanding, Message::Bare).await?);
            same.push(publish(outstanding, Message::Same).await?);
            for (receivers, speeds) in (1..).zip(&mut ours) {
                speeds.push(receive(binary, receivers, outstanding).await?);
            }
        }
        let rate = |speed: &Speed| speed.rate;
        let (bare, same) = (median(bare, rate), median(same, rate));
        for (receivers, speeds) in (1..).zip(ours) {
            let ours = median(speeds, rate);
            println!(
                "| {outstanding} | {receivers} | {:.0} | {:.1?} | {:.1?} | {:.2}× of {:.0} | {:.2}× of {:.0} |",
                ours.rate,
                ours.p50,
                ours.p99,
                ours.rate / bare.rate,
                bare.rate,
                ours.rate / same.rate,
                same.rate
            );
        }
    }
    memory().await
}

/// Prints the memory of a broker before and after it stores many events.
async fn memory() -> Result<()> {
    const BATCH: usize = 1000;
    const BATCHES: usize = 500;
    let broker = block_in_place(Broker::start)?;
    let inbox = JetStreamInbox::builder(broker.url()).replicas(1).open();
    let inbox = inbox.await?;
    println!("\n| events in a broker | resident memory |\n|--:|--:|");
    println!("| 0 | {} |", resident(broker.id()?)?);
    let example = TRANSITION_LEFT.example.context("no example")?;
    for _ in 0..BATCHES {
        let events = (0..BATCH).map(|_| Event::arrived(&TRANSITION_LEFT, example));
        inbox.append(events.collect()).await?;
    }
    println!("| {} | {} |", BATCH * BATCHES, resident(broker.id()?)?);
    let stats = inbox.stats().await?;
    println!(
        "\n{} bytes stored for an event of {}",
        stats.bytes / stats.events,
        example.len()
    );
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

/// What a publisher publishes, with the same body.
#[derive(Clone, Copy)]
enum Message {
    /// The body alone, all under one subject.
    Bare,
    /// What we publish: each under a subject of its own, with its id, its time and the name of the
    /// stream, into a stream that refuses a second of the same subject.
    Same,
}

impl Message {
    fn stream(self) -> Config {
        let config = Config {
            name: "PEER".to_owned(),
            subjects: vec!["peer.>".to_owned()],
            num_replicas: 3,
            ..Config::default()
        };
        match self {
            Self::Bare => config,
            Self::Same => Config {
                discard: DiscardPolicy::New,
                max_messages_per_subject: 1,
                discard_new_per_subject: true,
                ..config
            },
        }
    }

    async fn publish(self, context: &Context, body: Bytes) -> Result<()> {
        let message = PublishMessage::build().payload(body);
        let sent = match self {
            Self::Bare => context.send_publish("peer.event", message).await?,
            Self::Same => {
                let id = Uuid::now_v7().to_string();
                let message = message
                    .message_id(&id)
                    .expected_stream("PEER")
                    .header("Received-At", "2026-11-24T10:00:00.000000Z");
                context
                    .send_publish(format!("peer.event.{id}"), message)
                    .await?
            }
        };
        sent.await?;
        Ok(())
    }
}

/// The same bodies into a stream of the same replicas, by a client of the brokers.
async fn publish(outstanding: usize, message: Message) -> Result<Speed> {
    let cluster = block_in_place(Cluster::start)?;
    let url = cluster.url();
    let servers: Vec<_> = url.trim_start_matches("nats://").split(',').collect();
    let context = jetstream::new(async_nats::connect(servers).await?);
    while context.create_stream(message.stream()).await.is_err() {
        tokio::time::sleep(SPAN / 10).await;
    }
    let body = Bytes::from_static(TRANSITION_LEFT.example.context("no example")?.as_bytes());
    let mut publishers = JoinSet::new();
    let start = Instant::now();
    for _ in 0..outstanding {
        let (context, body) = (context.clone(), body.clone());
        publishers.spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < SPAN {
                let sent = Instant::now();
                message.publish(&context, body.clone()).await?;
                times.push(sent.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    summed_up(publishers, start).await
}
