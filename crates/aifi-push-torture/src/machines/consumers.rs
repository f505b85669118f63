//! Consumers on machines of their own, and what they saw.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aifi_push_receiver::{Consumer, Delivery, Digest};
use anyhow::Result;
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;

use super::open;

/// Which events the consumers were handed, and how often.
#[derive(Default)]
pub(super) struct Consumed {
    times: Mutex<HashMap<Uuid, (Digest, u32)>>,
}

impl Consumed {
    fn note(&self, id: Uuid, body: &[u8]) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.entry(id).or_insert_with(|| (Digest::of(body), 0)).1 += 1;
    }

    pub(super) fn is_among(&self, id: &Uuid, digest: &Digest) -> bool {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.get(id).is_some_and(|(found, _)| found == digest)
    }

    pub(super) fn more_than_once(&self) -> usize {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.values().filter(|(_, times)| *times > 1).count()
    }
}

/// One of the consumers that share a name, as on a machine of its own.
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(super) async fn start(url: &str, consumed: &Arc<Consumed>) -> Result<Self> {
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
    pub(super) fn cut_off(self) {
        self.task.abort();
    }

    pub(super) async fn stop(self) -> Result<()> {
        drop(self.stop);
        Ok(self.task.await?)
    }
}
