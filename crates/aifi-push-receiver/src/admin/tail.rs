//! What arrives, as the page sees it: read from the inbox, so that it is complete whoever received it.

mod stores;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aifi_push_inbox::{
    AdminError, AuditEntry, ErrorChain, EventAbout, EventFilter, Inbox, Position, StoredEvent,
    VisitPart, Visits,
};
use chrono::{DateTime, TimeDelta, Utc};
pub(super) use stores::Stores;
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::task::AbortOnDropHandle;

/// How often it looks for what arrived.
const INTERVAL: Duration = Duration::from_secs(1);

/// When it stops, because nobody looks any more. Whoever comes then waits until it looked back anew.
const UNUSED: Duration = Duration::from_secs(15 * 60);

/// How many events are read together: their bodies, of up to a MiB, are in memory then.
pub(super) const PAGE: usize = 16;

/// How far it looks back at the start, and how many events it reads at most for that.
const LOOK_BACK: TimeDelta = TimeDelta::hours(24);
const MAX_LOOK_BACK: usize = 200_000;

/// Between two pages of older events, at least. It is as long as a page took, so that looking back is
/// half of the work that the inbox can do, at most.
const LOOK_BACK_PAUSE: Duration = Duration::from_millis(5);

/// How many events of visits are in memory, how many bytes they take, and how many events are of one
/// visit.
const MAX_VISIT_EVENTS: usize = 50_000;
const MAX_VISIT_BYTES: usize = 32 << 20;
const MAX_EVENTS_OF_VISIT: usize = 1000;

/// When a visit is over of which nothing arrives any more.
const VISIT_IDLE: TimeDelta = TimeDelta::hours(24);

/// What operators do that deletes events, as the audit has it.
const DELETIONS: [&str; 3] = ["discard", "erase", "prune"];

/// How many actions are read together.
const ACTIONS: usize = 100;

/// How many arrivals are kept for pages that are open.
const MAX_ARRIVALS: usize = 256;

/// Follows an inbox in the background, while somebody looks.
pub(super) struct Tail {
    inbox: Arc<dyn Inbox>,
    seen: Arc<Mutex<Seen>>,
    task: Mutex<Option<AbortOnDropHandle<()>>>,
}

/// What was seen so far.
pub(super) struct Seen {
    pub(super) stores: Stores,
    pub(super) visits: Visits,
    /// The newest last.
    arrivals: VecDeque<Arc<Arrival>>,
    /// The position after which each event that arrived is among them, if it began to look.
    complete_after: Option<Position>,
    /// How old the oldest event is that was read, or when it began to look.
    pub(super) since: Option<DateTime<Utc>>,
    /// Whether it still looks back.
    pub(super) is_looking_back: bool,
    /// Whether the inbox failed when it was asked last.
    pub(super) is_failing: bool,
    last_looked: Instant,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            stores: Stores::default(),
            visits: Visits::default(),
            arrivals: VecDeque::new(),
            complete_after: None,
            since: None,
            is_looking_back: false,
            is_failing: false,
            last_looked: Instant::now(),
        }
    }
}

/// An event that arrived while it was looking.
pub(super) struct Arrival {
    pub(super) stored: StoredEvent,
    pub(super) about: EventAbout,
}

/// What arrived after a position.
pub(super) enum Arrived {
    /// All of it, the newest last.
    All(Vec<Arc<Arrival>>),
    /// More than is kept: up to this position, everything is to be read from the inbox.
    More(Position),
}

impl Tail {
    pub(super) fn new(inbox: Arc<dyn Inbox>) -> Self {
        Self {
            inbox,
            seen: Arc::default(),
            task: Mutex::default(),
        }
    }

    /// Notes that somebody looks, and starts it unless it runs.
    pub(super) fn look(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let is_running = task.as_ref().is_some_and(|task| !task.is_finished());
        if is_running {
            self.seen().last_looked = Instant::now();
            return;
        }
        *self.seen() = Seen::default();
        let (inbox, seen) = (Arc::clone(&self.inbox), Arc::clone(&self.seen));
        *task = Some(AbortOnDropHandle::new(tokio::spawn(follow(inbox, seen))));
    }

