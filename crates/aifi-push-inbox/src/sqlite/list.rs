//! Events in the order of arrival or the newest first, with how far each has come.
//!
//! A list goes from block to block of sequence numbers, and looks only into those whose counts say that
//! they may contain what is asked for.

use rusqlite::{ToSql, Transaction, params};

use super::{block, rows};
use crate::{
    stored::{DeliveryStatus, EventFilter, EventState, Position, StoredEvent},
    subject::Subject,
};

/// The state of `event AS e`: the first condition that is true.
const STATE: &str = "CASE
    WHEN e.problem IS NOT NULL THEN 'quarantined'
    WHEN EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq = e.seq AND d.due_at IS NULL) THEN 'dead'
    WHEN EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq = e.seq) THEN 'pending'
    WHEN e.seq <= (SELECT min(cursor) FROM consumer) THEN 'done'
    ELSE 'pending'
END";

/// Which of `event_block AS b` may contain events in a state.
fn may_contain(state: EventState) -> &'static str {
    match state {
        EventState::Quarantined => "accepted < events",
        EventState::Dead => {
            "EXISTS (SELECT 1 FROM delivery_block AS d WHERE d.block = b.block AND dead > 0)"
        }
        EventState::Pending => {
            "(EXISTS (SELECT 1 FROM delivery_block AS d WHERE d.block = b.block AND waiting > 0)
              OR accepted > 0
                AND block >= (SELECT coalesce(min(cursor), 0) FROM consumer) >> 10)"
        }
        EventState::Done => block::HAS_DONE,
    }
}

/// Where the events of a block are that are in a state, from `?1` to `?2`: some of these only may be
/// pending or done.
fn candidates(state: EventState) -> &'static str {
    match state {
        EventState::Quarantined => {
            "e.seq IN (SELECT seq FROM event INDEXED BY event_quarantined
                 WHERE seq BETWEEN ?1 AND ?2 AND problem IS NOT NULL)
             AND e.problem IS NOT NULL"
        }
        EventState::Dead => {
            "e.seq IN (SELECT seq FROM delivery INDEXED BY delivery_event
                 WHERE seq BETWEEN ?1 AND ?2 AND due_at IS NULL)
             AND e.problem IS NULL"
        }
        EventState::Pending => {
            "e.seq IN (
                 SELECT seq FROM delivery INDEXED BY delivery_event
                 WHERE seq BETWEEN ?1 AND ?2 AND due_at IS NOT NULL
                 UNION ALL
                 SELECT seq FROM event
                 WHERE seq BETWEEN
                         max(?1, 1 + (SELECT coalesce(min(cursor), 0) FROM consumer)) AND ?2
                     AND problem IS NULL)"
        }
        EventState::Done => "TRUE",
    }
}

/// Where a list begins, and in which direction it goes.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// In the order of arrival, after a position or from the oldest on.
    After(Option<Position>),
    /// The newest first, before a position or from the newest on.
    Before(Option<Position>),
}

impl Start {
    /// The first and the last sequence number that may be in the list.
    fn range(self) -> (i64, i64) {
        match self {
            Self::After(after) => (after.map_or(0, |it| rows::position(it) + 1), i64::MAX),
            Self::Before(before) => (0, before.map_or(i64::MAX, |it| rows::position(it) - 1)),
        }
    }

    fn order(self) -> &'static str {
        match self {
            Self::After(_) => "ASC",
            Self::Before(_) => "DESC",
        }
    }
}

/// Conditions, and the values of their parameters.
struct Conditions {
    text: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    /// `first` has the parameters `?1` and `?2`, whose values are given with each query.
    fn new(first: &str) -> Self {
        Self {
            text: vec![first.to_owned()],
            values: Vec::new(),
        }
    }

    fn require(&mut self, condition: impl Into<String>) {
        self.text.push(condition.into());
    }

    /// Requires a condition that ends before its value.
    fn require_value(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.values.push(Box::new(value));
        let parameter = self.values.len() + 2;
        self.text.push(format!("{condition} ?{parameter}"));
    }

    fn text(&self) -> String {
        self.text.join(" AND ")
    }

    fn values<'a>(&'a self, first: &'a i64, last: &'a i64) -> impl rusqlite::Params + use<'a> {
        let range: [&dyn ToSql; 2] = [first, last];
        let values = self.values.iter().map(|value| &**value);
        rusqlite::params_from_iter(range.into_iter().chain(values))
    }
}

/// Returns the position of the newest event.
pub(super) fn newest(transaction: &Transaction<'_>) -> rusqlite::Result<Option<Position>> {
    let newest: Option<i64> =
        transaction.query_row("SELECT max(seq) FROM event", [], |row| row.get(0))?;
    Ok(newest
        .and_then(|seq| u64::try_from(seq).ok())
        .map(Position::new))
}

