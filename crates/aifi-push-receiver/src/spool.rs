//! Events that wait on the local disk until an inbox elsewhere takes them.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::{
    sync::{Notify, RwLock},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    Delivery, Entry, Error, Event, Filter, Inbox, Outcome, Position, Pruned, Receipt, Retention,
    SqliteInbox, Stats, chain::Chain,
};

/// How long the inbox may take to store events before they go to the spool: less than a caller
/// waits for its answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait before the inbox is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many events are moved at once.
const BATCH: usize = 512;

/// An [`Inbox`] elsewhere with a local one in front of it, for the time when it can't be reached.
///
/// Events go to the inbox. When it does not store them within 3 seconds, they go to the spool, and so
/// do all that follow until [`run`](Self::run) has moved them on, so that the order is kept. An event
/// that is in both, since it was stored and the word of it got lost, is one event.
///
/// Consumers, lists and figures see the inbox alone.
pub struct SpooledInbox {
    inbox: Arc<dyn Inbox>,
    spool: SqliteInbox,
    /// Whether events go to the spool. Changed only while nobody appends.
    is_spooling: RwLock<bool>,
    /// Tells that there is something to move.
    spooled: Notify,
}

impl SpooledInbox {
    /// Puts a spool in front of an inbox. What it holds from an earlier run is moved on first.
    ///
    /// # Errors
    ///
    /// [`Error::Inbox`] if the spool can't be read.
    pub async fn new(inbox: Arc<dyn Inbox>, spool: SqliteInbox) -> Result<Self, Error> {
        let is_spooling = spool.stats().await?.events > 0;
        Ok(Self {
            inbox,
            spool,
            is_spooling: RwLock::new(is_spooling),
            spooled: Notify::new(),
        })
    }

    /// Moves events from the spool to the inbox, in the order of arrival, until `stop` is done.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let stop = stop.shared();
        while stop.clone().now_or_never().is_none() {
            let pause = match self.move_on().await {
                Ok(true) => continue,
                Ok(false) => self.spooled.notified().boxed(),
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "the spool can't be emptied yet");
                    tokio::time::sleep(PAUSE).boxed()
                }
            };
            tokio::select! {
                () = pause => {}
                () = stop.clone() => {}
            }
        }
    }

    /// Moves some events. Gives whether there may be more.
    async fn move_on(&self) -> Result<bool, Error> {
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
            Ok::<_, Error>(())
        };
        let Ok(moved) = timeout(PATIENCE, rest).await else {
            return Ok(true);
        };
        moved?;
        *is_spooling = false;
        tracing::info!("the spool is empty: events go to the inbox again");
        Ok(false)
    }

    async fn move_batch(&self) -> Result<bool, Error> {
        let entries = self.spool.list(&Filter::default(), None, BATCH).await?;
        let Some(last) = entries.last() else {
            return Ok(false);
        };
        let last = last.position;
        let quarantined: Vec<(Uuid, String)> = entries
            .iter()
            .filter_map(|entry| Some((entry.event.id, entry.problem.clone()?)))
            .collect();
        let count = entries.len();
        let events = entries.into_iter().map(|entry| entry.event).collect();
        self.inbox.append(events).await?;
        for (id, problem) in quarantined {
            self.inbox.quarantine(id, &problem).await?;
        }
        self.spool.delete_up_to(last).await?;
        tracing::info!(events = count, "moved from the spool");
        Ok(true)
    }

    async fn spool(&self, events: Vec<Event>) -> Result<(), Error> {
        self.spool.append(events).await?;
        self.spooled.notify_one();
        Ok(())
    }
}

#[async_trait]
impl Inbox for SpooledInbox {
    fn max_body_bytes(&self) -> Option<usize> {
        self.inbox.max_body_bytes()
    }

    fn appends_at_once(&self) -> usize {
        let is_spooling = self.is_spooling.try_read();
        match is_spooling.as_deref() {
            Ok(false) => self.inbox.appends_at_once(),
            _ => self.spool.appends_at_once(),
        }
    }

    async fn append(&self, events: Vec<Event>) -> Result<(), Error> {
        {
            let is_spooling = self.is_spooling.read().await;
            if *is_spooling {
                return self.spool(events).await;
            }
            let stored = timeout(PATIENCE, self.inbox.append(events.clone())).await;
            match stored {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => {
                    tracing::warn!(error = %Chain(&error), "events go to the spool");
                }
                Err(_) => tracing::warn!("the inbox does not answer: events go to the spool"),
            }
        }
        let mut is_spooling = self.is_spooling.write().await;
        *is_spooling = true;
        self.spool(events).await
    }

    async fn quarantine(&self, id: Uuid, problem: &str) -> Result<(), Error> {
        match self.spool.quarantine(id, problem).await {
            // It is in the inbox, or moved there before it was marked.
            Err(Error::NoSuchEvent { .. }) => self.inbox.quarantine(id, problem).await,
            marked => marked,
        }
    }

    async fn release(&self, id: Uuid) -> Result<(), Error> {
        self.inbox.release(id).await
    }

    async fn take(
        &self,
        consumer: &str,
        limit: usize,
        lease: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        self.inbox.take(consumer, limit, lease, wait).await
    }

    async fn settle(&self, consumer: &str, outcomes: Vec<(Receipt, Outcome)>) -> Result<(), Error> {
        self.inbox.settle(consumer, outcomes).await
    }

    async fn redeliver(
        &self,
        consumer: &str,
        events: Vec<(Uuid, DateTime<Utc>)>,
    ) -> Result<usize, Error> {
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
        self.inbox.prune(retention).await
    }

    async fn stats(&self) -> Result<Stats, Error> {
        self.inbox.stats().await
    }

    /// Whether the spool would take an event: then it does not matter whether the inbox would.
    async fn probe(&self) -> Result<(), Error> {
        self.spool.probe().await
    }
}

impl fmt::Debug for SpooledInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpooledInbox")
            .field("inbox", &self.inbox)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}
