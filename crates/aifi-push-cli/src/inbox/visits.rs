//! `inbox visits`

mod by_store;
mod last;

use std::{collections::BTreeMap, time::Duration};

use aifi_push_receiver::inbox::{
    EventFilter, Inbox, Subject, SubjectKind, Visit, VisitOrder, VisitReader,
};
use anyhow::{Result, bail, ensure};
use chrono::{DateTime, Utc};
use comfy_table::Table;

use self::{by_store::ByStore, last::Last};
use super::select::Period;
use crate::{
    Outcome,
    ago::ago,
    escape, kind, output,
    visit::{self, Story},
};

/// Where no other beginning is given.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How much of a session's id a table shows: enough to tell it from others, too little to use it.
const SESSION: usize = 8;

/// The width of a column, where a sender chooses what is in it.
const COLUMN: usize = 11;

/// Show visits: the events of each shopping session together.
///
/// Visits of the last 24 hours, unless --since, --until or --session is given. A visit is put
/// together from the events that arrived in that time. Events without a session, such as the question
/// whether an entry code is valid, belong to no visit and are counted. Times are in UTC; a total is the
/// text that the platform sends, which names no currency.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    period: Period,
    /// Visits to this store, by AiFi's id or the retailer's.
    #[arg(long, value_name = "ID")]
    store: Option<String>,
    /// The story of one visit, by its session's token or number, or the beginning of it that the
    /// table shows.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// How many visits to show at most: the newest.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    last: usize,
    /// Sum up the visits of each store.
    #[arg(long, conflicts_with_all = ["session", "last"])]
    by_store: bool,
    /// Print JSON, one visit or one store on each line, with the ids of sessions and customers.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(inbox: &dyn Inbox, mut options: Options) -> Outcome {
    if let Some(session) = &options.session {
        return of_session(inbox, &options, session).await;
    }
    options.period.begin_a_day_ago();
    if options.by_store {
        return by_store(inbox, &options).await;
    }
    let mut last = Last::new(options.last);
    let mut visits = options.visits(inbox, None);
    while let Some(visit) = visits.next().await? {
        last.add(visit);
    }
    let (count, is_more) = (last.added(), last.is_more());
    let mut table = table();
    for visit in last.visits() {
        if options.json {
            output::json(&visit::json(&visit))?;
        } else {
            table.add_row(row(&visit));
        }
    }
    if !options.json && !table.is_empty() {
        output::table(&table)?;
        if is_more {
            output::line("there are more: raise --last")?;
        }
    }
    options.report(count, visits.without_session())?;
    Ok(true)
}

/// Shows the visits of one session, or of several that have it as another id.
async fn of_session(inbox: &dyn Inbox, options: &Options, session: &str) -> Outcome {
    let sessions = sessions(inbox, options, session).await?;
    let (mut is_found, mut separator) = (false, "");
    for session in &sessions {
        let mut visits = options.visits(inbox, Some(session));
        while let Some(visit) = visits.next().await? {
            if visit.session != *session {
                continue;
            }
            is_found = true;
            if options.json {
                output::json(&visit::json(&visit))?;
            } else {
                let story = Story(&visit).to_string();
                output::lines(format_args!("{separator}{}", story.trim_end()))?;
                separator = "\n";
            }
        }
    }
    ensure!(
        is_found,
        "no event of this session is selected: `inbox visits --json` lists sessions"
    );
    Ok(true)
}

/// Returns the sessions of which a text is the id, or another id, or the beginning of it.
async fn sessions(inbox: &dyn Inbox, options: &Options, text: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut visits = options.visits(inbox, Some(text));
    while let Some(visit) = visits.next().await? {
        if visit.session == text {
            return Ok(vec![visit.session]);
        }
        found.push(visit.session);
    }
    if !found.is_empty() || text.is_empty() {
        return Ok(found);
    }
    let mut visits = options.visits(inbox, None);
    while let Some(visit) = visits.next().await? {
        if visit.session.starts_with(text) && !found.contains(&visit.session) {
            found.push(visit.session);
        }
    }
    if found.len() > 1 {
        bail!("{} sessions begin with this: write more of it", found.len());
    }
    Ok(found)
}

async fn by_store(inbox: &dyn Inbox, options: &Options) -> Outcome {
    let mut stores = ByStore::default();
    let mut visits = options.visits(inbox, None);
    while let Some(visit) = visits.next().await? {
        stores.add(&visit);
    }
    if options.json {
        stores.lines().try_for_each(|line| output::json(&line))?;
    } else if stores.visits() > 0 {
        output::table(&stores.table())?;
        stores.notes().into_iter().try_for_each(output::line)?;
    }
    options.report(stores.visits(), visits.without_session())?;
    Ok(true)
}

