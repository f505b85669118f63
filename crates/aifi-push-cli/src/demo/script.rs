//! The visit that the demo plays: what each event says.

use aifi_push::types::{
    CartItem, Checkout, CheckoutZoneEntered, CheckoutZoneLeft, Customer, CustomerRole,
    EntryCodeVerify, EntryCodeVerifyAnswer, EntryCodeVerifyStatus, OrderStatus, Payment,
    PaymentProvider, Session, SessionStatus, Shopper, Store, TransitionEntered, TransitionLeft,
};
use aifi_push_receiver::inbox::Visit;
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

const SESSION: &str = "5f0c1f7e-3a54-4c1d-9d0b-6a1e0c7b9e42";
const CODE: &str = "QR-7K3F-9P2M";
const CUSTOMER: i64 = 4711;
const SHOPPER: &str = "8814402271936";
const STORE: i64 = 7;
const RETAILERS_STORE: &str = "berlin-3";
const ZONE: &str = "till-2";
const ORDER: i64 = 90_417;
const TOTAL: &str = "12.50";
const TAX: &str = "0.82";
const SUBTOTAL: &str = "11.68";

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
        Ok(Self {
            verify: verify()?,
            entered: entered()?,
            zone_entered: zone_entered()?,
            zone_left: zone_left()?,
            left: left()?,
            draft: checkout(OrderStatus::Draft, DRAFT)?,
            completed: checkout(OrderStatus::Completed, COMPLETED)?,
        })
    }

    /// Returns `true` if a visit says what the script does.
    pub(super) fn is_told_by(&self, visit: &Visit) -> bool {
        let seconds = |seconds| at(seconds).ok();
        let [zone] = &visit.zones[..] else {
            return false;
        };
        let [order] = &visit.orders[..] else {
            return false;
        };
        visit.session == SESSION
            && (visit.entered_at, visit.exited_at) == (seconds(ENTERED), seconds(LEFT))
            && (visit.people_entered, visit.people_left) == (1, 1)
            && (zone.entered_at, zone.left_at) == (seconds(ZONE_ENTERED), seconds(ZONE_LEFT))
            && order.is_completed()
            && order.total_price.as_deref() == Some(TOTAL)
    }
}

fn at(seconds: i64) -> Result<DateTime<Utc>> {
    Ok(SCANNED.parse::<DateTime<Utc>>()? + TimeDelta::seconds(seconds))
}

/// The session as the platform knows it after some seconds.
fn session(seconds: i64) -> Result<Session> {
    let exited = if seconds >= LEFT {
        Some(at(LEFT)?)
    } else {
        None
    };
    Ok(Session::builder()
        .id(30_566)
        .session_id(SESSION)
        .session_token(SESSION)
        .status(SessionStatus::Active)
        .store_id(STORE)
        .created_at(at(0)?)
        .updated_at(at(seconds)?)
        .code_first_succesfully_scanned_at(at(0)?)
        .customer_id(CUSTOMER)
        .customer_first_entered_at(at(ENTERED)?)
        .customer_last_entered_at(at(ENTERED)?)
        .maybe_customer_first_exited_at(exited)
        .maybe_customer_last_exited_at(exited)
        .group_size(1)
        .visitors(1)
        .suspected_fraud(false)
        .build())
}

fn customer() -> Customer {
    Customer::builder()
        .id(CUSTOMER.to_string())
        .external_id("loyalty-81723")
        .role(CustomerRole::Customer)
        .build()
}

fn store() -> Store {
    Store::builder()
        .oasis_api_store_id(STORE)
        .aifi_unique_store_id("de-berlin-3")
        .build()
}

fn payment() -> Payment {
    let provider = PaymentProvider::Adyen;
    Payment::builder().payment_provider(provider).build()
}

fn shopper() -> Shopper {
    Shopper::builder().shopper_id(SHOPPER).build()
}

