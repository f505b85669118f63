//! `simulate`: the events of a chain of stores, for a receiver to look at.

mod chain;
mod odd;
mod plan;
mod schedule;
mod tally;

use std::{cell::RefCell, path::PathBuf, time::Duration};

use aifi_push::{Client, Operation, RetryPolicy};
use anyhow::{Context, Result, ensure};
use chain::Chain;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use schedule::Schedule;
use tally::Tally;
use tokio::time::{Instant, sleep_until};

use crate::{
    Outcome,
    interrupt::Interrupt,
    kind, output,
    progress::Progress,
    tokens::{TokenOption, TokenSource},
};

const TOKEN: TokenOption = TokenOption {
    flag: "--token-file",
    variable: "AIFI_PUSH_TOKEN",
    without: Some("--no-token"),
};

// The headings in the help text.
const RECEIVER: &str = "Receiver";
const STORES: &str = "Stores";
const CLOCK: &str = "Clock";

/// Play the visits of a chain of stores against a receiver, at a steady rate.
///
/// A visit is 10 events on average: 300 stores with 40 visits an hour each are 12,000 visits and about
/// 120,000 events an hour, 33 a second. They come in the order in which the platform sends them, of
/// all kinds: some rarely, such as suspected-fraud. The stores are open already, so that visits are
/// going on when it begins. About one event in 100 is odd: an unknown value, a null, an unknown
/// property, a number as text, a body that does not decode, a duplicate, or one that is late.
///
/// A failure is counted and does not end it. It ends after --for, or by Ctrl-C, with a summary; the
/// exit code is 1 if there was a failure. An event that is stored but quarantined is none. The same
/// --seed and --start give the same bodies.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Base URL of a receiver, such as `http://127.0.0.1:8080/webhook`.
    #[arg(long, help_heading = RECEIVER, required_unless_present = "print")]
    url: Option<String>,
    /// File of the bearer token.
    ///
    /// Defaults to AIFI_PUSH_TOKEN of the environment.
    #[arg(long, help_heading = RECEIVER, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Send no token, for a service that wants none.
    #[arg(long, help_heading = RECEIVER, conflicts_with = "token_file")]
    no_token: bool,
    /// How many events are sent at a time.
    ///
    /// Those of one visit are sent one after the other.
    #[arg(
        long,
        help_heading = RECEIVER,
        default_value_t = 64,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    concurrency: u16,
    /// Print the bodies, one on each line, and send nothing.
    #[arg(long, help_heading = RECEIVER, requires = "time", conflicts_with_all = ["url", "json"])]
    print: bool,

    /// How many stores there are.
    #[arg(
        long,
        help_heading = STORES,
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    stores: u32,
    /// How many visits each has on average.
    #[arg(long, help_heading = STORES, value_name = "VISITS", default_value = "40", value_parser = positive)]
    visits_per_hour: f64,
    /// Only events of this kind; may be repeated.
    #[arg(long, help_heading = STORES, value_parser = kind::parser())]
    kind: Vec<&'static Operation>,
    /// Another number gives other visits.
    #[arg(long, help_heading = STORES, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// How long to play, by the clock of the stores.
    #[arg(
        long = "for",
        id = "time",
        help_heading = CLOCK,
        value_name = "TIME",
        value_parser = humantime::parse_duration
    )]
    time: Option<Duration>,
    /// How many times faster than real the clock of the stores is, such as 60 or 60x.
    ///
    /// The times in the events go as fast.
    #[arg(long, help_heading = CLOCK, default_value = "1", value_parser = positive)]
    speed: f64,
    /// Where the clock of the stores begins. Defaults to now.
    #[arg(long, help_heading = CLOCK, value_name = "TIME", value_parser = crate::ago::time)]
    start: Option<DateTime<Utc>>,

    /// Print the summary as JSON, for programs.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(options: Options) -> Outcome {
    let start = options.start.unwrap_or_else(Utc::now);
    let end = match options.time {
        Some(time) => {
            let end = TimeDelta::from_std(time).ok();
            let end = end.and_then(|time| start.checked_add_signed(time));
            Some(end.context("--for: too long")?)
        }
        None => None,
    };
    let chain = Chain {
        stores: options.stores,
        visits_per_hour: options.visits_per_hour,
        seed: options.seed,
        start,
    };
    let schedule = Schedule::new(chain, end);
    match &options.url {
        None => print(schedule, &options.kind),
        Some(url) => {
            let client = client(url, &options)?;
            let tally = play(&client, schedule, start, &options).await?;
            if options.json {
                output::pretty_json(&tally)?;
            } else {
                output::lines(&tally)?;
            }
            Ok(tally.is_without_failure())
        }
    }
}

