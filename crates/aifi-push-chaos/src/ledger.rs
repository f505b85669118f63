//! What was acknowledged, compared with what is in the inbox.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aifi_push_inbox::{Admin, Digest, EventFilter};
use aifi_push_testkit::TempInbox;
use anyhow::Result;
use uuid::Uuid;

/// How many events are read at a time.
const PAGE: usize = 1000;

/// The acknowledged events by id, with the digests of what was sent.
#[derive(Default)]
pub(crate) struct Ledger {
    acknowledged: Mutex<HashMap<Uuid, Digest>>,
}

/// The result of a trial.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) acknowledged: usize,
    /// Acknowledged, but not in the inbox byte for byte.
    pub(crate) lost: usize,
}

impl Ledger {
    pub(crate) fn record(&self, id: Uuid, body: &[u8]) {
        let mut acknowledged = self.lock();
        acknowledged.insert(id, Digest::of(body));
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Digest>> {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what was acknowledged, when nobody sends any more.
    pub(crate) fn close(self) -> HashMap<Uuid, Digest> {
        self.acknowledged
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the whole inbox and counts what is missing.
    pub(crate) async fn settle(self, name: &'static str, inbox: &TempInbox) -> Result<Trial> {
        let inbox = inbox.open().await?;
        let mut missing = self.close();
        let acknowledged = missing.len();
        let (mut after, mut found) = (None, 0);
        loop {
            let page = inbox.list(&EventFilter::default(), after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.position);
            found += page.len();
            for stored in &page {
                // The stored digest is what the receiver computed; this one is of the bytes.
                let digest = Digest::of(&stored.event.body);
                if missing.get(&stored.event.id) == Some(&digest) {
                    missing.remove(&stored.event.id);
                }
            }
        }
        let lost = missing.len();
        println!("{name}: {acknowledged} acknowledged, {found} in the inbox, {lost} lost");
        Ok(Trial {
            name,
            acknowledged,
            lost,
        })
    }
}
