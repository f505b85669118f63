//! An inbox that fails, waits or panics on demand.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use aifi_push_inbox::{
    Admin, AdminError, Append, AppendError, AuditEntry, ConsumerName, EventFilter, Inbox,
    InboxStats, NewEvent, Position, Pruned, Retention, StoredEvent, Subscribe, SubscribeError,
    SubscribeOptions, Subscribed,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

const NAME: &str = "faulty";

/// A real inbox behind switches, implemented from outside of its crate.
#[derive(Debug)]
pub struct FaultyInbox {
    inbox: Arc<dyn Inbox>,
    is_broken: AtomicBool,
    is_undeletable: AtomicBool,
    /// How many appends are to panic.
    panics: AtomicU32,
    /// Each append takes a permit.
    gate: Semaphore,
    stop: Notify,
    is_stopped: AtomicBool,
    counts: AtomicU32,
}

impl FaultyInbox {
    /// Puts switches in front of an inbox, all of them off.
    pub fn new(inbox: Arc<dyn Inbox>) -> Arc<Self> {
        Self::with_permits(inbox, Semaphore::MAX_PERMITS)
    }

    /// The same, but every append waits until it is [let through](Self::let_through).
    pub fn closed(inbox: Arc<dyn Inbox>) -> Arc<Self> {
        Self::with_permits(inbox, 0)
    }

    fn with_permits(inbox: Arc<dyn Inbox>, permits: usize) -> Arc<Self> {
        Arc::new(Self {
            inbox,
            is_broken: AtomicBool::new(false),
            is_undeletable: AtomicBool::new(false),
            panics: AtomicU32::new(0),
            gate: Semaphore::new(permits),
            stop: Notify::new(),
            is_stopped: AtomicBool::new(false),
            counts: AtomicU32::new(0),
        })
    }

    /// Lets appends through that wait, or will.
    pub fn let_through(&self, appends: usize) {
        self.gate.add_permits(appends);
    }

    /// Sets whether everything fails.
    pub fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }

    /// Sets whether it fails to discard events.
    pub fn set_undeletable(&self, is_undeletable: bool) {
        self.is_undeletable.store(is_undeletable, Ordering::SeqCst);
    }

    /// Makes the next appends panic.
    pub fn panic_in(&self, appends: u32) {
        self.panics.store(appends, Ordering::SeqCst);
    }

    /// Makes the inbox fail for good, as after a panic of its writer.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.stop.notify_waiters();
    }

    /// Returns how often the events were counted.
    pub fn counts(&self) -> u32 {
        self.counts.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err("database or disk is full");
        }
        Ok(())
    }

    fn check_append(&self) -> Result<(), AppendError> {
        if self.is_stopped.load(Ordering::SeqCst) {
            return Err(AppendError::Stopped {
                inbox: NAME.to_owned(),
            });
        }
        self.check()
            .map_err(|problem| AppendError::failed(NAME, problem))
    }

    fn check_discard(&self) -> Result<(), AdminError> {
        if self.is_undeletable.load(Ordering::SeqCst) {
            return Err(AdminError::failed(NAME, "discarding", "disk is full"));
        }
        self.check_admin()
    }

    fn check_admin(&self) -> Result<(), AdminError> {
        self.check()
            .map_err(|problem| AdminError::failed(NAME, "everything", problem))
    }
}

#[async_trait]
impl Append for FaultyInbox {
    #[allow(clippy::panic)]
    async fn append(&self, events: Vec<NewEvent>) -> Result<(), AppendError> {
        if let Ok(permit) = self.gate.acquire().await {
            permit.forget();
        }
        let panics = self
            .panics
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        assert!(panics.is_err(), "forced");
        self.check_append()?;
        self.inbox.append(events).await
    }

    async fn probe(&self) -> Result<(), AppendError> {
        self.check_append()?;
        self.inbox.probe().await
    }

    async fn failed(&self) -> AppendError {
        loop {
            let stop = self.stop.notified();
            if let Err(error @ AppendError::Stopped { .. }) = self.check_append() {
                return error;
            }
            stop.await;
        }
    }
}

#[async_trait]
impl Subscribe for FaultyInbox {
    async fn subscribe(
        &self,
        name: &ConsumerName,
        options: SubscribeOptions,
    ) -> Result<Subscribed, SubscribeError> {
        self.check()
            .map_err(|problem| SubscribeError::failed(NAME, "subscribing", problem))?;
        self.inbox.subscribe(name, options).await
    }
}

#[async_trait]
impl Admin for FaultyInbox {
    async fn list(
        &self,
        filter: &EventFilter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        self.check_admin()?;
        self.inbox.list(filter, after, limit).await
    }

    async fn list_newest(
        &self,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        self.check_admin()?;
        self.inbox.list_newest(filter, before, limit).await
    }

    async fn newest(&self) -> Result<Option<Position>, AdminError> {
        self.check_admin()?;
        self.inbox.newest().await
    }

    async fn stats(&self) -> Result<InboxStats, AdminError> {
        self.counts.fetch_add(1, Ordering::SeqCst);
        self.check_admin()?;
        self.inbox.stats().await
    }

    async fn requeue(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        self.check_admin()?;
        self.inbox.requeue(ids).await
    }

    async fn replay(
        &self,
        consumer: &ConsumerName,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<u64, AdminError> {
        self.check_admin()?;
        self.inbox.replay(consumer, events).await
    }

    async fn discard(&self, id: Uuid) -> Result<(), AdminError> {
        self.check_discard()?;
        self.inbox.discard(id).await
    }

    async fn discard_quarantined(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        self.check_discard()?;
        self.inbox.discard_quarantined(ids).await
    }

    async fn discard_dead_letters(
        &self,
        consumer: &ConsumerName,
        ids: Vec<Uuid>,
    ) -> Result<u64, AdminError> {
        self.check_admin()?;
        self.inbox.discard_dead_letters(consumer, ids).await
    }

    async fn erase(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        self.check_admin()?;
        self.inbox.erase(ids).await
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, AdminError> {
        self.check_admin()?;
        self.inbox.prune(retention).await
    }

    async fn pause_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.check_admin()?;
        self.inbox.pause_consumer(name).await
    }

    async fn resume_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.check_admin()?;
        self.inbox.resume_consumer(name).await
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.check_admin()?;
        self.inbox.remove_consumer(name).await
    }

    async fn record_action(&self, entry: AuditEntry) -> Result<(), AdminError> {
        self.check_admin()?;
        self.inbox.record_action(entry).await
    }

    async fn actions(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, AdminError> {
        self.check_admin()?;
        self.inbox.actions(before, limit).await
    }
}
