//! The orders of a visit.

use std::collections::BTreeMap;

use aifi_push::operations::CHECKOUT;

use super::visit::{VisitEvent, VisitOrder};

/// The orders of a visit, while events are added in the order of time.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) orders: Vec<VisitOrder>,
    /// How much the last event about each counts, and its place in the list.
    known: BTreeMap<i64, ((bool, usize), usize)>,
}

impl Orders {
    pub(super) fn add(&mut self, event: &VisitEvent) {
        let Some(order) = &event.order else { return };
        let next = ((false, 0), self.orders.len());
        let (known, place) = self.known.entry(order.id).or_insert(next);
        let is_checkout = event.is(&CHECKOUT);
        // A status that is not in the document goes on from the last.
        let last = if is_checkout == known.0 { known.1 } else { 0 };
        let rank = (is_checkout, status_rank(order).unwrap_or(last));
        let is_later = rank >= *known;
        if is_later {
            *known = rank;
        }
        let Some(found) = self.orders.get_mut(*place) else {
            self.orders.push(order.clone());
            return;
        };
        let (newer, older) = if is_later {
            (order.clone(), found.clone())
        } else {
            (found.clone(), order.clone())
        };
        *found = VisitOrder {
            id: newer.id,
            status: newer.status.or(older.status),
            total_price: newer.total_price.or(older.total_price),
            total_tax: newer.total_tax.or(older.total_tax),
            subtotal_price: newer.subtotal_price.or(older.subtotal_price),
        };
    }
}

/// How far an order has come by its status; `None` if that is not known.
pub(super) fn status_rank(order: &VisitOrder) -> Option<usize> {
    let status = order.status.as_deref()?;
    let known = ["draft", "completed", "reviewed"];
    known.iter().position(|known| *known == status)
}