fn client(url: &str, options: &Options) -> Result<Client> {
    let client = Client::builder(url).retry(RetryPolicy::none());
    let client = if options.no_token {
        client.no_token()
    } else {
        TokenSource::new(options.token_file.clone(), &TOKEN)?.give_to(client)?
    };
    Ok(client.build()?)
}

fn print(events: Schedule, kinds: &[&Operation]) -> Outcome {
    for event in events {
        let (operation, body) = event.event()?;
        if is_of_kinds(operation, kinds) {
            output::line(str::from_utf8(&body)?)?;
        }
    }
    Ok(true)
}

fn is_of_kinds(operation: &Operation, kinds: &[&Operation]) -> bool {
    kinds.is_empty() || kinds.iter().any(|kind| kind.id == operation.id)
}

/// Sends each event at its time. Where the receiver is slower, what is due waits for its turn, and the
/// rate is reached again later.
async fn play(
    client: &Client,
    schedule: Schedule,
    start: DateTime<Utc>,
    options: &Options,
) -> Result<Tally> {
    let interrupt = Interrupt::listen()?;
    let progress = Progress::start();
    let clock = Clock {
        start,
        begin: Instant::now(),
        speed: options.speed,
    };
    let schedule = RefCell::new(schedule);
    let tally = RefCell::new(Tally::default());
    let events = stream::try_unfold((), |()| async {
        loop {
            let Some(event) = schedule.borrow_mut().next() else {
                return Ok(None);
            };
            let due = clock.instant(event.at);
            sleep_until(due).await;
            let (operation, body) = event.event()?;
            if is_of_kinds(operation, &options.kind) {
                return Ok(Some(((event, operation, body, due), ())));
            }
        }
    });
    let events = events.take_until(interrupt.stop.cancelled());
    let sent = events.try_for_each_concurrent(
        usize::from(options.concurrency),
        |(event, operation, body, due)| {
            let (tally, progress) = (&tally, &progress);
            async move {
                let _turn = event.visit.turn.lock().await;
                let lag = due.elapsed();
                let result = client.deliver(operation, body).await;
                progress.advance();
                let result = result.as_ref().map(|_| ());
                tally.borrow_mut().add(operation.kind, lag, result);
                anyhow::Ok(())
            }
        },
    );
    tokio::select! {
        ended = sent => ended?,
        () = interrupt.abort.cancelled() => {}
    }
    progress.end();
    let mut tally = tally.into_inner();
    tally.stores = options.stores;
    tally.visits = schedule.into_inner().visits();
    tally.seconds = clock.begin.elapsed().as_secs_f64();
    Ok(tally)
}

/// When something in the stores is to be sent.
struct Clock {
    start: DateTime<Utc>,
    begin: Instant,
    speed: f64,
}

impl Clock {
    /// Counted from the begin each time, so that nothing adds up.
    fn instant(&self, at: DateTime<Utc>) -> Instant {
        let since_start = (at - self.start).to_std().unwrap_or_default();
        let wait = since_start.as_secs_f64() / self.speed;
        let wait = Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX);
        self.begin.checked_add(wait).unwrap_or(self.begin)
    }
}