fn verify() -> Result<EntryCodeVerify> {
    Ok(EntryCodeVerify::builder()
        .store_id(STORE)
        .store(store())
        .store_external_id(Some(RETAILERS_STORE.to_owned()))
        .time_of_origin(at(0)?)
        .time_of_issue(at(0)?)
        .customer_id(Some(CUSTOMER))
        .customer(customer())
        .role(Some(CustomerRole::Customer))
        .check_in_device_id(Some(3))
        .entry_code(CODE)
        .expected_group_size(Some(1))
        .payment(payment())
        .build())
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

fn entered() -> Result<TransitionEntered> {
    Ok(TransitionEntered::builder()
        .session_id(SESSION)
        .session(session(ENTERED)?)
        .customer(customer())
        .store_id(STORE)
        .store(store())
        .store_external_id(RETAILERS_STORE)
        .time_of_origin(at(ENTERED)?)
        .time_of_issue(at(ENTERED + 1)?)
        .shopper_id(SHOPPER)
        .build())
}

fn zone_entered() -> Result<CheckoutZoneEntered> {
    Ok(CheckoutZoneEntered::builder()
        .session_id(SESSION)
        .session(session(ZONE_ENTERED)?)
        .customer(customer())
        .store_id(STORE)
        .store(store())
        .store_external_id(RETAILERS_STORE)
        .time_of_origin(at(ZONE_ENTERED)?)
        .time_of_issue(at(ZONE_ENTERED + 1)?)
        .checkout_zone_id(ZONE.into())
        .shopper(shopper())
        .build())
}

fn zone_left() -> Result<CheckoutZoneLeft> {
    Ok(CheckoutZoneLeft::builder()
        .session_id(SESSION)
        .session(Some(session(ZONE_LEFT)?))
        .customer(customer())
        .store_id(STORE)
        .store(store())
        .store_external_id(Some(RETAILERS_STORE.to_owned()))
        .time_of_origin(at(ZONE_LEFT)?)
        .time_of_issue(at(ZONE_LEFT + 1)?)
        .checkout_zone_id(ZONE.into())
        .shopper(shopper())
        .cart(cart()?)
        .build())
}

fn left() -> Result<TransitionLeft> {
    Ok(TransitionLeft::builder()
        .session_id(SESSION)
        .session(Some(session(LEFT)?))
        .customer(customer())
        .store_id(STORE)
        .store(store())
        .store_external_id(Some(RETAILERS_STORE.to_owned()))
        .time_of_origin(at(LEFT)?)
        .time_of_issue(at(LEFT + 1)?)
        .payment(payment())
        .shopper_id(SHOPPER)
        .shopper(shopper())
        .build())
}

fn checkout(status: OrderStatus, seconds: i64) -> Result<Checkout> {
    Ok(Checkout::builder()
        .session_id(SESSION)
        .session(Some(session(seconds)?))
        .customer(customer())
        .store_id(STORE)
        .store(store())
        .store_external_id(Some(RETAILERS_STORE.to_owned()))
        .time_of_origin(at(seconds)?)
        .time_of_issue(at(seconds + 1)?)
        .order_id(ORDER)
        .status(status)
        .cart(cart()?)
        .amount(TOTAL.parse()?)
        .total_price(TOTAL)
        .total_tax(TAX)
        .subtotal_price(SUBTOTAL)
        .payment(payment())
        .build())
}

fn cart() -> Result<Vec<CartItem>> {
    let oat_drink = CartItem::builder()
        .name("Oat drink 1 l")
        .barcode("4012345678901")
        .price("2.49")
        .quantity("2".parse()?)
        .total_price("4.98")
        .build();
    let coffee = CartItem::builder()
        .name("Coffee 500 g")
        .barcode("4012345678918")
        .price("7.52")
        .quantity("1".parse()?)
        .total_price("7.52")
        .build();
    Ok(vec![oat_drink, coffee])
}
