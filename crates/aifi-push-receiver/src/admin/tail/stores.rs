//! What each store sent last.

use std::collections::BTreeMap;

use aifi_push_inbox::{Event, VisitStore};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// How many stores are kept. Beyond, the one gives way that has been silent for longest: who sends
/// decides what a store is.
const MAX_STORES: usize = 5000;

/// Stores by number, or where they have none by name.
#[derive(Default)]
pub(in super::super) struct Stores(BTreeMap<(Option<i64>, Option<String>), StoreRow>);

/// What is known of a store.
#[derive(Clone)]
pub(in super::super) struct StoreRow {
    pub(in super::super) store: VisitStore,
    pub(in super::super) last_at: DateTime<Utc>,
    pub(in super::super) last_event: Uuid,
    pub(in super::super) last_operation: String,
    day: NaiveDate,
    on_day: u64,
}

impl StoreRow {
    /// Returns how many events arrived today, in UTC.
    pub(in super::super) fn today(&self) -> u64 {
        if self.day == Utc::now().date_naive() {
            self.on_day
        } else {
            0
        }
    }
}

impl Stores {
    pub(super) fn add(&mut self, store: &VisitStore, event: &Event) {
        let name = match store.id {
            Some(_) => None,
            None => store.external_id.clone().or(store.unique_id.clone()),
        };
        let key = (store.id, name);
        if !self.0.contains_key(&key) && self.0.len() >= MAX_STORES {
            let silent = self.0.iter().min_by_key(|(_, row)| row.last_at);
            if let Some(silent) = silent.map(|(key, _)| key.clone()) {
                self.0.remove(&silent);
            }
        }
        let (at, day) = (event.received_at, event.received_at.date_naive());
        let row = self.0.entry(key).or_insert_with(|| StoreRow {
            store: store.clone(),
            last_at: at,
            last_event: event.id,
            last_operation: event.operation.clone(),
            day,
            on_day: 0,
        });
        if day > row.day {
            row.day = day;
            row.on_day = 0;
        }
        row.on_day += u64::from(day == row.day);
        if at >= row.last_at {
            row.last_at = at;
            row.last_event = event.id;
            row.last_operation.clone_from(&event.operation);
            row.store = store.clone();
        }
    }

    pub(in super::super) fn rows(&self) -> impl Iterator<Item = &StoreRow> {
        self.0.values()
    }
}
