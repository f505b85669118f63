//! A visit that nobody made: what each event of it says.

use std::collections::BTreeMap;

use aifi_push::types::{
    CartItem, CartMutator, Checkout, CheckoutZoneEntered, CheckoutZoneLeft, Customer,
    CustomerCreated, CustomerPersonalInfo, CustomerRole, EntryCodeNotify, EntryCodeVerify,
    IdentityMatching, OrderPrice, OrderStatus, Payment, PaymentProvider, PlanogramError, Session,
    SessionStatus, Shopper, Store, SuspectedFraud, TransitionEntered, TransitionLeft,
};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

/// Percent of the price that is tax, which is included.
const TAX: i64 = 7;

/// Who visits which store when. Seconds count from the scan of the entry code.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) scanned_at: DateTime<Utc>,
    pub(crate) session: String,
    pub(crate) session_number: i64,
    pub(crate) code: String,
    pub(crate) customer: i64,
    pub(crate) external_customer: String,
    pub(crate) first_name: &'static str,
    pub(crate) role: CustomerRole,
    pub(crate) shopper: String,
    pub(crate) group_size: i64,
    pub(crate) store: i64,
    pub(crate) external_store: String,
    pub(crate) unique_store: String,
    pub(crate) order: i64,
    pub(crate) cart: Vec<Item>,
    pub(crate) payment_provider: PaymentProvider,
    pub(crate) entered: i64,
    pub(crate) left: i64,
}

/// So many pieces of a product.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) name: &'static str,
    pub(crate) barcode: &'static str,
    pub(crate) cents: i64,
    pub(crate) quantity: i64,
}

impl Scenario {
    pub(crate) fn at(&self, seconds: i64) -> DateTime<Utc> {
        self.scanned_at + TimeDelta::seconds(seconds)
    }

    /// The price of the whole cart.
    pub(crate) fn total(&self) -> String {
        price(self.cents())
    }

    fn cents(&self) -> i64 {
        self.cart
            .iter()
            .map(|item| item.cents * item.quantity)
            .sum()
    }

    fn tax(&self) -> i64 {
        // Rounded to the nearest.
        (self.cents() * TAX * 2 + 100 + TAX) / (2 * (100 + TAX))
    }

    pub(crate) fn customer_created(&self, seconds: i64) -> CustomerCreated {
        let first_name = self.first_name;
        let customer = self.customer;
        CustomerCreated::builder()
            .customer(self.customer())
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .customer_personal_info(
                CustomerPersonalInfo::builder()
                    .email(format!("{first_name}.{customer}@example.com").to_lowercase())
                    .first_name(first_name)
                    .last_name("Example")
                    .build(),
            )
            .build()
    }

