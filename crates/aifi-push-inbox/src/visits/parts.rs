//! What events say, put together to a visit.

use std::collections::{HashMap, VecDeque};

use aifi_push::{
    Operation,
    operations::{
        CHECKOUT_ZONE_ENTERED, CHECKOUT_ZONE_LEFT, SUSPECTED_FRAUD, TRANSITION_ENTERED,
        TRANSITION_LEFT,
    },
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    fields::Fields,
    orders::{Orders, status_rank},
    visit::{Visit, VisitEvent, VisitOrder, VisitStore, VisitZone},
};
use crate::stored::{EventState, StoredEvent};

/// What the events of a visit say, in memory until all are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    parts: Vec<Part>,
    /// Events that follow each other mostly say the same.
    abouts: Vec<About>,
}

impl Parts {
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Adds what an event says, and returns about how many bytes more it is.
    pub(super) fn add(&mut self, mut part: Part, about: About) -> usize {
        let mut bytes = part.bytes();
        if self.abouts.last() != Some(&about) {
            bytes += about.bytes();
            self.abouts.push(about);
        }
        part.about = self.abouts.len() - 1;
        self.parts.push(part);
        bytes
    }

    /// Returns about how many bytes it is.
    pub(super) fn bytes(&self) -> usize {
        let parts = self.parts.iter().map(Part::bytes);
        let abouts = self.abouts.iter().map(About::bytes);
        parts.chain(abouts).sum()
    }

    /// Returns `true` if an event says that it happened in this store.
    pub(super) fn is_in(&self, store: &str) -> bool {
        self.abouts.iter().any(|about| about.store.is(store))
    }
}

/// What an event says, in the form in which it is kept.
pub(super) fn read(stored: &StoredEvent, fields: &Fields) -> (Part, About) {
    // What does not decode may be anything.
    let none = Fields::default();
    let is_quarantined = stored.state == EventState::Quarantined;
    let fields = if is_quarantined { &none } else { fields };
    (Part::new(stored, fields), About::new(fields))
}

fn bytes_of<'a>(texts: impl IntoIterator<Item = &'a Option<String>>) -> usize {
    let texts = texts.into_iter().flatten();
    texts.map(String::capacity).sum()
}

/// Whose visit to which store it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    store: VisitStore,
    customer_id: Option<String>,
    customer_external_id: Option<String>,
}

impl About {
    fn new(fields: &Fields) -> Self {
        let customer = fields.object("customer");
        Self {
            store: VisitStore::new(fields),
            customer_id: customer.id("id"),
            customer_external_id: customer.id("externalId"),
        }
    }

    fn bytes(&self) -> usize {
        let store = &self.store;
        let texts = [
            &store.external_id,
            &store.unique_id,
            &self.customer_id,
            &self.customer_external_id,
        ];
        size_of::<Self>() + bytes_of(texts)
    }
}

/// What one event says about its visit.
#[derive(Clone, Debug)]
pub(super) struct Part {
    event: VisitEvent,
    /// The place of what it is about.
    about: usize,
    first_entered_at: Option<DateTime<Utc>>,
    last_exited_at: Option<DateTime<Utc>>,
    is_fraud_suspected: bool,
}

impl Part {
    fn new(stored: &StoredEvent, fields: &Fields) -> Self {
        let event = &stored.event;
        let session = fields.object("session");
        let order = fields.integer("orderId").map(|id| VisitOrder {
            id,
            status: fields.text("status"),
            total_price: fields.text("totalPrice"),
            total_tax: fields.text("totalTax"),
            subtotal_price: fields.text("subtotalPrice"),
        });
        let event = VisitEvent {
            id: event.id,
            operation: event.operation.clone(),
            time: fields.time("timeOfOrigin").unwrap_or(event.received_at),
            state: stored.state,
            zone: fields.id("checkoutZoneId"),
            order,
        };
        let is_about_fraud = event.is(&SUSPECTED_FRAUD) && !event.is_quarantined();
        Self {
            event,
            about: 0,
            first_entered_at: session.time("customerFirstEnteredAt"),
            last_exited_at: session.time("customerLastExitedAt"),
            is_fraud_suspected: is_about_fraud || session.is_true("suspectedFraud"),
        }
    }

