//! The visit that the demo plays.

use aifi_push::types::{
    Checkout, CheckoutZoneEntered, CheckoutZoneLeft, CustomerRole, EntryCodeVerify,
    EntryCodeVerifyAnswer, EntryCodeVerifyStatus, OrderStatus, PaymentProvider, TransitionEntered,
    TransitionLeft,
};
use aifi_push_receiver::inbox::Visit;
use anyhow::Result;

use crate::scenario::{Item, Scenario};

const SESSION: &str = "5f0c1f7e-3a54-4c1d-9d0b-6a1e0c7b9e42";
const CODE: &str = "QR-7K3F-9P2M";
const CUSTOMER: i64 = 4711;
const ZONE: &str = "till-2";

/// When the code was scanned; the rest is in seconds after it.
const SCANNED: &str = "2026-11-24T10:00:00Z";
const ENTERED: i64 = 5;
const ZONE_ENTERED: i64 = 662;
const ZONE_LEFT: i64 = 700;
const LEFT: i64 = 704;
const DRAFT: i64 = 710;
const COMPLETED: i64 = 731;

/// The events in their order.
pub(super) struct Script {
    scenario: Scenario,
    pub(super) verify: EntryCodeVerify,
    pub(super) entered: TransitionEntered,
    pub(super) zone_entered: CheckoutZoneEntered,
    pub(super) zone_left: CheckoutZoneLeft,
    pub(super) left: TransitionLeft,
    pub(super) draft: Checkout,
    pub(super) completed: Checkout,
}

impl Script {
    pub(super) fn new() -> Result<Self> {
        let scenario = scenario()?;
        Ok(Self {
            verify: scenario.verify(0, CODE),
            entered: scenario.entered(),
            zone_entered: scenario.zone_entered(ZONE_ENTERED, ZONE),
            zone_left: scenario.zone_left(ZONE_LEFT, ZONE)?,
            left: scenario.left(),
            draft: scenario.checkout(OrderStatus::Draft, DRAFT)?,
            completed: scenario.checkout(OrderStatus::Completed, COMPLETED)?,
            scenario,
        })
    }

    /// Returns `true` if a visit says what the script does.
    pub(super) fn is_told_by(&self, visit: &Visit) -> bool {
        let at = |seconds| Some(self.scenario.at(seconds));
        let [zone] = &visit.zones[..] else {
            return false;
        };
        let [order] = &visit.orders[..] else {
            return false;
        };
        visit.session == SESSION
            && (visit.entered_at, visit.exited_at) == (at(ENTERED), at(LEFT))
            && (visit.people_entered, visit.people_left) == (1, 1)
            && (zone.entered_at, zone.left_at) == (at(ZONE_ENTERED), at(ZONE_LEFT))
            && order.is_completed()
            && order.total_price == Some(self.scenario.total())
    }
}

fn scenario() -> Result<Scenario> {
    Ok(Scenario {
        scanned_at: SCANNED.parse()?,
        session: SESSION.to_owned(),
        session_number: 30_566,
        code: CODE.to_owned(),
        customer: CUSTOMER,
        external_customer: "loyalty-81723".to_owned(),
        first_name: "Alex",
        role: CustomerRole::Customer,
        shopper: "8814402271936".to_owned(),
        group_size: 1,
        store: 7,
        external_store: "berlin-3".to_owned(),
        unique_store: "de-berlin-3".to_owned(),
        order: 90_417,
        cart: vec![
            Item {
                name: "Oat drink 1 l",
                barcode: "4012345678901",
                cents: 249,
                quantity: 2,
            },
            Item {
                name: "Coffee 500 g",
                barcode: "4012345678918",
                cents: 752,
                quantity: 1,
            },
        ],
        payment_provider: PaymentProvider::Adyen,
        entered: ENTERED,
        left: LEFT,
    })
}

/// Lets in who has the code.
pub(super) fn answer(question: &EntryCodeVerify) -> EntryCodeVerifyAnswer {
    if question.entry_code != CODE {
        let denied = EntryCodeVerifyAnswer::builder().status(EntryCodeVerifyStatus::Failed);
        return denied.reason("no such code").build();
    }
    EntryCodeVerifyAnswer::builder()
        .status(EntryCodeVerifyStatus::Ok)
        .session_id(SESSION)
        .customer_id(CUSTOMER)
        .build()
}
