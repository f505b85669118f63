//! Three receivers on three brokers, any of which dies, hangs and comes back, while events arrive
//! and are consumed.

mod consumers;
mod receiver;
mod settle;

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use aifi_push_brokers::Cluster;
use aifi_push_receiver::JetStreamInbox;
use anyhow::{Context, Result, bail, ensure};
use consumers::{Consumed, Running};
use receiver::Receiver;
use settle::settle;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use crate::{ledger::Ledger, load::Load};

/// How long everything may take to come back, and the consumers to see what is left.
const PATIENCE: Duration = Duration::from_secs(90);

/// Does its worst for a time, and counts.
pub(crate) async fn run(binary: &Path, span: Duration) -> Result<()> {
    let mut cluster = block_in_place(Cluster::start)?;
    let url = cluster.url();
    let ledger = Arc::new(Ledger::default());
    let consumed = Arc::new(Consumed::default());
    let (mut receivers, mut loads) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let receiver = Receiver::start(binary, &url).await?;
        loads.push(Load::start(&receiver.serving.url, 8, &ledger)?);
        receivers.push(receiver);
    }
    let mut consumers = Vec::new();
    for _ in 0..3 {
        consumers.push(Running::start(&url, &consumed).await?);
    }

    let (mut counts, end) = (HashMap::new(), Instant::now() + span);
    while Instant::now() < end {
        sleep(Duration::from_millis(fastrand::u64(200..1500))).await;
        let disaster = Disaster::ALL[fastrand::usize(..Disaster::ALL.len())];
        *counts.entry(disaster.name()).or_insert(0) += 1;
        match disaster {
            Disaster::KillBroker => {
                let nth = fastrand::usize(..3);
                block_in_place(|| cluster.brokers()[nth].kill())?;
                pause().await;
                block_in_place(|| cluster.brokers()[nth].restart())?;
            }
            Disaster::KillLeader => {
                let Some(leader) = cluster.leader("AIFI_PUSH").await else {
                    continue;
                };
                let broker = cluster.named(&leader).context("no such broker")?;
                block_in_place(|| broker.kill())?;
                pause().await;
                block_in_place(|| broker.restart())?;
            }
            Disaster::PauseBroker => {
                let broker = &cluster.brokers()[fastrand::usize(..3)];
                broker.pause()?;
                pause().await;
                broker.resume()?;
            }
            Disaster::RestartBrokers => {
                for broker in cluster.brokers() {
                    block_in_place(|| broker.kill())?;
                }
                for broker in cluster.brokers() {
                    block_in_place(|| broker.restart())?;
                }
            }
            Disaster::KillReceiver => {
                let nth = fastrand::usize(..3);
                let receiver = receivers.swap_remove(nth);
                receivers.push(receiver.kill_and_restart(binary, &url).await?);
            }
            Disaster::MoveConsumer => {
                let consumer = consumers.swap_remove(fastrand::usize(..3));
                consumer.cut_off();
                consumers.push(Running::start(&url, &consumed).await?);
            }
        }
    }
    for load in loads {
        load.stop().await?;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    for (name, count) in counts {
        println!("{count:>4} times {name}");
    }

    let acknowledged = Arc::into_inner(ledger).context("a sender goes on")?.close();
    ensure!(!acknowledged.is_empty(), "nothing was acknowledged");
    let inbox = open(&url).await?;
    let settled = settle(&inbox, &acknowledged, &consumed).await?;
    for consumer in consumers {
        consumer.stop().await?;
    }
    for receiver in receivers {
        receiver.serving.kill().await?;
    }
    println!(
        "\n| acknowledged | consumed | quarantined | lost | delivered twice |\n|--:|--:|--:|--:|--:|\n\
         | {} | {} | {} | {} | {} |",
        acknowledged.len(),
        settled.consumed,
        settled.quarantined,
        settled.lost,
        consumed.more_than_once(),
    );
    ensure!(
        settled.lost == 0,
        "{} acknowledged events were lost",
        settled.lost
    );
    Ok(())
}

async fn pause() {
    sleep(Duration::from_millis(fastrand::u64(500..4000))).await;
}

#[derive(Clone, Copy)]
enum Disaster {
    KillBroker,
    KillLeader,
    PauseBroker,
    RestartBrokers,
    KillReceiver,
    MoveConsumer,
}

impl Disaster {
    const ALL: [Self; 6] = [
        Self::KillBroker,
        Self::KillLeader,
        Self::PauseBroker,
        Self::RestartBrokers,
        Self::KillReceiver,
        Self::MoveConsumer,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::KillBroker => "a broker was killed",
            Self::KillLeader => "the leader of the stream was killed",
            Self::PauseBroker => "a broker was paused",
            Self::RestartBrokers => "all brokers were killed and restarted",
            Self::KillReceiver => "a receiver was killed and restarted",
            Self::MoveConsumer => "a consumer was cut off and started elsewhere",
        }
    }
}

/// Opens the inbox, however long the brokers take to be ready.
async fn open(url: &str) -> Result<JetStreamInbox> {
    let end = Instant::now() + PATIENCE;
    loop {
        match JetStreamInbox::builder(url).open().await {
            Ok(inbox) => return Ok(inbox),
            Err(error) if Instant::now() > end => bail!(error),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}
