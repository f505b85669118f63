//! Three receivers on three brokers, any of which dies, hangs and comes back, while events arrive
//! and are consumed.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aifi_push_brokers::Cluster;
use aifi_push_receiver::{Consumer, Delivery, Digest, Filter, Inbox, JetStreamInbox, State};
use anyhow::{Context, Result, bail, ensure};
use tokio::{
    process::Command,
    sync::oneshot,
    task::{JoinHandle, block_in_place},
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use crate::{
    ledger::Ledger,
    load::Load,
    serving::{Place, Serving},
};

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
                let Some(leader) = leader(&url).await else {
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

/// A `serve` that comes back at the same address.
struct Receiver {
    serving: Serving,
    address: String,
    _place: Place,
}

impl Receiver {
    async fn start(binary: &Path, inbox: &str) -> Result<Self> {
        Self::start_at(binary, inbox, "127.0.0.1:0").await
    }

    async fn start_at(binary: &Path, inbox: &str, address: &str) -> Result<Self> {
        let place = Place::new()?;
        let mut command = Command::new(binary);
        command.args([
            "serve", "--log", "off", "--listen", address, "--inbox", inbox,
        ]);
        let serving = Serving::start(command).await?;
        let address = serving.address()?.to_owned();
        Ok(Self {
            serving,
            address,
            _place: place,
        })
    }

    async fn kill_and_restart(self, binary: &Path, inbox: &str) -> Result<Self> {
        self.serving.kill().await?;
        Self::start_at(binary, inbox, &self.address).await
    }
}

/// Which events the consumers were handed, and how often.
#[derive(Default)]
struct Consumed {
    times: Mutex<HashMap<Uuid, (Digest, u32)>>,
}

impl Consumed {
    fn note(&self, id: Uuid, body: &[u8]) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.entry(id).or_insert_with(|| (Digest::of(body), 0)).1 += 1;
    }

    fn is_among(&self, id: &Uuid, digest: &Digest) -> bool {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.get(id).is_some_and(|(found, _)| found == digest)
    }

    fn more_than_once(&self) -> usize {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.values().filter(|(_, times)| *times > 1).count()
    }
}

/// One of the consumers that share a name, as on a machine of its own.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(url: &str, consumed: &Arc<Consumed>) -> Result<Self> {
        let (inbox, consumed) = (open(url).await?, Arc::clone(consumed));
        let consumer = Consumer::new(Arc::new(inbox), "torture")
            .lease(Duration::from_secs(5))
            .on_every(move |delivery: Delivery| {
                consumed.note(delivery.event.id, &delivery.event.body);
                std::future::ready(Ok::<_, std::io::Error>(()))
            });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(consumer.run(async move { drop(stopped.await) }));
        Ok(Self { stop, task })
    }

    /// As in a crash: what it was handed is not settled.
    fn cut_off(self) {
        self.task.abort();
    }

    async fn stop(self) -> Result<()> {
        drop(self.stop);
        Ok(self.task.await?)
    }
}

struct Settled {
    consumed: usize,
    quarantined: usize,
    lost: usize,
}

/// Waits until each event was consumed or is quarantined, as long as there is progress.
async fn settle(
    inbox: &JetStreamInbox,
    acknowledged: &HashMap<Uuid, Digest>,
    consumed: &Consumed,
) -> Result<Settled> {
    let (mut end, mut fewest) = (Instant::now() + PATIENCE, usize::MAX);
    loop {
        let quarantined = match quarantined(inbox).await {
            Ok(quarantined) => quarantined,
            // The brokers may still be at electing leaders.
            Err(_) if Instant::now() < end => continue,
            Err(error) => return Err(error),
        };
        let mut settled = Settled {
            consumed: 0,
            quarantined: 0,
            lost: 0,
        };
        for (id, digest) in acknowledged {
            if consumed.is_among(id, digest) {
                settled.consumed += 1;
            } else if quarantined.get(id) == Some(digest) {
                settled.quarantined += 1;
            } else {
                settled.lost += 1;
            }
        }
        if settled.lost == 0 {
            return Ok(settled);
        }
        if settled.lost < fewest {
            fewest = settled.lost;
            end = Instant::now() + PATIENCE;
        }
        if Instant::now() > end {
            let lost = acknowledged.iter().filter(|(id, digest)| {
                !consumed.is_among(id, digest) && quarantined.get(id) != Some(digest)
            });
            for (id, _) in lost.take(20) {
                describe(inbox, *id).await?;
            }
            return Ok(settled);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Prints where an event is that nobody was handed.
async fn describe(inbox: &JetStreamInbox, id: Uuid) -> Result<()> {
    let filter = Filter {
        id: Some(id),
        ..Filter::default()
    };
    match inbox.list(&filter, None, 1).await?.pop() {
        Some(entry) => println!("{id} is {}: {:?}", entry.state, entry.deliveries),
        None => println!("{id} is not in the inbox"),
    }
    Ok(())
}

async fn quarantined(inbox: &JetStreamInbox) -> Result<HashMap<Uuid, Digest>> {
    let filter = Filter {
        state: Some(State::Quarantined),
        ..Filter::default()
    };
    let listed = inbox.list(&filter, None, usize::MAX).await?;
    let listed = listed.iter();
    Ok(listed
        .map(|entry| (entry.event.id, Digest::of(&entry.event.body)))
        .collect())
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

/// The name of the broker that leads the stream of events.
async fn leader(url: &str) -> Option<String> {
    let hosts = url.trim_start_matches("nats://").split(',');
    let servers: Vec<String> = hosts.map(str::to_owned).collect();
    let asked = async {
        let client = async_nats::connect(servers).await.ok()?;
        let stream = async_nats::jetstream::new(client);
        let stream = stream.get_stream("AIFI_PUSH").await.ok()?;
        stream.cached_info().cluster.clone()?.leader
    };
    timeout(Duration::from_secs(5), asked).await.ok()?
}
