//! Random histories: each kind of inbox does what the one in memory does.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc, time::Duration};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_inbox::{
    ConsumerStats, Delivery, DeliveryStatus, Event, EventFilter, EventState, Inbox, MemoryInbox,
    NewEvent, Outcome, Retention, StoredEvent, Subscription,
};
use chrono::{TimeDelta, Utc};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use rusqlite::Connection;
use uuid::Uuid;

use crate::{CRASH, LEASE, name, new_sqlite, subscribe_with};

const CONSUMERS: [&str; 2] = ["a", "b"];
const FAR: Duration = Duration::from_secs(3600);

/// One step of a history. Numbers choose among what there is at the time.
#[derive(Clone, Debug)]
enum Step {
    Append {
        count: u8,
        is_quarantined: bool,
    },
    AppendAgain {
        nth: u8,
    },
    /// Everything that is there is delivered, and each is settled by one of these in turn.
    Handle {
        consumer: usize,
        outcomes: Vec<Settled>,
    },
    /// Everything new is delivered, and the process crashes.
    Crash {
        consumer: usize,
    },
    Requeue {
        nth: u8,
    },
    Replay {
        consumer: usize,
        nth: u8,
        later: bool,
    },
    Discard {
        nth: u8,
    },
    Erase {
        nth: u8,
    },
    Prune {
        include_unconsumed: bool,
    },
    Page {
        limit: u8,
    },
    RemoveConsumer {
        consumer: usize,
    },
    SetPaused {
        consumer: usize,
        is_paused: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum Settled {
    Done,
    RetryNow,
    RetryLater,
    Dead,
}

fn step() -> impl Strategy<Value = Step> {
    let consumer = || 0..CONSUMERS.len();
    let settled = prop_oneof![
        4 => Just(Settled::Done),
        1 => Just(Settled::RetryNow),
        1 => Just(Settled::RetryLater),
        1 => Just(Settled::Dead),
    ];
    prop_oneof![
        6 => (1..4u8, prop::bool::weighted(0.2))
            .prop_map(|(count, is_quarantined)| Step::Append { count, is_quarantined }),
        1 => any::<u8>().prop_map(|nth| Step::AppendAgain { nth }),
        6 => (consumer(), prop::collection::vec(settled, 1..5))
            .prop_map(|(consumer, outcomes)| Step::Handle { consumer, outcomes }),
        2 => consumer().prop_map(|consumer| Step::Crash { consumer }),
        2 => any::<u8>().prop_map(|nth| Step::Requeue { nth }),
        2 => (consumer(), any::<u8>(), any::<bool>())
            .prop_map(|(consumer, nth, later)| Step::Replay { consumer, nth, later }),
        1 => any::<u8>().prop_map(|nth| Step::Discard { nth }),
        1 => any::<u8>().prop_map(|nth| Step::Erase { nth }),
        1 => prop::bool::weighted(0.2)
            .prop_map(|include_unconsumed| Step::Prune { include_unconsumed }),
        1 => (1..5u8).prop_map(|limit| Step::Page { limit }),
        1 => consumer().prop_map(|consumer| Step::RemoveConsumer { consumer }),
        1 => (consumer(), any::<bool>())
            .prop_map(|(consumer, is_paused)| Step::SetPaused { consumer, is_paused }),
    ]
}

/// What a step showed, in a form that does not depend on the order of redeliveries.
#[derive(Debug, PartialEq)]
struct Shown(String);

impl Shown {
    fn of(value: impl fmt::Debug) -> Self {
        Self(format!("{value:?}"))
    }
}

/// Every event that was appended, for steps that choose one.
struct History {
    events: Vec<NewEvent>,
}

impl History {
    fn nth(&self, nth: u8) -> Option<&NewEvent> {
        let count = self.events.len().max(1);
        self.events.get(usize::from(nth) % count)
    }
}

/// An inbox under test, with its subscriptions.
struct Subject {
    inbox: Arc<dyn Inbox>,
    /// How long something that is due may take to be delivered.
    patience: Duration,
    subscriptions: BTreeMap<usize, Box<dyn Subscription>>,
}

impl Subject {
    fn new(inbox: Arc<dyn Inbox>, patience: Duration) -> Self {
        Self {
            inbox,
            patience,
            subscriptions: BTreeMap::new(),
        }
    }

    async fn subscription(&mut self, consumer: usize) -> &dyn Subscription {
        if !self.subscriptions.contains_key(&consumer) {
            let name = CONSUMERS[consumer];
            let subscription = subscribe_with(&*self.inbox, name, LEASE).await;
            self.subscriptions.insert(consumer, subscription);
        }
        &**self.subscriptions.get(&consumer).unwrap()
    }

    /// Receives everything that is there: `due` events, if the model knows how many.
    async fn receive_all(&mut self, consumer: usize, due: Option<usize>) -> Vec<Delivery> {
        let patience = self.patience;
        let subscription = self.subscription(consumer).await;
        let mut all = Vec::new();
        loop {
            let is_complete = due.is_none_or(|due| all.len() >= due);
            let wait = if is_complete {
                Duration::ZERO
            } else {
                patience
            };
            let received = subscription.receive(100, wait).await.unwrap();
            if received.is_empty() {
                break;
            }
            let is_alone = received.len() == 1;
            assert!(is_alone || received.iter().all(|delivery| !delivery.after_crash));
            all.extend(received);
        }
        all.sort_by_key(|delivery| delivery.event.id);
        all
    }

    /// Does a step, and returns what it showed, and how many events were due.
    async fn run(&mut self, step: &Step, history: &History, due: Option<usize>) -> (Shown, usize) {
        let (mut count, patience) = (0, self.patience);
        let shown = match step {
            Step::Append { .. } | Step::AppendAgain { .. } => Shown::of(()),
            Step::Handle { consumer, outcomes } => {
                let deliveries = self.receive_all(*consumer, due).await;
                count = deliveries.len();
                let seen: Vec<_> = deliveries
                    .iter()
                    .map(|one| (one.event.id, one.attempt, one.after_crash))
                    .collect();
                let settled = deliveries.into_iter().zip(outcomes.iter().cycle());
                let settled: Vec<_> = settled
                    .map(|(delivery, settled)| (delivery.receipt, settled.outcome()))
                    .collect();
                self.subscription(*consumer)
                    .await
                    .settle(settled)
                    .await
                    .unwrap();
                Shown::of(seen)
            }
            Step::Crash { consumer } => {
                let name = CONSUMERS[*consumer];
                let crashed = subscribe_with(&*self.inbox, name, CRASH).await;
                let wait = if due == Some(0) {
                    Duration::ZERO
                } else {
                    patience
                };
                let lost = crashed.receive(100, wait).await.unwrap();
                count = lost.len();
                drop(crashed);
                // The lease of the others is long again.
                self.subscriptions.remove(consumer);
                self.subscription(*consumer).await;
                Shown::of(())
            }
            Step::Requeue { nth } => {
                let ids = history.nth(*nth).map(|new| new.event.id).into_iter();
                Shown::of(self.inbox.requeue(ids.collect()).await.unwrap())
            }
            Step::Replay {
                consumer,
                nth,
                later,
            } => {
                let delay = if *later {
                    TimeDelta::hours(1)
                } else {
                    TimeDelta::zero()
                };
                let ids = history
                    .nth(*nth)
                    .map(|new| (new.event.id, Utc::now() + delay));
                let ids = ids.into_iter().collect();
                let consumer = name(CONSUMERS[*consumer]);
                Shown::of(self.inbox.replay(&consumer, ids).await.unwrap())
            }
            Step::Discard { nth } => {
                let id = history.nth(*nth).map_or(Uuid::nil(), |new| new.event.id);
                Shown::of(self.inbox.discard(id).await.is_ok())
            }
            Step::Erase { nth } => {
                let ids = history.nth(*nth).map(|new| new.event.id).into_iter();
                Shown::of(self.inbox.erase(ids.collect()).await.unwrap())
            }
            Step::Prune { include_unconsumed } => {
                let retention = Retention {
                    before: Some(Utc::now() + TimeDelta::hours(1)),
                    include_unconsumed: *include_unconsumed,
                    ..Retention::default()
                };
                self.inbox.prune(&retention).await.unwrap();
                Shown::of(())
            }
            Step::Page { limit } => {
                let mut ids = Vec::new();
                let mut after = None;
                loop {
                    let page = self
                        .inbox
                        .list(&EventFilter::default(), after, usize::from(*limit))
                        .await
                        .unwrap();
                    let Some(last) = page.last() else { break };
                    after = Some(last.position);
                    ids.extend(page.iter().map(|stored| stored.event.id));
                }
                let (mut newest_first, mut before) = (Vec::new(), None);
                loop {
                    let page = self
                        .inbox
                        .list_newest(&EventFilter::default(), before, usize::from(*limit))
                        .await
                        .unwrap();
                    let Some(last) = page.last() else { break };
                    before = Some(last.position);
                    newest_first.extend(page.iter().map(|stored| stored.event.id));
                }
                newest_first.reverse();
                assert_eq!(newest_first, ids);
                ids.sort_unstable();
                Shown::of(ids)
            }
            Step::RemoveConsumer { consumer } => {
                let removed = self
                    .inbox
                    .remove_consumer(&name(CONSUMERS[*consumer]))
                    .await;
                self.subscriptions.remove(consumer);
                Shown::of(removed.is_ok())
            }
            Step::SetPaused {
                consumer,
                is_paused,
            } => {
                let consumer = name(CONSUMERS[*consumer]);
                let changed = if *is_paused {
                    self.inbox.pause_consumer(&consumer).await
                } else {
                    self.inbox.resume_consumer(&consumer).await
                };
                Shown::of(changed.is_ok())
            }
        };
        (shown, count)
    }

    async fn has_deliveries(&self, consumer: usize) -> bool {
        let all = EventFilter::default();
        let stored = self.inbox.list(&all, None, 1000).await.unwrap();
        let mut deliveries = stored.iter().flat_map(|stored| &stored.deliveries);
        deliveries.any(|delivery| delivery.consumer == CONSUMERS[consumer] && !delivery.is_dead)
    }

    async fn is_consumed(&self) -> bool {
        let consumers = self.inbox.stats().await.unwrap().consumers;
        consumers
            .iter()
            .all(|consumer| (consumer.pending, consumer.dead) == (0, 0))
    }

    /// Everything that an operator sees.
    async fn state(&self) -> Shown {
        let stored = self
            .inbox
            .list(&EventFilter::default(), None, 1000)
            .await
            .unwrap();
        let stored: BTreeMap<_, _> = stored
            .iter()
            .map(|stored| {
                let mut deliveries = stored.deliveries.clone();
                deliveries.retain(|delivery| !is_first_in_flight(delivery));
                deliveries.sort_by(|a, b| a.consumer.cmp(&b.consumer));
                let value = (stored.state, stored.problem.clone(), deliveries);
                (stored.event.id, value)
            })
            .collect();
        let stats = self.inbox.stats().await.unwrap();
        let consumers: Vec<_> = stats
            .consumers
            .iter()
            .map(|consumer| {
                let ConsumerStats {
                    name,
                    pending,
                    dead,
                    is_paused,
                    ..
                } = consumer;
                (name, pending, dead, is_paused)
            })
            .collect();
        Shown::of((stored, stats.events, stats.quarantined, consumers))
    }
}

/// JetStream does not show the first delivery of an event before it failed, and replays it.
fn is_first_in_flight(delivery: &DeliveryStatus) -> bool {
    delivery.attempts <= 1 && !delivery.is_dead && delivery.problem.is_none()
}

impl Settled {
    fn outcome(self) -> Outcome {
        let problem = "it failed".to_owned();
        match self {
            Self::Done => Outcome::Done,
            Self::RetryNow => Outcome::Retry {
                delay: Duration::ZERO,
                problem,
            },
            Self::RetryLater => Outcome::Retry {
                delay: FAR,
                problem,
            },
            Self::Dead => Outcome::Dead { problem },
        }
    }
}

async fn find(inbox: &dyn Inbox, new: &NewEvent) -> Option<StoredEvent> {
    let filter = EventFilter {
        id: Some(new.event.id),
        ..EventFilter::default()
    };
    inbox.list(&filter, None, 1).await.unwrap().pop()
}

/// Checks that a SQLite inbox counts as the model does, and that its counts are those of its rows.
async fn check_counts(model: &Subject, subject: &Subject, file: &Path) {
    let (expected, counted) = (model.inbox.stats().await, subject.inbox.stats().await);
    let mut counted = counted.unwrap();
    assert!(counted.disk_free.take().is_some());
    assert_eq!(counted, expected.unwrap());
    let differences = "
        WITH
            e AS (SELECT block, events, accepted, bytes FROM event_block),
            of_e AS (SELECT seq >> 10, count(*), sum(problem IS NULL), sum(size)
                FROM event GROUP BY 1),
            d AS (SELECT block, consumer, waiting, dead FROM delivery_block),
            of_d AS (SELECT seq >> 10, consumer, sum(due_at IS NOT NULL), sum(due_at IS NULL)
                FROM delivery GROUP BY 1, 2)
        SELECT (SELECT count(*) FROM (SELECT * FROM e EXCEPT SELECT * FROM of_e))
            + (SELECT count(*) FROM (SELECT * FROM of_e EXCEPT SELECT * FROM e))
            + (SELECT count(*) FROM (SELECT * FROM d EXCEPT SELECT * FROM of_d))
            + (SELECT count(*) FROM (SELECT * FROM of_d EXCEPT SELECT * FROM d))
            + (SELECT count(*) FROM subject WHERE seq NOT IN (SELECT seq FROM event))";
    let connection = Connection::open(file).unwrap();
    let differences: u64 = connection
        .query_row(differences, [], |row| row.get(0))
        .unwrap();
    assert_eq!(differences, 0);
}

/// Runs a history on the model and on a subject, and compares both after each step. `file` is that of
/// a SQLite inbox.
async fn compare(steps: &[Step], inbox: Arc<dyn Inbox>, patience: Duration, file: Option<&Path>) {
    let mut model = Subject::new(Arc::new(MemoryInbox::new()), Duration::ZERO);
    let mut subject = Subject::new(inbox, patience);
    let mut history = History { events: Vec::new() };
    for step in steps {
        if let Step::Replay { consumer, nth, .. } = step
            && let Some(new) = history.nth(*nth)
            && let Some(stored) = find(&*model.inbox, new).await
            && let mut deliveries = stored.deliveries.iter()
            && deliveries.any(|delivery| {
                delivery.consumer == CONSUMERS[*consumer] && is_first_in_flight(delivery)
            })
        {
            continue;
        }
        // Only with new events, as others may come in another order.
        if let Step::Crash { consumer } = step
            && model.has_deliveries(*consumer).await
        {
            continue;
        }
        // JetStream prunes up to the first event that has to stay, and keeps dead letters elsewhere.
        if let Step::Prune { .. } = step
            && file.is_none()
            && !model.is_consumed().await
        {
            continue;
        }
        let appended = match step {
            Step::Append {
                count,
                is_quarantined,
            } => {
                let new = (0..*count).map(|number| {
                    let event = Event::new(&TRANSITION_LEFT, number.to_string());
                    if *is_quarantined {
                        NewEvent::quarantined(event, "no JSON")
                    } else {
                        NewEvent::accepted(event)
                    }
                });
                let new: Vec<_> = new.collect();
                history.events.extend(new.clone());
                new
            }
            Step::AppendAgain { nth } => {
                // Only what is there: a discarded event would be a new one.
                let mut there = Vec::new();
                if let Some(new) = history.nth(*nth)
                    && let Some(stored) = find(&*model.inbox, new).await
                {
                    let was_quarantined = new.problem().is_some();
                    let is_same = (stored.state == EventState::Quarantined) == was_quarantined;
                    there.extend(is_same.then(|| new.clone()));
                }
                there
            }
            _ => Vec::new(),
        };
        if !appended.is_empty() {
            model.inbox.append(appended.clone()).await.unwrap();
            subject.inbox.append(appended).await.unwrap();
        }
        let (expected, due) = model.run(step, &history, None).await;
        let (shown, _) = subject.run(step, &history, Some(due)).await;
        assert_eq!(shown, expected, "{step:?} of {steps:#?}");
        let (expected, shown) = (model.state().await, subject.state().await);
        assert_eq!(shown, expected, "after {step:?} of {steps:#?}");
        if let Some(file) = file {
            check_counts(&model, &subject, file).await;
        }
    }
}

/// Checks this many histories, or as many as the variable of proptest asks for.
fn check(cases: u32, steps: usize, compare: impl Fn(Vec<Step>)) {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    let cases = wanted.map_or(cases, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::with_cases(cases)
    });
    let histories = prop::collection::vec(step(), 1..steps);
    runner
        .run(&histories, |steps| {
            compare(steps);
            Ok(())
        })
        .unwrap();
}

#[test]
fn sqlite_does_what_the_model_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    check(60, 40, |steps| {
        runtime.block_on(async {
            let (inbox, place) = new_sqlite().await;
            let path = place.path();
            // The history goes from one block of counts to the next.
            Connection::open(&path)
                .unwrap()
                .execute_batch("INSERT INTO sqlite_sequence VALUES ('event', 1018)")
                .unwrap();
            compare(&steps, inbox, Duration::from_secs(10), Some(&path)).await;
        });
    });
}

#[cfg(feature = "jetstream")]
#[test]
fn jetstream_does_what_the_model_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    check(8, 25, |steps| {
        runtime.block_on(async {
            let (inbox, _broker) = crate::jetstream::new_jetstream().await;
            compare(&steps, inbox, Duration::from_secs(30), None).await;
        });
    });
}
