//! The events of all visits in the order in which they are sent.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::Arc,
};

use aifi_push::Operation;
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::{chain::Chain, plan::Planned};
use crate::scenario::Scenario;

/// An event that is to be sent.
pub(super) struct Scheduled {
    pub(super) at: DateTime<Utc>,
    pub(super) visit: Arc<Visit>,
    step: Planned,
    /// Keeps events of the same time in order.
    number: u64,
}

pub(super) struct Visit {
    scenario: Scenario,
    /// Its events are sent one after the other.
    pub(super) turn: Mutex<()>,
}

impl Scheduled {
    pub(super) fn event(&self) -> Result<(&'static Operation, Vec<u8>)> {
        self.step.event(&self.visit.scenario)
    }

    #[cfg(test)]
    pub(super) fn odd(&self) -> Option<super::odd::Odd> {
        self.step.odd
    }

    #[cfg(test)]
    pub(super) fn session(&self) -> &str {
        &self.visit.scenario.session
    }
}

/// Yields the events from the start on, perhaps without end. Only the visits that go on are in memory.
pub(super) struct Schedule {
    chain: Chain,
    end: Option<DateTime<Utc>>,
    next_visit: i64,
    /// When the latest event was that it yielded.
    latest: DateTime<Utc>,
    next_number: u64,
    waiting: BinaryHeap<Reverse<Scheduled>>,
}

impl Schedule {
    pub(super) fn new(chain: Chain, end: Option<DateTime<Utc>>) -> Self {
        Self {
            next_visit: chain.first(),
            latest: chain.start,
            end,
            next_number: 0,
            waiting: BinaryHeap::new(),
            chain,
        }
    }

    /// How many visits began between the start and the latest event.
    pub(super) fn visits(&self) -> usize {
        let has_begun = |number: &i64| self.chain.scanned_at(*number) <= self.latest;
        (0..self.next_visit)
            .rev()
            .skip_while(|number| !has_begun(number))
            .count()
    }

    /// When the earliest event of the next visit is sent: a customer may be created before.
    fn begin_of_next_visit(&self) -> DateTime<Utc> {
        self.chain.scanned_at(self.next_visit) - TimeDelta::seconds(60)
    }

    fn begin_visit(&mut self) {
        let (scenario, plan) = self.chain.visit(self.next_visit);
        self.next_visit += 1;
        let visit = Arc::new(Visit {
            scenario,
            turn: Mutex::new(()),
        });
        for step in plan.0 {
            let at = visit.scenario.at(step.seconds + step.delay);
            // What would have been sent before.
            if at < self.chain.start {
                continue;
            }
            self.waiting.push(Reverse(Scheduled {
                at,
                visit: Arc::clone(&visit),
                step,
                number: self.next_number,
            }));
            self.next_number += 1;
        }
    }
}

impl Iterator for Schedule {
    type Item = Scheduled;

    fn next(&mut self) -> Option<Scheduled> {
        while self
            .waiting
            .peek()
            .is_none_or(|Reverse(earliest)| earliest.at >= self.begin_of_next_visit())
        {
            self.begin_visit();
        }
        let Reverse(event) = self.waiting.pop()?;
        if self.end.is_some_and(|end| event.at >= end) {
            return None;
        }
        self.latest = event.at;
        Some(event)
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}
