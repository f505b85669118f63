//! Consumers that share a name, and what they received.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aifi_push_inbox::{Consumer, ConsumerError, Delivery, Digest};
use anyhow::Result;
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;

use super::open;

/// Which events the consumers received, and how often.
#[derive(Default)]
pub(super) struct Consumed {
    times: Mutex<HashMap<Uuid, (Digest, u32)>>,
}

impl Consumed {
    fn record(&self, id: Uuid, body: &[u8]) {
        let digest = Digest::of(body);
        self.lock().entry(id).or_insert((digest, 0)).1 += 1;
    }

    pub(super) fn contains(&self, id: &Uuid, digest: &Digest) -> bool {
        self.lock()
            .get(id)
            .is_some_and(|(found, _)| found == digest)
    }

    pub(super) fn more_than_once(&self) -> usize {
        self.lock().values().filter(|(_, times)| *times > 1).count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, (Digest, u32)>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the consumers, with a connection of its own.
pub(super) struct RunningConsumer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ConsumerError>>,
}

impl RunningConsumer {
    pub(super) async fn start(url: &str, consumed: &Arc<Consumed>) -> Result<Self> {
        let (inbox, consumed) = (open(url).await?, Arc::clone(consumed));
        let consumer = Consumer::builder(Arc::new(inbox), "chaos")
            .concurrency(16)
            .lease(Duration::from_secs(5))
            .fallback(move |delivery: Delivery| {
                consumed.record(delivery.event.id, &delivery.event.body);
                std::future::ready(Ok::<_, io::Error>(()))
            });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(consumer.run(async move { drop(stopped.await) }));
        Ok(Self { stop, task })
    }

    /// Ends it as a crash would: what was delivered to it is not settled.
    pub(super) fn kill(self) {
        self.task.abort();
    }

    pub(super) async fn stop(self) -> Result<()> {
        drop(self.stop);
        Ok(self.task.await??)
    }
}
