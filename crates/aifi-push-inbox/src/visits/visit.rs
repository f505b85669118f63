//! What is known of a visit.

use std::{fmt, time::Duration};

use aifi_push::Operation;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::fields::Fields;
use crate::stored::EventState;

/// A visit to a store: what the events of one shopping session say.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visit {
    /// The id of the session. Whoever knows it can look up the visit.
    pub session: String,
    /// The stores in the events, almost always one.
    pub stores: Vec<VisitStore>,
    /// AiFi's id of the customer.
    pub customer_id: Option<String>,
    /// The retailer's id of the customer.
    pub customer_external_id: Option<String>,
    /// When the first person entered: `session.customerFirstEnteredAt`, or, where no event has it, the
    /// time of the first `transition_entered`.
    pub entered_at: Option<DateTime<Utc>>,
    /// When the last person left: the latest `session.customerLastExitedAt`, or, where no event has it,
    /// the time of the last `transition_left`.
    pub exited_at: Option<DateTime<Utc>>,
    /// How many people entered, as the platform sends `transition_entered` for each.
    pub people_entered: usize,
    /// How many people left.
    pub people_left: usize,
    /// The stays in checkout zones, in the order of time.
    pub zones: Vec<VisitZone>,
    /// The orders, in the order of time.
    pub orders: Vec<VisitOrder>,
    /// Whether an event says that fraud is suspected.
    pub is_fraud_suspected: bool,
    /// The events, in the order of time.
    pub events: Vec<VisitEvent>,
}

impl Visit {
    /// Returns how long the visit was, or `None` if its times are not known or it is not over, as when
    /// only one of two people who entered has left.
    pub fn stay(&self) -> Option<Duration> {
        if (1..self.people_entered).contains(&self.people_left) {
            return None;
        }
        (self.exited_at? - self.entered_at?).to_std().ok()
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The session and the customer are sensitive.
        f.debug_struct("Visit")
            .field("stores", &self.stores)
            .field("entered_at", &self.entered_at)
            .field("exited_at", &self.exited_at)
            .field("people_entered", &self.people_entered)
            .field("people_left", &self.people_left)
            .field("zones", &self.zones)
            .field("orders", &self.orders)
            .field("is_fraud_suspected", &self.is_fraud_suspected)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// A store, by the ids that are known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct VisitStore {
    /// AiFi's id: `storeId`.
    pub id: Option<i64>,
    /// The retailer's id: `storeExternalId`.
    pub external_id: Option<String>,
    /// AiFi's unique id: `store.aifiUniqueStoreId`.
    pub unique_id: Option<String>,
}

impl VisitStore {
    pub(super) fn new(fields: &Fields) -> Self {
        Self {
            id: fields.integer("storeId"),
            external_id: fields.text("storeExternalId"),
            unique_id: fields.object("store").text("aifiUniqueStoreId"),
        }
    }

    /// Returns `true` if this is one of its ids.
    pub fn is(&self, id: &str) -> bool {
        let texts = [&self.external_id, &self.unique_id];
        self.id.is_some_and(|known| known.to_string() == id)
            || texts.into_iter().flatten().any(|known| known == id)
    }
}

/// A stay in a checkout zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VisitZone {
    /// The id of the zone, of a number its digits.
    pub zone: String,
    /// When the zone was entered, if an event says so.
    pub entered_at: Option<DateTime<Utc>>,
    /// When it was left, if an event says so.
    pub left_at: Option<DateTime<Utc>>,
}

/// An order, as the last event about it says.
///
/// A `checkout` counts more than the questions before it, and a status never goes back from
/// `reviewed` to `completed` or from there to `draft`: events may arrive in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VisitOrder {
    /// The id.
    pub id: i64,
    /// The status, such as `draft`, `completed` or `reviewed`.
    pub status: Option<String>,
    /// The price with tax, digit for digit. The events name no currency.
    pub total_price: Option<String>,
    /// The tax, digit for digit.
    pub total_tax: Option<String>,
    /// The price without tax, digit for digit.
    pub subtotal_price: Option<String>,
}

impl VisitOrder {
    /// Returns `true` if it was completed, as far as is known.
    pub fn is_completed(&self) -> bool {
        matches!(self.status.as_deref(), Some("completed" | "reviewed"))
    }
}

/// An event of a visit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VisitEvent {
    /// The receiver's id.
    pub id: Uuid,
    /// The `operationId` of the document, such as `transition_left`.
    pub operation: String,
    /// When it happened: `timeOfOrigin`, or when it arrived if that can't be read.
    pub time: DateTime<Utc>,
    /// How far it has come.
    pub state: EventState,
    /// The checkout zone that it is about.
    pub zone: Option<String>,
    /// The order that it is about, as this event says.
    pub order: Option<VisitOrder>,
}

impl VisitEvent {
    pub(super) fn is(&self, operation: &Operation) -> bool {
        self.operation == operation.id
    }

    pub(super) fn is_quarantined(&self) -> bool {
        self.state == EventState::Quarantined
    }
}
