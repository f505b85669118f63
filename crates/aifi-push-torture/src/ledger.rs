//! What was acknowledged, held against what is in the inbox.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use aifi_push_receiver::{Digest, Filter, Inbox, SqliteInbox};
use anyhow::Result;
use uuid::Uuid;

/// How many events are read at once.
const PAGE: usize = 1000;

/// The acknowledged events by id, with the digests of what was sent.
#[derive(Default)]
pub(crate) struct Ledger {
    acknowledged: Mutex<HashMap<Uuid, Digest>>,
}

/// What came of a trial.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) acknowledged: usize,
    /// Acknowledged, but not in the inbox byte for byte.
    pub(crate) lost: usize,
}

impl Ledger {
    pub(crate) fn note(&self, id: Uuid, body: &[u8]) {
        let mut acknowledged = self.lock();
        acknowledged.insert(id, Digest::of(body));
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Digest>> {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What was acknowledged, when nobody sends any more.
    pub(crate) fn close(self) -> HashMap<Uuid, Digest> {
        self.acknowledged
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the whole inbox.
    pub(crate) async fn settle(self, name: &'static str, inbox: &Path) -> Result<Trial> {
        let inbox = SqliteInbox::open(inbox).await?;
        let mut missing = self.close();
        let acknowledged = missing.len();
        let (mut after, mut found) = (None, 0);
        loop {
            let page = inbox.list(&Filter::default(), after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.position);
            found += page.len();
            for entry in &page {
                // The digest of the row is the receiver's word; this one is of the bytes.
                let digest = Digest::of(&entry.event.body);
                if missing.get(&entry.event.id) == Some(&digest) {
                    missing.remove(&entry.event.id);
                }
            }
        }
        println!(
            "{name}: {acknowledged} acknowledged, {found} in the inbox, {} lost",
            missing.len()
        );
        Ok(Trial {
            name,
            acknowledged,
            lost: missing.len(),
        })
    }
}