impl Options {
    /// Reads the selected visits, of one session or of all.
    fn visits<'a>(&self, inbox: &'a dyn Inbox, session: Option<&str>) -> Selected<'a> {
        let store = self.store.as_deref();
        let store = store.map(|store| Subject::new(SubjectKind::Store, store));
        let session = session.map(|session| Subject::new(SubjectKind::Session, session));
        let filter = EventFilter {
            subjects: store.into_iter().chain(session).collect(),
            ..self.period.filter()
        };
        Selected {
            visits: VisitReader::new(inbox, filter),
            store: self.store.clone(),
        }
    }

    /// Says how much there was, and what is in no visit.
    fn report(&self, visits: usize, without_session: &BTreeMap<String, u64>) -> Result<()> {
        let events: u64 = without_session.values().sum();
        let kinds = without_session.iter().map(|(operation, count)| {
            let kind = kind::of_operation(operation);
            format!("{count} {kind}")
        });
        let kinds: Vec<_> = kinds.collect();
        let without = format!("{events} events without a session ({})", kinds.join(", "));
        match (self.json, events) {
            (true, 0) => {}
            (true, _) => output::note(without),
            (false, 0) => output::line(format_args!("{visits} visits"))?,
            (false, _) => output::line(format_args!("{visits} visits, {without}"))?,
        }
        Ok(())
    }
}

/// The visits of an inbox that are selected.
struct Selected<'a> {
    visits: VisitReader<'a>,
    store: Option<String>,
}

impl Selected<'_> {
    async fn next(&mut self) -> Result<Option<Visit>> {
        while let Some(visit) = self.visits.next().await? {
            // The inbox finds the number of a store in other places too.
            let is_in = |store: &String| visit.stores.iter().any(|it| it.is(store));
            if self.store.as_ref().is_none_or(is_in) {
                return Ok(Some(visit));
            }
        }
        Ok(None)
    }

    fn without_session(&self) -> &BTreeMap<String, u64> {
        self.visits.without_session()
    }
}

fn table() -> Table {
    let mut table = output::new_table([
        "SESSION", "ENTERED", "LEFT", "STAY", "STORE", "IN/OUT", "ORDER", "TOTAL", "EVENTS", "NOTE",
    ]);
    // With more, it does not fit into a terminal.
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table
}

fn row(visit: &Visit) -> [String; 10] {
    let time = |time: DateTime<Utc>, format| time.format(format).to_string();
    let is_same_day = visit.entered_at.map(|time| time.date_naive())
        == visit.exited_at.map(|time| time.date_naive());
    let exit = if is_same_day { "%H:%M" } else { "%m-%d %H:%M" };
    let order = visit.orders.last();
    let note = match (visit.is_fraud_suspected, visit.orders.len()) {
        (true, _) => "fraud?".to_owned(),
        (false, 0 | 1) => String::new(),
        (false, orders) => format!("{orders} orders"),
    };
    let cells = [
        Some(visit.session.chars().take(SESSION).collect()),
        visit.entered_at.map(|entered| time(entered, "%m-%d %H:%M")),
        visit.exited_at.map(|exited| time(exited, exit)),
        visit.stay().map(visit::about_as_long),
        visit.stores.first().map(visit::store_name),
        Some(format!("{}/{}", visit.people_entered, visit.people_left)),
        order.and_then(|order: &VisitOrder| order.status.clone()),
        order.and_then(|order| order.total_price.clone()),
        Some(visit.events.len().to_string()),
        Some(note),
    ];
    cells.map(|cell| short(cell.as_deref().unwrap_or("-")))
}

/// A text for a narrow column.
fn short(text: &str) -> String {
    let text = escape::line(text);
    match text.char_indices().nth(COLUMN) {
        None => text.into_owned(),
        Some(_) => text.chars().take(COLUMN - 1).chain(['…']).collect(),
    }
}

impl Period {
    /// Begins a day ago, unless something else was said.
    fn begin_a_day_ago(&mut self) {
        if self.since.is_none() && self.until.is_none() {
            self.since = ago(DAY);
        }
    }

    fn filter(self) -> EventFilter {
        EventFilter {
            since: self.since,
            until: self.until,
            ..EventFilter::default()
        }
    }
}
