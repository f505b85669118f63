//! Events that wait on the local disk until an inbox elsewhere stores them.

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::{
    sync::{Notify, RwLock},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    audit::AuditEntry,
    consumer_name::ConsumerName,
    deadlines::BEFORE_SPOOL,
    error::{AdminError, AppendError, BoxError, SubscribeError},
    error_chain::ErrorChain,
    event::{NewEvent, Verdict},
    inbox::{Admin, Append, Inbox, Subscribe, SubscribeOptions, Subscribed},
    retention::{Pruned, Retention},
    sqlite::SqliteInbox,
    stats::InboxStats,
    stored::{EventFilter, Position, StoredEvent},
};

/// How long to wait before the inbox is asked again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// How many events are moved together.
const MOVE_BATCH: usize = 512;

/// An [`Inbox`] elsewhere with a local spool in front of it, for the time when it can't be reached.
///
/// Events go to the inbox. When it does not store them within 3 seconds, they go to the spool, and so
/// do all that follow until [`run`](Self::run) has moved them, so that the order is kept. An event
/// that is in both, since it was stored and the acknowledgement got lost, is one event.
///
/// Consumers, lists and statistics see the inbox alone.
#[derive(Debug)]
pub struct SpooledInbox {
    inbox: Arc<dyn Inbox>,
    spool: SqliteInbox,
    /// Whether events go to the spool. Changed only while nobody appends.
    is_spooling: RwLock<bool>,
    /// Notified when there is something to move.
    spooled: Notify,
}

impl SpooledInbox {
    /// Puts a spool in front of an inbox. What is in it from an earlier run is moved first.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the spool can't be read.
    pub async fn new(inbox: Arc<dyn Inbox>, spool: SqliteInbox) -> Result<Self, AdminError> {
        let is_spooling = spool.stats().await?.events > 0;
        Ok(Self {
            inbox,
            spool,
            is_spooling: RwLock::new(is_spooling),
            spooled: Notify::new(),
        })
    }

    /// Moves events from the spool to the inbox, in the order of arrival, until `shutdown` completes.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: an event is deleted from the spool only when it is in the inbox.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let shutdown = shutdown.shared();
        while shutdown.clone().now_or_never().is_none() {
            let pause = match self.move_some().await {
                Ok(true) => continue,
                Ok(false) => self.spooled.notified().boxed(),
                Err(error) => {
                    let error = ErrorChain(error.as_ref());
                    tracing::warn!(%error, "the spool can't be emptied yet");
                    tokio::time::sleep(RETRY_DELAY).boxed()
                }
            };
            tokio::select! {
                () = pause => {}
                () = shutdown.clone() => {}
            }
        }
    }

    /// Moves some events. Returns whether there may be more.
    async fn move_some(&self) -> Result<bool, BoxError> {
        if !*self.is_spooling.read().await {
            return Ok(false);
        }
        if self.move_batch().await? {
            return Ok(true);
        }
        // Nobody appends from here on, so that it does not fill up as quickly as it is emptied.
        let mut is_spooling = self.is_spooling.write().await;
        let rest = async {
            while self.move_batch().await? {}
            Ok::<_, BoxError>(())
        };
        let Ok(moved) = timeout(BEFORE_SPOOL, rest).await else {
            return Ok(true);
        };
        moved?;
        *is_spooling = false;
        tracing::info!("the spool is empty: events go to the inbox again");
        Ok(false)
    }

    async fn move_batch(&self) -> Result<bool, BoxError> {
        let stored = self
            .spool
            .list(&EventFilter::default(), None, MOVE_BATCH)
            .await?;
        if stored.is_empty() {
            return Ok(false);
        }
        let ids: Vec<_> = stored.iter().map(|stored| stored.event.id).collect();
        let count = ids.len();
        let events = stored.into_iter().map(|stored| NewEvent {
            event: stored.event,
            verdict: stored
                .problem
                .map_or(Verdict::Accepted, |problem| Verdict::Quarantined {
                    problem,
                }),
        });
        self.inbox.append(events.collect()).await?;
        self.spool.delete_ids(ids).await?;
        tracing::info!(events = count, "moved from the spool");
        Ok(true)
    }

    async fn spool(&self, events: Vec<NewEvent>) -> Result<(), AppendError> {
        self.spool.append(events).await?;
        self.spooled.notify_one();
        Ok(())
    }
}