/// Parses a number above 0, such as 60 or 60x.
fn positive(text: &str) -> Result<f64> {
    let number: f64 = text.trim_end_matches('x').parse()?;
    ensure!(
        number.is_finite() && number > 0.0,
        "expected a number above 0"
    );
    Ok(number)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use aifi_push::operations;
    use serde_json::Value;

    use super::{odd::Odd, plan::EVENTS_PER_VISIT, schedule::Scheduled, *};

    const START: &str = "2026-11-24T10:00:00Z";

    fn chain(seed: u64) -> Chain {
        Chain {
            stores: 30,
            visits_per_hour: 40.0,
            seed,
            start: START.parse().unwrap(),
        }
    }

    fn hour(seed: u64) -> Vec<Scheduled> {
        let end = START.parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(1);
        Schedule::new(chain(seed), Some(end)).collect()
    }

    #[test]
    fn the_rate_is_steady_and_what_the_help_says() {
        let events = hour(1);
        let planned = 30.0 * 40.0 * EVENTS_PER_VISIT;
        #[expect(clippy::cast_precision_loss)]
        let count = events.len() as f64;
        assert!((count / planned - 1.0).abs() < 0.03, "{count} of {planned}");
        assert!(events.is_sorted_by_key(|event| event.at));
        let mut quarters = [0; 4];
        for event in &events {
            let minutes = (event.at - START.parse::<DateTime<Utc>>().unwrap()).num_minutes();
            quarters[usize::try_from(minutes / 15).unwrap()] += 1;
        }
        let (least, most) = (quarters.iter().min(), quarters.iter().max());
        assert!(
            least.unwrap() * 10 > most.unwrap() * 9,
            "{quarters:?}: from the first minute on"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_bodies() {
        let bodies = |seed| {
            let events = Schedule::new(chain(seed), None).take(2000);
            let bodies = events.map(|event| event.event().unwrap().1);
            bodies.collect::<Vec<_>>()
        };
        assert_eq!(bodies(1), bodies(1));
        assert!(bodies(1) != bodies(2));
    }

    #[test]
    fn every_kind_and_every_oddity_occurs_and_what_should_decode_does() {
        let mut kinds = BTreeMap::<_, u32>::new();
        let mut odd = BTreeMap::<_, u32>::new();
        for event in hour(1) {
            let (operation, body) = event.event().unwrap();
            let checked = operation.check(&body);
            let is_undecodable = event.odd() == Some(Odd::Undecodable);
            assert_eq!(checked.is_err(), is_undecodable, "{checked:?}");
            *kinds.entry(operation.kind).or_default() += 1;
            if let Some(kind) = event.odd() {
                *odd.entry(format!("{kind:?}")).or_default() += 1;
            }
        }
        assert_eq!(kinds.len(), operations::ALL.len(), "{kinds:?}");
        assert_eq!(odd.len(), 7, "{odd:?}");
        let count: u32 = odd.values().sum();
        assert!((80..180).contains(&count), "{odd:?}");
    }

    #[test]
    fn a_visit_is_in_the_order_of_the_platform() {
        let order = [
            "customer-created",
            "entry-code-verify",
            "entered",
            "checkout-zone-entered",
            "checkout-zone-left",
            "left",
            "cart-mutator",
            "checkout",
        ];
        let mut visits = BTreeMap::<String, Vec<_>>::new();
        let mut stores = BTreeSet::new();
        let mut late = BTreeSet::new();
        for event in hour(1) {
            let (operation, body) = event.event().unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            stores.extend(body["storeId"].as_i64());
            if event.odd().is_some() {
                late.insert(event.session().to_owned());
            }
            if let Some(place) = order.iter().position(|kind| *kind == operation.kind) {
                let visit = visits.entry(event.session().to_owned()).or_default();
                // Several zones follow each other.
                visit.push(if place == 4 { 3 } else { place });
            }
        }
        assert_eq!(stores.len(), 30);
        visits.retain(|session, _| !late.contains(session));
        assert!(visits.len() > 1000);
        assert!(visits.values().all(|visit| visit.is_sorted()));
        let whole = visits
            .values()
            .filter(|visit| visit.contains(&1) && visit.contains(&7));
        assert!(whole.count() > 600);
    }
}