pub(super) fn list(
    transaction: &Transaction<'_>,
    filter: &EventFilter,
    start: Start,
    limit: usize,
) -> rusqlite::Result<Vec<StoredEvent>> {
    let (mut first, mut last) = start.range();
    if let Some(id) = filter.id {
        let Some(seq) = rows::seq(transaction, id)? else {
            return Ok(Vec::new());
        };
        (first, last) = (first.max(seq), last.min(seq));
    }
    let mut blocks = Conditions::new("block BETWEEN ?1 >> 10 AND ?2 >> 10");
    let mut events = Conditions::new("e.seq BETWEEN ?1 AND ?2");
    if let Some(since) = filter.since {
        blocks.require_value("newest >=", since.timestamp_micros());
        events.require_value("e.received_at >=", since.timestamp_micros());
    }
    if let Some(until) = filter.until {
        blocks.require_value("oldest <", until.timestamp_micros());
        events.require_value("e.received_at <", until.timestamp_micros());
    }
    if let Some(operation) = &filter.operation {
        events.require_value("e.operation =", operation.clone());
    }
    if let Some(state) = filter.state {
        blocks.require(may_contain(state));
        events.require(candidates(state));
        if let EventState::Pending | EventState::Done = state {
            events.require(format!("{STATE} = '{state}'"));
        }
    }
    let unindexed = event_query(filter, &events, start);
    // The others are compared with the events that this one finds.
    if let Some(subject) = filter.subjects.iter().min_by_key(|subject| subject.kind) {
        let hashes = [subject.hash(), Subject::NO_JSON];
        events.require(format!(
            "e.seq IN (SELECT seq FROM subject WHERE block = ?1 >> 10 AND hash IN ({}, {}))",
            hashes[0], hashes[1]
        ));
    }
    let indexed = event_query(filter, &events, start);

    let mut blocks_query = transaction.prepare_cached(&format!(
        "SELECT block, is_indexed FROM event_block AS b WHERE {} ORDER BY block {}",
        blocks.text(),
        start.order()
    ))?;
    let mut indexed = transaction.prepare_cached(&indexed)?;
    let mut unindexed = transaction.prepare_cached(&unindexed)?;
    let mut found = blocks_query.query(blocks.values(&first, &last))?;
    let mut list = Vec::new();
    while list.len() < limit
        && let Some(row) = found.next()?
    {
        let (block, is_indexed): (i64, bool) = (row.get(0)?, row.get(1)?);
        let (from, to) = block::range(block);
        let (from, to) = (from.max(first), to.min(last));
        let query = if is_indexed {
            &mut indexed
        } else {
            &mut unindexed
        };
        let mut rows = query.query(events.values(&from, &to))?;
        while list.len() < limit
            && let Some(row) = rows.next()?
        {
            let event = rows::event(row)?;
            if filter.subjects.iter().all(|subject| subject.is_in(&event)) {
                let state: String = row.get("state")?;
                let state = EventState::ALL
                    .into_iter()
                    .find(|known| known.as_str() == state)
                    .ok_or(rusqlite::Error::InvalidColumnName(state))?;
                let seq = row.get("seq")?;
                list.push(
                    StoredEvent::new(event, Position::new(row.get("seq")?))
                        .state(state)
                        .problem(row.get("problem")?)
                        .deliveries(deliveries(transaction, seq)?),
                );
            }
        }
    }
    Ok(list)
}

fn event_query(filter: &EventFilter, conditions: &Conditions, start: Start) -> String {
    let state = match filter.state {
        Some(state) => format!("'{state}'"),
        None => STATE.to_owned(),
    };
    // Whom an event is about is in its body.
    let body = if filter.without_bodies && filter.subjects.is_empty() {
        "(SELECT x'' AS bytes)"
    } else {
        "body AS b USING (seq)"
    };
    format!(
        "SELECT {}, {state} AS state FROM event AS e JOIN {body} WHERE {} ORDER BY e.seq {}",
        rows::EVENT,
        conditions.text(),
        start.order(),
    )
}

fn deliveries(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<Vec<DeliveryStatus>> {
    let mut deliveries = transaction.prepare_cached(
        "SELECT consumer, attempts, due_at IS NULL, problem FROM delivery
         WHERE seq = ? ORDER BY consumer",
    )?;
    deliveries
        .query_map(params![seq], |row| {
            Ok(DeliveryStatus {
                consumer: row.get(0)?,
                attempts: row.get(1)?,
                is_dead: row.get(2)?,
                problem: row.get(3)?,
            })
        })?
        .collect()
}