#[async_trait]
impl Append for SpooledInbox {
    async fn append(&self, events: Vec<NewEvent>) -> Result<(), AppendError> {
        {
            let is_spooling = self.is_spooling.read().await;
            if *is_spooling {
                return self.spool(events).await;
            }
            let stored = timeout(BEFORE_SPOOL, self.inbox.append(events.clone())).await;
            match stored {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => {
                    tracing::warn!(error = %ErrorChain(&error), "events go to the spool");
                }
                Err(_) => tracing::warn!("the inbox does not answer: events go to the spool"),
            }
        }
        let mut is_spooling = self.is_spooling.write().await;
        *is_spooling = true;
        self.spool(events).await
    }

    /// Probes the spool: if it takes an event, it does not matter whether the inbox would.
    async fn probe(&self) -> Result<(), AppendError> {
        self.spool.probe().await
    }

    fn max_body_bytes(&self) -> Option<usize> {
        self.inbox.max_body_bytes()
    }

    async fn failed(&self) -> AppendError {
        tokio::select! {
            error = self.spool.failed() => error,
            error = self.inbox.failed() => error,
        }
    }
}

#[async_trait]
impl Subscribe for SpooledInbox {
    async fn subscribe(
        &self,
        name: &ConsumerName,
        options: SubscribeOptions,
    ) -> Result<Subscribed, SubscribeError> {
        self.inbox.subscribe(name, options).await
    }
}

#[async_trait]
impl Admin for SpooledInbox {
    async fn list(
        &self,
        filter: &EventFilter,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        self.inbox.list(filter, after, limit).await
    }

    async fn list_newest(
        &self,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, AdminError> {
        self.inbox.list_newest(filter, before, limit).await
    }

    async fn newest(&self) -> Result<Option<Position>, AdminError> {
        self.inbox.newest().await
    }

    async fn stats(&self) -> Result<InboxStats, AdminError> {
        self.inbox.stats().await
    }

    async fn requeue(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        self.inbox.requeue(ids).await
    }

    async fn replay(
        &self,
        consumer: &ConsumerName,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<u64, AdminError> {
        self.inbox.replay(consumer, events).await
    }

    async fn discard(&self, id: Uuid) -> Result<(), AdminError> {
        self.inbox.discard(id).await
    }

    async fn discard_quarantined(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        self.inbox.discard_quarantined(ids).await
    }

    async fn discard_dead_letters(
        &self,
        consumer: &ConsumerName,
        ids: Vec<Uuid>,
    ) -> Result<u64, AdminError> {
        self.inbox.discard_dead_letters(consumer, ids).await
    }

    /// Erases them in the inbox and in the spool.
    async fn erase(&self, ids: Vec<Uuid>) -> Result<u64, AdminError> {
        let spooled = self.spool.erase(ids.clone()).await?;
        Ok(spooled + self.inbox.erase(ids).await?)
    }

    async fn prune(&self, retention: &Retention) -> Result<Pruned, AdminError> {
        self.inbox.prune(retention).await
    }

    async fn pause_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.inbox.pause_consumer(name).await
    }

    async fn resume_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.inbox.resume_consumer(name).await
    }

    async fn remove_consumer(&self, name: &ConsumerName) -> Result<(), AdminError> {
        self.inbox.remove_consumer(name).await
    }

    async fn record_action(&self, entry: AuditEntry) -> Result<(), AdminError> {
        self.inbox.record_action(entry).await
    }

    async fn actions(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, AdminError> {
        self.inbox.actions(before, limit).await
    }
}