    /// What was seen. To be locked for short: what arrives waits for it.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn follow(inbox: Arc<dyn Inbox>, seen: Arc<Mutex<Seen>>) {
    let mut reader = Reader {
        inbox,
        after: None,
        older: None,
        last_action: None,
        actions_read: Instant::now(),
    };
    while let Err(error) = reader.begin(&seen).await {
        failed(&seen, &error);
        sleep(INTERVAL).await;
    }
    loop {
        let began = Instant::now();
        match reader.step(&seen).await {
            Ok(()) => lock(&seen).is_failing = false,
            Err(error) => failed(&seen, &error),
        }
        let is_failing = lock(&seen).is_failing;
        let pause = if reader.older.is_some() && !is_failing {
            began.elapsed().clamp(LOOK_BACK_PAUSE, INTERVAL)
        } else {
            INTERVAL
        };
        sleep(pause).await;
        let mut seen = lock(&seen);
        if seen.last_looked.elapsed() >= UNUSED {
            *seen = Seen::default();
            return;
        }
    }
}

/// Reads bodies where nobody waits for it, and lets go of them.
async fn read(page: Vec<StoredEvent>) -> Vec<(StoredEvent, VisitPart)> {
    let read = spawn_blocking(|| {
        let page = page.into_iter().map(|mut stored| {
            let part = VisitPart::of(&stored);
            stored.event.body.clear();
            (stored, part)
        });
        page.collect()
    });
    // It ends early only with the runtime.
    read.await.unwrap_or_default()
}

fn failed(seen: &Mutex<Seen>, error: &AdminError) {
    let was_failing = std::mem::replace(&mut lock(seen).is_failing, true);
    if !was_failing {
        tracing::warn!(error = %ErrorChain(error), "the operator's page does not see what arrives");
    }
}

/// Where it is in the inbox.
struct Reader {
    inbox: Arc<dyn Inbox>,
    after: Option<Position>,
    /// What is still to be looked back at.
    older: Option<Older>,
    /// The number of the newest action in the audit, and when that was read.
    last_action: Option<u64>,
    actions_read: Instant,
}

struct Older {
    before: Position,
    since: DateTime<Utc>,
    left: usize,
}

impl Reader {
    /// Begins to look, and forgets what was seen before.
    async fn begin(&mut self, seen: &Mutex<Seen>) -> Result<(), AdminError> {
        // Before events are read, so that none stays which is deleted in between.
        let newest = self.inbox.actions(None, 1).await?;
        let last_action = newest.first().map(|action| action.number);
        self.after = self.inbox.newest().await?;
        self.last_action = last_action;
        self.actions_read = Instant::now();
        self.older = self.after.map(|newest| Older {
            before: Position::new(newest.get().saturating_add(1)),
            since: Utc::now() - LOOK_BACK,
            left: MAX_LOOK_BACK,
        });
        let mut seen = lock(seen);
        *seen = Seen {
            since: Some(Utc::now()),
            is_looking_back: self.older.is_some(),
            complete_after: Some(self.after.unwrap_or(Position::new(0))),
            last_looked: seen.last_looked,
            ..Seen::default()
        };
        Ok(())
    }

    /// Returns `true` if events were deleted since it began to look.
    async fn is_outdated(&mut self) -> Result<bool, AdminError> {
        if self.actions_read.elapsed() < INTERVAL {
            return Ok(false);
        }
        let is_new = |action: &&AuditEntry| Some(action.number) > self.last_action;
        let newest = self.inbox.actions(None, 1).await?;
        let Some(newest) = newest.first().filter(is_new) else {
            self.actions_read = Instant::now();
            return Ok(false);
        };
        let actions = self.inbox.actions(None, ACTIONS).await?;
        let new: Vec<_> = actions.iter().take_while(is_new).collect();
        let is_deletion = |action: &&AuditEntry| {
            let mut deletions = DELETIONS.iter();
            // Also one that failed may have deleted some.
            deletions.any(|deletion| action.action.starts_with(deletion))
        };
        if new.len() == ACTIONS || new.iter().any(is_deletion) {
            return Ok(true);
        }
        self.last_action = Some(newest.number);
        self.actions_read = Instant::now();
        Ok(false)
    }

