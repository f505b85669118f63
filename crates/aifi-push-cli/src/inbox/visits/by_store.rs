//! The visits of each store, summed up.

use std::{collections::BTreeMap, time::Duration};

use aifi_push::Number;
use aifi_push_receiver::inbox::{Visit, VisitStore};
use comfy_table::Table;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    escape, output,
    visit::{json_store, seconds, store_name},
};

/// By the number of the store, or where it has none by its name; a visit may have neither.
#[derive(Default)]
pub(super) struct ByStore(BTreeMap<(Option<i64>, Option<String>), Sums>);

#[derive(Default)]
struct Sums {
    store: VisitStore,
    visits: u32,
    /// Of visits that are over.
    stays: u32,
    stay: Duration,
    orders: u64,
    completed: u64,
    /// What the completed orders cost, if there is one.
    total: Option<Decimal>,
    /// Completed orders whose total is missing, not a decimal number, or would have to be rounded.
    not_added: u64,
}

impl ByStore {
    pub(super) fn add(&mut self, visit: &Visit) {
        let store = visit.stores.first();
        let key = match store {
            Some(VisitStore { id: None, .. }) => (None, store.map(store_name)),
            store => (store.and_then(|store| store.id), None),
        };
        let sums = self.0.entry(key).or_default();
        sums.add(visit);
        if let Some(store) = store {
            sums.store = store.clone();
        }
    }

    pub(super) fn visits(&self) -> usize {
        let visits = self.0.values().map(|sums| sums.visits as usize);
        visits.sum()
    }

    /// For programs, one store after the other.
    pub(super) fn lines(&self) -> impl Iterator<Item = Value> {
        self.0.values().map(|sums| {
            json!({
                "store": json_store(&sums.store),
                "visits": sums.visits,
                "mean_stay_seconds": sums.mean_stay().map(|stay| stay.as_secs()),
                "orders": sums.orders,
                "completed_orders": sums.completed,
                "total_price": sums.total.map(|total| total.to_string()),
                "orders_not_in_total": sums.not_added,
            })
        })
    }

    /// For people, a row for each store.
    pub(super) fn table(&self) -> Table {
        let mut table = output::new_table([
            "STORE",
            "RETAILER'S ID",
            "VISITS",
            "MEAN STAY",
            "ORDERS",
            "COMPLETED",
            "TOTAL",
        ]);
        table.add_rows(self.0.values().map(|sums| {
            let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            let cells = [
                or_dash(sums.store.id.map(|id| id.to_string())),
                or_dash(sums.store.external_id.clone()),
                sums.visits.to_string(),
                or_dash(sums.mean_stay().map(seconds)),
                sums.orders.to_string(),
                sums.completed.to_string(),
                or_dash(sums.total.map(|total| total.to_string())),
            ];
            cells.map(|cell| escape::line(&cell).into_owned())
        }));
        table
    }

    /// What has to be known about the totals.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "a total is of completed orders, in the store's currency, which the events do not name"
                .to_owned(),
        ];
        let not_added: u64 = self.0.values().map(|sums| sums.not_added).sum();
        if not_added > 0 {
            let not_in = if not_added == 1 {
                "order is not in it: its total is"
            } else {
                "orders are not in it: their totals are"
            };
            notes.push(format!(
                "{not_added} completed {not_in} missing, not a decimal number, or would have to be \
                 rounded"
            ));
        }
        notes
    }
}

impl Sums {
    fn add(&mut self, visit: &Visit) {
        self.visits += 1;
        if let Some(stay) = visit.stay() {
            self.stays += 1;
            self.stay = self.stay.saturating_add(stay);
        }
        for order in &visit.orders {
            self.orders += 1;
            if !order.is_completed() {
                continue;
            }
            self.completed += 1;
            let price = order.total_price.as_deref();
            // Exact, or not at all.
            let price = price.and_then(|price| price.parse::<Number>().ok()?.to_decimal().ok());
            match price.and_then(|price| exact_sum(self.total.unwrap_or_default(), price)) {
                Some(total) => self.total = Some(total),
                None => self.not_added += 1,
            }
        }
    }

    fn mean_stay(&self) -> Option<Duration> {
        self.stay.checked_div(self.stays)
    }
}

/// Adds, unless digits would be lost.
fn exact_sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let sum = a.checked_add(b)?;
    (sum.scale() >= a.scale().max(b.scale())).then_some(sum)
}
