//! An inbox that can be made to fail, or to wait.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aifi_push_receiver::{
    Delivery, Entry, Error, Event, Filter, Inbox, Outcome, Position, Pruned, Receipt, Retention,
    SqliteInbox, Stats,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// A real inbox behind a switch.
pub(crate) struct Switch {
    inbox: Arc<SqliteInbox>,
    is_broken: AtomicBool,
    /// Each append takes a permit.
    gate: Semaphore,
}

impl Switch {
    pub(crate) fn new(inbox: Arc<SqliteInbox>) -> Arc<Self> {
        Arc::new(Self {
            inbox,
            is_broken: AtomicBool::new(false),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    /// Every append waits until it is let through.
    pub(crate) fn closed(inbox: Arc<SqliteInbox>) -> Arc<Self> {
        Arc::new(Self {
            inbox,
            is_broken: AtomicBool::new(false),
            gate: Semaphore::new(0),
        })
    }

    pub(crate) fn let_through(&self, appends: usize) {
        self.gate.add_permits(appends);
    }

    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(Error::Inbox {
                inbox: "switch".to_owned(),
                action: "everything",
                source: "database or disk is full".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl Inbox for Switch {
    async fn append(&self, events: Vec<Event>) -> Result<(), Error> {
        self.gate.acquire().await.unwrap().forget();
        self.check()?;
        self.inbox.append(events).await
    }

    async fn quarantine(&self, id: Uuid, problem: &str) -> Result<(), Error> {
        self.check()?;
        self.inbox.quarantine(id, problem).await
    }

    async fn release(&self, id: Uuid) -> Result<(), Error> {
        self.check()?;
        self.inbox.release(id).await
    }

    async fn take(
        &self,
        consumer: &str,
        limit: usize,
        lease: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        self.check()?;
        self.inbox.take(consumer, limit, lease, wait).await
    }

    async fn settle(&self, consumer: &str, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), Error> {
        self.check()?;
        self.inbox.settle(consumer, outcomes).await
    }

    async fn redeliver(
        &self,
        consumer: &str,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<usize, Error> {
        self.check()?;
        self.inbox.redeliver(consumer, events).await
    }

    async fn list(
        &self,
        filter: &Filter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        self.inbox.list(filter, after, limit).await
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, Error> {
        self.check()?;
        self.inbox.prune(retention).await
    }

    async fn stats(&self) -> Result<Stats, Error> {
        self.check()?;
        self.inbox.stats().await
    }

    async fn probe(&self) -> Result<(), Error> {
        self.check()?;
        self.inbox.probe().await
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Switch")
    }
}