    /// Reads everything that arrived, and then a page of what is older.
    async fn step(&mut self, seen: &Mutex<Seen>) -> Result<(), AdminError> {
        if self.is_outdated().await? {
            // What was deleted must not be shown any more, and may be anywhere.
            self.begin(seen).await?;
        }
        // What arrives is pending or quarantined.
        let all = EventFilter {
            without_states: true,
            ..EventFilter::default()
        };
        // To ask for the newest is less work than to list nothing, above all on brokers.
        let newest = self.inbox.newest().await?;
        while self.after < newest {
            let page = self.inbox.list(&all, self.after, PAGE).await?;
            let Some(last) = page.last() else {
                // It was deleted in between.
                self.after = newest;
                break;
            };
            self.after = Some(last.position);
            let page = read(page).await;
            let mut seen = lock(seen);
            for (stored, part) in page {
                seen.add_new(stored, part);
            }
        }
        if let Some(older) = &mut self.older {
            let filter = EventFilter {
                since: Some(older.since),
                without_states: true,
                ..EventFilter::default()
            };
            let limit = PAGE.min(older.left);
            let newest = self.inbox.list_newest(&filter, Some(older.before), limit);
            let page = read(newest.await?).await;
            let mut seen = lock(seen);
            older.left -= page.len();
            match page.last() {
                Some((last, _)) if older.left > 0 => {
                    older.before = last.position;
                    seen.since = Some(last.event.received_at);
                }
                // All of them were read.
                None => {
                    seen.since = Some(older.since);
                    self.older = None;
                }
                Some((last, _)) => {
                    seen.since = Some(last.event.received_at);
                    self.older = None;
                }
            }
            seen.is_looking_back = self.older.is_some();
            for (stored, part) in page {
                seen.add(&stored, part);
            }
        }
        lock(seen).forget();
        Ok(())
    }
}

impl Seen {
    /// Returns what arrived after a position, or `None` before it began to look.
    pub(super) fn arrived_after(&self, after: Position) -> Option<Arrived> {
        let complete_after = self.complete_after?;
        if after < complete_after {
            let newest = self.arrivals.back();
            let newest = newest.map_or(complete_after, |newest| newest.stored.position);
            return Some(Arrived::More(newest));
        }
        let arrivals = self.arrivals.iter();
        let arrived = arrivals.filter(|arrival| arrival.stored.position > after);
        Some(Arrived::All(arrived.cloned().collect()))
    }

    fn add(&mut self, stored: &StoredEvent, part: VisitPart) {
        let about = part.about();
        if let Some(store) = &about.store {
            self.stores.add(store, &stored.event);
        }
        let session = about.session.as_deref();
        let of_visit = session.map_or(0, |session| self.visits.events_of(session));
        if of_visit < MAX_EVENTS_OF_VISIT {
            self.visits.add_part(part);
        }
        while self.visits.events() > MAX_VISIT_EVENTS || self.visits.bytes() > MAX_VISIT_BYTES {
            self.visits.pop();
        }
    }

    /// The body is gone.
    fn add_new(&mut self, stored: StoredEvent, part: VisitPart) {
        let about = part.about().clone();
        self.add(&stored, part);
        self.arrivals.push_back(Arc::new(Arrival { stored, about }));
        if self.arrivals.len() > MAX_ARRIVALS {
            let gone = self.arrivals.pop_front();
            self.complete_after = gone
                .map(|gone| gone.stored.position)
                .or(self.complete_after);
        }
    }

    fn forget(&mut self) {
        while self.visits.pop_idle(Utc::now() - VISIT_IDLE).is_some() {}
    }
}