    fn bytes(&self) -> usize {
        let order = self.event.order.as_ref().map(|order| {
            [
                &order.status,
                &order.total_price,
                &order.total_tax,
                &order.subtotal_price,
            ]
        });
        let order = order.into_iter().flatten();
        let texts = order.chain([&self.event.zone]);
        size_of::<Self>() + self.event.operation.capacity() + bytes_of(texts)
    }

    /// Its place in the visit. What happened at the same time is in the order in which the platform
    /// sends it.
    fn order(&self) -> (DateTime<Utc>, usize, Option<usize>, Uuid) {
        let event = &self.event;
        let order = [
            TRANSITION_ENTERED,
            CHECKOUT_ZONE_ENTERED,
            CHECKOUT_ZONE_LEFT,
            TRANSITION_LEFT,
        ];
        let mut operations = order.iter();
        let turn = operations.position(|operation| event.is(operation));
        (
            event.time,
            turn.unwrap_or(order.len()),
            event.order.as_ref().and_then(status_rank),
            event.id,
        )
    }
}

impl Visit {
    /// Puts together a visit from its events, in any order.
    pub(super) fn new(session: String, Parts { mut parts, abouts }: Parts) -> Self {
        parts.sort_by_cached_key(Part::order);
        let first_entered = parts.iter().filter_map(|part| part.first_entered_at).min();
        let last_exited = parts.iter().filter_map(|part| part.last_exited_at).max();
        let times = |operation: &'static Operation| {
            let events = parts.iter().map(|part| &part.event);
            let events = events.filter(|event| event.is(operation) && !event.is_quarantined());
            events.map(|event| event.time)
        };
        let mut visit = Self {
            session,
            stores: Vec::new(),
            customer_id: None,
            customer_external_id: None,
            entered_at: first_entered.or_else(|| times(&TRANSITION_ENTERED).min()),
            exited_at: last_exited.or_else(|| times(&TRANSITION_LEFT).max()),
            people_entered: times(&TRANSITION_ENTERED).count(),
            people_left: times(&TRANSITION_LEFT).count(),
            zones: Vec::new(),
            orders: Vec::new(),
            is_fraud_suspected: parts.iter().any(|part| part.is_fraud_suspected),
            events: Vec::new(),
        };
        let mut orders = Orders::default();
        let mut open = OpenZones::default();
        for part in parts {
            if let Some(about) = abouts.get(part.about) {
                visit.add_about(about);
            }
            visit.add_zone(&part.event, &mut open);
            orders.add(&part.event);
            visit.events.push(part.event);
        }
        visit.orders = orders.orders;
        visit
    }

    fn add_about(&mut self, about: &About) {
        self.add_store(&about.store);
        let newer = |newer: &Option<String>, known: &mut Option<String>| {
            if newer.is_some() {
                known.clone_from(newer);
            }
        };
        newer(&about.customer_id, &mut self.customer_id);
        newer(&about.customer_external_id, &mut self.customer_external_id);
    }

    fn add_store(&mut self, store: &VisitStore) {
        let is_same = |known: &&mut VisitStore| match (&known.id, &store.id) {
            (Some(known), Some(id)) => known == id,
            _ => known.external_id.is_some() && known.external_id == store.external_id,
        };
        match self.stores.iter_mut().find(is_same) {
            Some(known) => {
                let store = store.clone();
                known.id = store.id.or(known.id);
                known.external_id = store.external_id.or(known.external_id.take());
                known.unique_id = store.unique_id.or(known.unique_id.take());
            }
            None if *store == VisitStore::default() => {}
            None => self.stores.push(store.clone()),
        }
    }

    fn add_zone(&mut self, event: &VisitEvent, open: &mut OpenZones) {
        let Some(zone) = &event.zone else { return };
        let is_left = event.is(&CHECKOUT_ZONE_LEFT);
        if !is_left && !event.is(&CHECKOUT_ZONE_ENTERED) {
            return;
        }
        // Several people may be in it at a time, and their events are the same.
        let open = open.entry(zone.clone()).or_default();
        if is_left {
            let first = open.pop_front();
            if let Some(stay) = first.and_then(|first| self.zones.get_mut(first)) {
                stay.left_at = Some(event.time);
                return;
            }
        } else {
            open.push_back(self.zones.len());
        }
        self.zones.push(VisitZone {
            zone: zone.clone(),
            entered_at: (!is_left).then_some(event.time),
            left_at: is_left.then_some(event.time),
        });
    }
}

/// The places of the stays in each zone that nobody left yet, the first one first.
type OpenZones = HashMap<String, VecDeque<usize>>;
