//! Three receivers on three brokers, any of which is killed, paused and restarted while events are
//! received and consumed.

mod consumers;
mod receiver;
mod settle;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use aifi_push_inbox::JetStreamInbox;
use aifi_push_testkit::brokers::Cluster;
use anyhow::{Context, Result, ensure};
use consumers::{Consumed, RunningConsumer};
use receiver::Receiver;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use crate::{ledger::Ledger, load::Load};

/// How long everything may take to recover, and the consumers to receive the next event.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(90);

/// The stream of the events.
const STREAM: &str = "AIFI_PUSH";

/// Injects faults for a time, and fails if an acknowledged event was lost.
pub(crate) async fn run(binary: &Path, time: Duration) -> Result<()> {
    let cluster = block_in_place(Cluster::start)?;
    let url = cluster.url();
    let ledger = Arc::new(Ledger::default());
    let consumed = Arc::new(Consumed::default());
    let (mut receivers, mut loads, mut consumers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let receiver = Receiver::start(binary, &url)?;
        loads.push(Load::start(receiver.url(), 8, &ledger)?);
        receivers.push(receiver);
    }
    for _ in 0..3 {
        consumers.push(RunningConsumer::start(&url, &consumed).await?);
    }
    let mut system = System {
        cluster,
        receivers,
        consumers,
        consumed,
    };

    let (mut counts, end) = (BTreeMap::new(), Instant::now() + time);
    while Instant::now() < end {
        sleep(Duration::from_millis(fastrand::u64(200..1500))).await;
        let fault = Fault::ALL[fastrand::usize(..Fault::ALL.len())];
        if system.inject(fault).await? {
            *counts.entry(fault.name()).or_insert(0) += 1;
        }
    }
    for load in loads {
        load.stop().await?;
    }
    for (name, count) in counts {
        println!("{count:>4} times {name}");
    }

    let acknowledged = Arc::into_inner(ledger).context("a sender goes on")?.close();
    ensure!(!acknowledged.is_empty(), "nothing was acknowledged");
    let inbox = open(&url).await?;
    let settled = settle::settle(&url, &inbox, &acknowledged, &system.consumed).await?;
    for consumer in system.consumers {
        consumer.stop().await?;
    }
    println!(
        "\n| acknowledged | consumed | quarantined | lost | delivered twice |\n|--:|--:|--:|--:|--:|\n\
         | {} | {} | {} | {} | {} |",
        acknowledged.len(),
        settled.consumed,
        settled.quarantined,
        settled.lost,
        system.consumed.more_than_once(),
    );
    ensure!(
        settled.lost == 0,
        "{} acknowledged events were lost",
        settled.lost
    );
    Ok(())
}

#[derive(Clone, Copy)]
enum Fault {
    KillBroker,
    KillLeader,
    PauseBroker,
    RestartBrokers,
    KillReceiver,
    KillConsumer,
}

impl Fault {
    const ALL: [Self; 6] = [
        Self::KillBroker,
        Self::KillLeader,
        Self::PauseBroker,
        Self::RestartBrokers,
        Self::KillReceiver,
        Self::KillConsumer,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::KillBroker => "a broker was killed and restarted",
            Self::KillLeader => "the leader of the stream was killed and restarted",
            Self::PauseBroker => "a broker was paused",
            Self::RestartBrokers => "all brokers were killed and restarted",
            Self::KillReceiver => "a receiver was killed and restarted",
            Self::KillConsumer => "a consumer was killed and another started",
        }
    }
}

/// What faults are injected into.
struct System {
    cluster: Cluster,
    receivers: Vec<Receiver>,
    consumers: Vec<RunningConsumer>,
    consumed: Arc<Consumed>,
}

impl System {
    /// Returns `false` if there was nothing to inject it into.
    async fn inject(&mut self, fault: Fault) -> Result<bool> {
        let nth = fastrand::usize(..3);
        match fault {
            Fault::KillBroker => {
                let broker = &mut self.cluster.brokers()[nth];
                block_in_place(|| broker.kill())?;
                outage().await;
                block_in_place(|| broker.restart())?;
            }
            Fault::KillLeader => {
                let Some(leader) = self.cluster.leader(STREAM).await else {
                    return Ok(false);
                };
                let broker = self.cluster.named(&leader).context("no such broker")?;
                block_in_place(|| broker.kill())?;
                outage().await;
                block_in_place(|| broker.restart())?;
            }
            Fault::PauseBroker => {
                let broker = &self.cluster.brokers()[nth];
                broker.pause()?;
                outage().await;
                broker.resume()?;
            }
            Fault::RestartBrokers => {
                for broker in self.cluster.brokers() {
                    block_in_place(|| broker.kill())?;
                }
                for broker in self.cluster.brokers() {
                    block_in_place(|| broker.restart())?;
                }
            }
            Fault::KillReceiver => {
                let receiver = self.receivers.swap_remove(nth);
                self.receivers.push(receiver.kill_and_restart()?);
            }
            Fault::KillConsumer => {
                self.consumers.swap_remove(nth).kill();
                let url = self.cluster.url();
                let consumer = RunningConsumer::start(&url, &self.consumed).await?;
                self.consumers.push(consumer);
            }
        }
        Ok(true)
    }
}

async fn outage() {
    sleep(Duration::from_millis(fastrand::u64(500..4000))).await;
}

/// Opens the inbox as soon as the brokers are ready.
async fn open(url: &str) -> Result<JetStreamInbox> {
    let end = Instant::now() + RECOVERY_TIMEOUT;
    loop {
        match JetStreamInbox::builder(url).open().await {
            Ok(inbox) => return Ok(inbox),
            Err(error) if Instant::now() > end => return Err(error.into()),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}
