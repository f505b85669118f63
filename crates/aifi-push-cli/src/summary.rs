//! An event as a person likes to read it.

use std::{fmt, time::Duration};

use aifi_push::types::TransitionLeft;

use crate::escape;

/// Who left which store, when, after what time, and what the state of the session is.
pub(crate) struct Summary<'a>(pub(crate) &'a TransitionLeft);

impl Summary<'_> {
    /// From the first person's entering to the last person's leaving.
    pub(crate) fn visit(&self) -> Option<Duration> {
        let session = self.0.session.as_ref()?;
        let entered = session.customer_first_entered_at?;
        (session.customer_last_exited_at? - entered).to_std().ok()
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        let session = event.session.as_ref();
        let mut line = |name: &str, value: String| {
            let value = escape::line(&value);
            writeln!(f, "  {name:<9} {value}")
        };

        let customer = &event.customer;
        let id = customer.external_id.as_ref().or(customer.id.as_ref());
        line(
            "customer",
            format!(
                "{} ({})",
                or_unknown(id),
                or_unknown(customer.role.as_ref())
            ),
        )?;
        line("shopper", event.shopper_id.clone())?;
        let external = or_unknown(event.store_external_id.as_ref());
        line(
            "store",
            format!("{} (retailer's id: {external})", event.store_id),
        )?;
        line("left", event.time_of_origin.format("%F %T UTC").to_string())?;
        line(
            "visit",
            match self.visit() {
                Some(visit) => humantime::format_duration(visit).to_string(),
                None => UNKNOWN.to_owned(),
            },
        )?;
        let status = session.and_then(|session| session.status.as_ref());
        line(
            "session",
            match session {
                Some(_) => or_unknown(status),
                None => "none".to_owned(),
            },
        )?;
        line(
            "payment",
            or_unknown(event.payment.payment_provider.as_ref()),
        )
    }
}

const UNKNOWN: &str = "unknown";

fn or_unknown(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), ToString::to_string)
}
