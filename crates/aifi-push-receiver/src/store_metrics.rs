//! How many events each store sends.

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use aifi_push::{Number, from_slice};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use serde::Deserialize;

/// How many stores have a series of their own: a sender decides what is in a body.
const MAX_STORES: usize = 1_000;

/// The store of an event: by its number, so that no text of a sender is in a label.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) enum Store {
    Number(i64),
    /// One of those that have no series of their own.
    Other,
    /// The event is of no store, or failed to decode.
    None,
}

/// Where the number is. Every operation with a store has the first; the others are for bodies that
/// lack it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    store_id: Option<Number>,
    store: Option<StoreObject>,
    session: Option<Session>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StoreObject {
    oasis_api_store_id: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Session {
    store_id: Option<Number>,
}

impl Store {
    /// Reads `storeId`, or else `store.oasisApiStoreId` or `session.storeId`, of a body that decodes.
    pub(crate) fn of(body: &[u8]) -> Self {
        let body: Body = from_slice(body).unwrap_or_default();
        let number = body
            .store_id
            .or_else(|| body.store?.oasis_api_store_id)
            .or_else(|| body.session?.store_id);
        number
            .and_then(|number| number.as_i64())
            .map_or(Self::None, Self::Number)
    }
}

impl EncodeLabelValue for Store {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(encoder, "{number}"),
            Self::Other => encoder.write_str("other"),
            Self::None => encoder.write_str("none"),
        }
    }
}

/// Counters of the first stores that send something. A clone is the same counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreMetrics {
    received: Family<StoreLabel, Counter>,
    /// How many stores have a series of their own.
    known: Arc<Mutex<usize>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StoreLabel {
    store: Store,
}

impl StoreMetrics {
    pub(crate) fn count(&self, store: Store) {
        let label = StoreLabel { store };
        if let Some(counter) = self.received.get(&label) {
            counter.inc();
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let store = match store {
            // Another thread may have been faster.
            Store::Number(_) if self.received.get(&label).is_some() => store,
            Store::Number(_) if *known < MAX_STORES => {
                *known += 1;
                store
            }
            Store::Number(_) | Store::Other => Store::Other,
            Store::None => Store::None,
        };
        self.received.get_or_create(&StoreLabel { store }).inc();
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "store_received",
            "Events stored, by the number of the store: of the first 1,000 stores since the start, \
             of the `other` ones together, and with `none` those without one or that failed to decode",
            self.received.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use aifi_push::operations;
    use serde_json::Value;

    use super::{MAX_STORES, Store, StoreLabel, StoreMetrics};

    #[test]
    fn the_store_of_each_kind_is_found() {
        for operation in operations::ALL {
            let example = operation.example.unwrap_or_default();
            let body: Value = serde_json::from_str(example).unwrap_or_default();
            let expected = match operation.kind {
                "customer-created" => Store::None,
                _ => Store::Number(body["storeId"].as_i64().unwrap()),
            };
            assert_eq!(
                Store::of(example.as_bytes()),
                expected,
                "{}",
                operation.kind
            );
        }
    }

    #[test]
    fn other_places_count_where_the_first_has_no_number() {
        for (body, expected) in [
            (
                r#"{"storeId": 12, "session": {"storeId": 3}}"#,
                Store::Number(12),
            ),
            (
                r#"{"storeId": null, "store": {"oasisApiStoreId": 4}, "x": [{"storeId": 5}]}"#,
                Store::Number(4),
            ),
            (r#"{"session": {"storeId": 3}}"#, Store::Number(3)),
            (r#"{"storeId": 1e1}"#, Store::Number(10)),
            (r#"{"storeId": 1.5}"#, Store::None),
            (r#"{"session": 1}"#, Store::None),
            ("{}", Store::None),
        ] {
            assert_eq!(Store::of(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn the_number_of_stores_is_bounded() {
        let metrics = StoreMetrics::default();
        let most = i64::try_from(MAX_STORES).unwrap();
        for id in 0..most + 5 {
            metrics.count(Store::Number(id));
        }
        metrics.count(Store::Number(0));
        metrics.count(Store::None);
        let count = |store| {
            let counter = metrics.received.get(&StoreLabel { store });
            counter.map(|counter| counter.get())
        };
        assert_eq!(count(Store::Number(0)), Some(2));
        assert_eq!(count(Store::Number(most - 1)), Some(1));
        assert_eq!(count(Store::Number(most)), None);
        assert_eq!(count(Store::Other), Some(5));
        assert_eq!(count(Store::None), Some(1));
    }
}