    pub(crate) fn verify(&self, seconds: i64, code: &str) -> EntryCodeVerify {
        EntryCodeVerify::builder()
            .store_id(self.store)
            .store(self.store())
            .store_external_id(Some(self.external_store.clone()))
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds))
            .customer_id(Some(self.customer))
            .customer(self.customer())
            .role(Some(self.role.clone()))
            .check_in_device_id(Some(3))
            .entry_code(code)
            .expected_group_size(Some(self.group_size))
            .payment(self.payment())
            .build()
    }

    pub(crate) fn notify(&self, seconds: i64, code: &str) -> EntryCodeNotify {
        EntryCodeNotify::builder()
            .store_id(self.store)
            .store(self.store())
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .session_id(self.session.clone())
            .customer(self.customer())
            .check_in_device_id(3)
            .entry_code(code)
            .error_message("the code has expired")
            .error_code(12)
            .build()
    }

    pub(crate) fn entered(&self) -> TransitionEntered {
        TransitionEntered::builder()
            .session_id(self.session.clone())
            .session(self.session(self.entered))
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(self.external_store.clone())
            .time_of_origin(self.at(self.entered))
            .time_of_issue(self.at(self.entered + 1))
            .shopper_id(self.shopper.clone())
            .build()
    }

    pub(crate) fn identity_matching(&self, seconds: i64) -> IdentityMatching {
        IdentityMatching::builder()
            .session_id(self.session.clone())
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(Some(self.external_store.clone()))
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .session(Some(self.session(seconds)))
            .visitor_shopper_id(self.shopper.clone())
            .build()
    }

    pub(crate) fn zone_entered(&self, seconds: i64, zone: &str) -> CheckoutZoneEntered {
        CheckoutZoneEntered::builder()
            .session_id(self.session.clone())
            .session(self.session(seconds))
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(self.external_store.clone())
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .checkout_zone_id(zone.into())
            .shopper(self.shopper())
            .build()
    }

    pub(crate) fn zone_left(&self, seconds: i64, zone: &str) -> Result<CheckoutZoneLeft> {
        Ok(CheckoutZoneLeft::builder()
            .session_id(self.session.clone())
            .session(Some(self.session(seconds)))
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(Some(self.external_store.clone()))
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .checkout_zone_id(zone.into())
            .shopper(self.shopper())
            .cart(self.cart()?)
            .build())
    }

    pub(crate) fn left(&self) -> TransitionLeft {
        TransitionLeft::builder()
            .session_id(self.session.clone())
            .session(Some(self.session(self.left)))
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(Some(self.external_store.clone()))
            .time_of_origin(self.at(self.left))
            .time_of_issue(self.at(self.left + 1))
            .payment(self.payment())
            .shopper_id(self.shopper.clone())
            .shopper(self.shopper())
            .build()
    }

    pub(crate) fn suspected_fraud(&self, seconds: i64) -> SuspectedFraud {
        SuspectedFraud::builder()
            .session_id(self.session.clone())
            .session(Some(self.session(seconds)))
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(Some(self.external_store.clone()))
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .payment(self.payment())
            .build()
    }

    pub(crate) fn planogram_error(&self, seconds: i64) -> PlanogramError {
        PlanogramError::builder()
            .store_id(self.store)
            .store(self.store())
            .store_external_id(self.external_store.clone())
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .shelf_id("shelf-4")
            .gondola_id("gondola-2")
            .build()
    }

    pub(crate) fn cart_mutator(&self, seconds: i64) -> Result<CartMutator> {
        Ok(CartMutator::builder()
            .session_id(self.session.clone())
            .session(Some(self.session(seconds)))
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(Some(self.external_store.clone()))
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .cart(self.cart()?)
            .metadata(BTreeMap::new())
            .order_id(self.order)
            .status(OrderStatus::Draft)
            .total_price(self.total())
            .total_tax(price(self.tax()))
            .subtotal_price(price(self.cents() - self.tax()))
            .payment(self.payment())
            .build())
    }

    pub(crate) fn order_price(&self, seconds: i64) -> Result<OrderPrice> {
        Ok(OrderPrice::builder()
            .session_id(self.session.clone())
            .session(Some(self.session(seconds)))
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(Some(self.external_store.clone()))
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .order_id(self.order)
            .status(OrderStatus::Completed)
            .cart(self.cart()?)
            .build())
    }

    pub(crate) fn checkout(&self, status: OrderStatus, seconds: i64) -> Result<Checkout> {
        Ok(Checkout::builder()
            .session_id(self.session.clone())
            .session(Some(self.session(seconds)))
            .customer(self.customer())
            .store_id(self.store)
            .store(self.store())
            .store_external_id(Some(self.external_store.clone()))
            .time_of_origin(self.at(seconds))
            .time_of_issue(self.at(seconds + 1))
            .order_id(self.order)
            .status(status)
            .cart(self.cart()?)
            .amount(self.total().parse()?)
            .total_price(self.total())
            .total_tax(price(self.tax()))
            .subtotal_price(price(self.cents() - self.tax()))
            .payment(self.payment())
            .build())
    }

    /// The session as the platform knows it after some seconds.
    fn session(&self, seconds: i64) -> Session {
        let exited = (seconds >= self.left).then(|| self.at(self.left));
        Session::builder()
            .id(self.session_number)
            .session_id(self.session.clone())
            .session_token(self.session.clone())
            .status(SessionStatus::Active)
            .store_id(self.store)
            .created_at(self.at(0))
            .updated_at(self.at(seconds))
            .code_first_succesfully_scanned_at(self.at(0))
            .customer_id(self.customer)
            .customer_first_entered_at(self.at(self.entered))
            .customer_last_entered_at(self.at(self.entered))
            .maybe_customer_first_exited_at(exited)
            .maybe_customer_last_exited_at(exited)
            .group_size(self.group_size)
            .visitors(self.group_size)
            .suspected_fraud(false)
            .build()
    }

    fn customer(&self) -> Customer {
        Customer::builder()
            .id(self.customer.to_string())
            .external_id(self.external_customer.clone())
            .role(self.role.clone())
            .build()
    }

    fn store(&self) -> Store {
        Store::builder()
            .oasis_api_store_id(self.store)
            .aifi_unique_store_id(self.unique_store.clone())
            .build()
    }

    fn payment(&self) -> Payment {
        let provider = self.payment_provider.clone();
        Payment::builder().payment_provider(provider).build()
    }

    fn shopper(&self) -> Shopper {
        Shopper::builder().shopper_id(self.shopper.clone()).build()
    }

    fn cart(&self) -> Result<Vec<CartItem>> {
        let items = self.cart.iter().map(|item| {
            Ok(CartItem::builder()
                .name(item.name)
                .barcode(item.barcode)
                .price(price(item.cents))
                .quantity(item.quantity.to_string().parse()?)
                .total_price(price(item.cents * item.quantity))
                .build())
        });
        items.collect()
    }
}

fn price(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
