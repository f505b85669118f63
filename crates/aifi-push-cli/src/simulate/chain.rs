//! A chain of stores: who visits which of them, and when.
//!
//! A visit depends on nothing but the seed, the start and its number, so that it is the same however
//! it is played.

use std::time::Duration;

use aifi_push::types::{CustomerRole, PaymentProvider};
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use uuid::{Builder, Uuid};

use super::plan::{self, Plan};
use crate::scenario::{Item, Scenario};

const CITIES: [(&str, &str); 12] = [
    ("de", "berlin"),
    ("de", "hamburg"),
    ("de", "leipzig"),
    ("fr", "lyon"),
    ("fr", "nantes"),
    ("nl", "utrecht"),
    ("pl", "poznan"),
    ("es", "valencia"),
    ("it", "torino"),
    ("us", "austin"),
    ("us", "portland"),
    ("us", "chicago"),
];

const FIRST_NAMES: [&str; 10] = [
    "Alex", "Bo", "Chris", "Dana", "Eli", "Finn", "Jo", "Kim", "Robin", "Sam",
];

/// Name, barcode and cents.
const PRODUCTS: [(&str, &str, i64); 14] = [
    ("Oat drink 1 l", "4012345678901", 249),
    ("Coffee 500 g", "4012345678918", 752),
    ("Whole milk 1 l", "4012345678925", 129),
    ("Rye bread 500 g", "4012345678932", 319),
    ("Bananas 1 kg", "4012345678949", 199),
    ("Mineral water 6 x 1.5 l", "4012345678956", 414),
    ("Chocolate 100 g", "4012345678963", 189),
    ("Cheese sandwich", "4012345678970", 395),
    ("Pasta 500 g", "4012345678987", 99),
    ("Tomato sauce 400 g", "4012345678994", 229),
    ("Apple juice 0.5 l", "4012345679007", 179),
    ("Dish soap 500 ml", "4012345679014", 165),
    ("Batteries AA 4 pieces", "4012345679021", 599),
    ("Ice cream 900 ml", "4012345679038", 449),
];

/// How many customers of each store come again.
const CUSTOMERS: i64 = 200;

/// The stores, and how often somebody visits one.
pub(super) struct Chain {
    pub(super) stores: u32,
    pub(super) visits_per_hour: f64,
    pub(super) seed: u64,
    pub(super) start: DateTime<Utc>,
}

impl Chain {
    /// The time from one visit to the next, in all stores together.
    fn interval(&self) -> f64 {
        3600.0 / (self.visits_per_hour * f64::from(self.stores))
    }

    /// The number of the first visit of which an event may be at the start or later: the stores are
    /// open already.
    pub(super) fn first(&self) -> i64 {
        let longest = plan::LONGEST.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "far fewer visits than that"
        )]
        let before = (longest / self.interval()).ceil() as i64;
        -before
    }

    /// When the entry code of a visit is scanned.
    pub(super) fn scanned_at(&self, number: i64) -> DateTime<Utc> {
        #[expect(clippy::cast_precision_loss, reason = "less than a millisecond")]
        let seconds = number as f64 * self.interval();
        let offset = Duration::try_from_secs_f64(seconds.abs()).unwrap_or_default();
        let offset = TimeDelta::from_std(offset).unwrap_or_default();
        let time = if number < 0 {
            self.start - offset
        } else {
            self.start + offset
        };
        // The platform's times have milliseconds.
        DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
    }

    /// Returns a visit, and what happens in it.
    pub(super) fn visit(&self, number: i64) -> (Scenario, Plan) {
        let mut rng = Rng::with_seed(self.seed);
        let start = rng.u64(..) ^ self.start.timestamp_millis().cast_unsigned();
        let mut rng = Rng::with_seed(start);
        let mut rng = Rng::with_seed(rng.u64(..) ^ number.cast_unsigned());
        // Warms up: seeds that are near each other begin alike.
        for _ in 0..4 {
            rng.u64(..);
        }
        let store = self.store(&mut rng);
        let city = usize::try_from(store).unwrap_or_default() % CITIES.len();
        let (country, city) = CITIES[city];
        let in_city = 1 + store / 12;
        let customer = 4_000 + CUSTOMERS * store + rng.i64(0..CUSTOMERS);
        let group_size = match rng.u32(0..100) {
            0..3 => 3,
            3..11 => 2,
            _ => 1,
        };
        let entered = rng.i64(3..12);
        let left = entered + 45 + rng.i64(0..400) + rng.i64(0..400) + rng.i64(0..400);
        let scenario = Scenario {
            scanned_at: self.scanned_at(number),
            session: uuid(&mut rng).to_string(),
            session_number: 1_000_000 + rng.i64(0..8_000_000),
            code: format!("QR-{:08X}", rng.u32(..)),
            customer,
            external_customer: format!("loyalty-{customer}"),
            first_name: FIRST_NAMES[rng.usize(..FIRST_NAMES.len())],
            role: role(&mut rng),
            shopper: rng.u64(1_000_000_000_000..10_000_000_000_000).to_string(),
            group_size,
            store,
            external_store: format!("{city}-{in_city}"),
            unique_store: format!("{country}-{city}-{in_city}"),
            order: 100_000 + rng.i64(0..90_000_000),
            cart: cart(&mut rng),
            payment_provider: payment_provider(&mut rng),
            entered,
            left,
        };
        let plan = Plan::new(&scenario, &mut rng);
        (scenario, plan)
    }

    /// Some stores are visited more often than others: the first twice as often as the average.
    fn store(&self, rng: &mut Rng) -> i64 {
        let stores = f64::from(self.stores);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most the number of stores"
        )]
        let index = (rng.f64().powf(1.15) * stores) as i64;
        1 + index.min(i64::from(self.stores) - 1)
    }
}

fn uuid(rng: &mut Rng) -> Uuid {
    Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

fn role(rng: &mut Rng) -> CustomerRole {
    match rng.u32(0..100) {
        0..3 => CustomerRole::Employee,
        3 => CustomerRole::Tester,
        _ => CustomerRole::Customer,
    }
}

fn payment_provider(rng: &mut Rng) -> PaymentProvider {
    match rng.u32(0..10) {
        0..6 => PaymentProvider::Adyen,
        6..8 => PaymentProvider::Stripe,
        8 => PaymentProvider::Payter,
        _ => PaymentProvider::Generic,
    }
}

/// What is bought; one in twelve buys nothing.
fn cart(rng: &mut Rng) -> Vec<Item> {
    let count = if rng.u32(0..12) == 0 {
        0
    } else {
        rng.usize(1..=6)
    };
    let products = rng.choose_multiple(&PRODUCTS, count);
    let items = products.into_iter().map(|&(name, barcode, cents)| Item {
        name,
        barcode,
        cents,
        quantity: 1 + rng.i64(0..8) / 6,
    });
    items.collect()
}
