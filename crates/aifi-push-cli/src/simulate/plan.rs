//! What happens in a visit, in the order in which the platform says so.

use std::time::Duration;

use aifi_push::{Operation, Push, types::OrderStatus};
use anyhow::Result;
use fastrand::Rng;
use serde_json::Value;

use super::odd::Odd;
use crate::scenario::Scenario;

/// Longer than any visit, with what comes after it.
pub(super) const LONGEST: Duration = Duration::from_secs(3000);

/// How many events a visit has on average, which is what the help text says.
#[cfg(test)]
pub(super) const EVENTS_PER_VISIT: f64 = 10.0;

/// The steps of a visit.
pub(super) struct Plan(pub(super) Vec<Planned>);

/// A step at a second of a visit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) seconds: i64,
    /// How many seconds later than usual it arrives.
    pub(super) delay: i64,
    pub(super) odd: Option<Odd>,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    CustomerCreated,
    WrongCode,
    EntryCodeNotify,
    Verify,
    Entered,
    IdentityMatching,
    ZoneEntered(u8),
    ZoneLeft(u8),
    PlanogramError,
    Left,
    SuspectedFraud,
    OrderPrice,
    CartMutator,
    Draft,
    Completed,
    Reviewed,
}

impl Plan {
    pub(super) fn new(scenario: &Scenario, rng: &mut Rng) -> Self {
        let &Scenario {
            entered,
            left,
            group_size,
            ..
        } = scenario;
        let mut steps = Vec::new();
        let mut one_in = |count: u32| rng.u32(0..count) == 0;
        if one_in(20) {
            steps.push((-60, Step::CustomerCreated));
        }
        if one_in(25) {
            steps.extend([(-15, Step::WrongCode), (-14, Step::EntryCodeNotify)]);
        }
        steps.push((0, Step::Verify));
        // One for each person, with the same body.
        steps.extend((0..group_size).map(|_| (entered, Step::Entered)));
        if one_in(25) {
            steps.push((entered + 20, Step::IdentityMatching));
        }
        if one_in(50) {
            steps.push((entered + 30, Step::PlanogramError));
        }
        let is_fraud = one_in(100);
        let (is_priced, is_reviewed) = (scenario.store % 3 == 0, one_in(30));
        let zones = match rng.u32(0..10) {
            0 => 0,
            1..=4 => 1,
            5..=7 => 2,
            _ => 3,
        };
        let stay = (left - entered - 10) / 3;
        for zone in 0..zones {
            let begin = entered + 5 + stay * i64::from(zone);
            let end = begin + rng.i64(2..stay);
            steps.push((begin, Step::ZoneEntered(zone)));
            steps.push((end, Step::ZoneLeft(zone)));
        }
        steps.extend((0..group_size).map(|_| (left, Step::Left)));
        if is_fraud {
            steps.push((left + 2, Step::SuspectedFraud));
        }
        if !scenario.cart.is_empty() {
            if is_priced {
                steps.push((left + 3, Step::OrderPrice));
            }
            steps.push((left + 4, Step::CartMutator));
            steps.push((left + 6, Step::Draft));
            steps.push((left + rng.i64(8..60), Step::Completed));
            if is_reviewed {
                steps.push((left + 600, Step::Reviewed));
            }
        }
        steps.sort_by_key(|(seconds, _)| *seconds);
        let steps = steps.into_iter().map(|(seconds, step)| Planned {
            seconds,
            delay: 0,
            odd: None,
            step,
        });
        let mut steps: Vec<_> = steps.collect();
        if rng.u32(0..10) == 0 {
            let mut index = rng.usize(..steps.len());
            // It has little that could be odd.
            if let Step::CustomerCreated = steps[index].step {
                index += 1;
            }
            let odd = Odd::choose(rng);
            let again = odd.change(&mut steps[index]);
            steps.extend(again);
        }
        Self(steps)
    }
}

impl Planned {
    /// Returns the kind of the event, and its body.
    pub(super) fn event(self, scenario: &Scenario) -> Result<(&'static Operation, Vec<u8>)> {
        let (operation, mut body) = self.step.event(self.seconds, scenario)?;
        if let Some(odd) = self.odd {
            odd.apply(&mut body);
        }
        Ok((operation, serde_json::to_vec(&body)?))
    }
}

impl Step {
    fn event(self, seconds: i64, scenario: &Scenario) -> Result<(&'static Operation, Value)> {
        let wrong_code = "QR-00000000";
        match self {
            Self::CustomerCreated => event(&scenario.customer_created(seconds)),
            Self::WrongCode => event(&scenario.verify(seconds, wrong_code)),
            Self::EntryCodeNotify => event(&scenario.notify(seconds, wrong_code)),
            Self::Verify => event(&scenario.verify(seconds, &scenario.code)),
            Self::Entered => event(&scenario.entered()),
            Self::IdentityMatching => event(&scenario.identity_matching(seconds)),
            Self::ZoneEntered(zone) => event(&scenario.zone_entered(seconds, &zone_name(zone))),
            Self::ZoneLeft(zone) => event(&scenario.zone_left(seconds, &zone_name(zone))?),
            Self::PlanogramError => event(&scenario.planogram_error(seconds)),
            Self::Left => event(&scenario.left()),
            Self::SuspectedFraud => event(&scenario.suspected_fraud(seconds)),
            Self::OrderPrice => event(&scenario.order_price(seconds)?),
            Self::CartMutator => event(&scenario.cart_mutator(seconds)?),
            Self::Draft => event(&scenario.checkout(OrderStatus::Draft, seconds)?),
            Self::Completed => event(&scenario.checkout(OrderStatus::Completed, seconds)?),
            Self::Reviewed => event(&scenario.checkout(OrderStatus::Reviewed, seconds)?),
        }
    }
}

fn zone_name(zone: u8) -> String {
    format!("till-{}", zone + 1)
}

fn event<T: Push>(event: &T) -> Result<(&'static Operation, Value)> {
    Ok((&T::OPERATION, serde_json::to_value(event)?))
}
