//! How quick an inbox in a file is when it is full.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::inbox::{
    Admin, Append, ConsumerName, Event, NewEvent, Outcome, Pruned, Retention, SqliteInbox,
    StartPosition, Subscribe, SubscribeOptions,
};
use aifi_push_testkit::{
    ServeProcess, TempInbox,
    events::{documented, left},
    http, median,
};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::block_in_place;
use uuid::{NoContext, Timestamp, Uuid};

/// The time over which the events arrived.
const SPAN: TimeDelta = TimeDelta::days(90);

/// How many events are stored, or become dead letters, at a time.
const BATCH: u64 = 1000;

/// One of so many events is quarantined.
const QUARANTINED: u64 = 1000;

/// One of so many events is a dead letter: 200,000 of 5 million.
const DEAD: u64 = 25;

/// How many events a retention pass deletes.
const PRUNED: u64 = 100_000;

/// Rounds of each measurement that changes nothing. The median counts.
const ROUNDS: usize = 5;

/// How long an idle `tail` is watched.
const IDLE: Duration = Duration::from_secs(10);

/// Builds the file, or takes the one that is in `directory`, measures, and prints a table.
pub(crate) async fn run(binary: &Path, events: u64, directory: Option<PathBuf>) -> Result<()> {
    let temporary = TempInbox::new()?;
    let directory = directory.unwrap_or_else(|| temporary.directory().to_owned());
    let file = directory.join("events.db");
    if !file.exists() {
        let start = Instant::now();
        build(&file, events).await?;
        let bytes = file.metadata()?.len();
        println!(
            "{events} events, {:.1} GB, built in {:.0?}\n",
            bytes as f64 / 1e9,
            start.elapsed()
        );
    }
    let inbox = format!("--inbox=sqlite:{}", file.display());
    println!("| measured | cold | warm |\n|---|--:|--:|");
    // What is measured is the inbox: the program is in the page cache.
    let load = || {
        let version = Command::new(binary).arg("--version").output()?;
        ensure!(version.status.success(), "the program does not run");
        Ok(())
    };
    for arguments in [
        "stats",
        "list --since 1m",
        "list --state quarantined",
        "list --state dead",
        "list --state pending",
        "list --state done",
    ] {
        let look = || run_inbox(binary, &inbox, arguments);
        row(&format!("`inbox {arguments}`"), load, look)?;
    }
    let process =
        block_in_place(|| ServeProcess::serve(binary, &directory, &["--log", "off", &inbox]))?;
    row("`/metrics`", load, || metrics(&process))?;
    let share = idle_tail(binary, &inbox)?;
    println!(
        "| idle `inbox tail`, share of a core | | {:.2} % |",
        share * 100.0
    );
    block_in_place(|| process.kill())?;

    let inbox_file = Arc::new(SqliteInbox::open(&file).await?);
    let name = |deleted| format!("slowest append beside a pass that deletes {deleted} events");
    let none = Retention {
        before: Some(Utc::now() - SPAN - SPAN),
        ..Retention::default()
    };
    let some = Retention {
        max_bytes: Some(inbox_file.stats().await?.bytes - PRUNED * documented().len() as u64),
        ..Retention::default()
    };
    for retention in [none, some] {
        drop_caches()?;
        let (pruned, slowest) = prune(&inbox_file, retention).await?;
        println!("| {} | {slowest:.1?} | |", name(pruned.events));
    }
    drop(inbox_file);
    let start = Instant::now();
    run_inbox(binary, &inbox, "requeue --state dead")?;
    println!(
        "| `inbox requeue` of all dead letters | | {:.1?} |",
        start.elapsed()
    );
    Ok(())
}

/// Builds an inbox of events that a consumer acknowledged, but for some.
async fn build(file: &Path, events: u64) -> Result<()> {
    let inbox = SqliteInbox::open(file).await?;
    let start = Utc::now() - SPAN;
    let step = SPAN / i32::try_from(events)?;
    let mut dead = Vec::new();
    for first in (0..events).step_by(usize::try_from(BATCH)?) {
        let mut batch = Vec::new();
        for number in first..events.min(first + BATCH) {
            let received_at = start + step * i32::try_from(number)?;
            let event = numbered(number, received_at);
            if number % QUARANTINED == 1 {
                batch.push(NewEvent::quarantined(event, "`storeId`: invalid type"));
                continue;
            }
            if number % DEAD == 0 {
                dead.push((event.id, Utc::now()));
            }
            batch.push(NewEvent::accepted(event));
        }
        inbox.append(batch).await?;
    }
    let consumer: ConsumerName = "forward".parse()?;
    let now = SubscribeOptions {
        start: StartPosition::Now,
        ..SubscribeOptions::default()
    };
    let forward = inbox.subscribe(&consumer, now).await?.subscription;
    for letters in dead.chunks(usize::try_from(BATCH)?) {
        inbox.replay(&consumer, letters.to_vec()).await?;
        let received = forward.receive(letters.len(), Duration::ZERO).await?;
        let outcomes = received.into_iter().map(|delivery| {
            let problem = "the target answered 400".to_owned();
            (delivery.receipt, Outcome::Dead { problem })
        });
        forward.settle(outcomes.collect()).await?;
    }
    Ok(())
}

/// The example of the document, of another customer and session each time.
fn numbered(number: u64, received_at: DateTime<Utc>) -> Event {
    let seconds = received_at.timestamp().unsigned_abs();
    let nanoseconds = received_at.timestamp_subsec_nanos();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanoseconds));
    // Ids that are spread as random ones are.
    let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let body = documented()
        .replace(
            r#""sessionId":""#,
            &format!(r#""sessionId":"{scattered:x}-"#),
        )
        .replace(
            r#""shopperId":""#,
            &format!(r#""shopperId":"{scattered:x}-"#),
        )
        .replace(
            r#""customerId":"#,
            &format!(r#""customerId":{}"#, scattered >> 32),
        );
    Event::from_parts(id, received_at, TRANSITION_LEFT.id, body)
}

/// Prints a row: the first time with an empty page cache, and the median of some rounds. `before` runs
/// after the cache is emptied.
fn row(
    name: &str,
    before: impl Fn() -> Result<()>,
    measured: impl Fn() -> Result<()>,
) -> Result<()> {
    let time = || {
        let start = Instant::now();
        measured().map(|()| start.elapsed())
    };
    let cold = if drop_caches()? {
        before()?;
        format!("{:.1?}", time()?)
    } else {
        "needs root".to_owned()
    };
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(time()?);
    }
    let warm = median(rounds, Duration::as_secs_f64).context("no rounds")?;
    println!("| {name} | {cold} | {warm:.1?} |");
    Ok(())
}

/// Empties the page cache of Linux, and returns whether this is allowed.
fn drop_caches() -> Result<bool> {
    ensure!(Command::new("sync").status()?.success(), "sync failed");
    Ok(fs::write("/proc/sys/vm/drop_caches", "3").is_ok())
}

fn run_inbox(binary: &Path, inbox: &str, arguments: &str) -> Result<()> {
    let mut command = Command::new(binary);
    command.args(["inbox", inbox]).args(arguments.split(' '));
    let output = command.stdin(Stdio::null()).output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "inbox {arguments}: {error}");
    Ok(())
}

fn metrics(process: &ServeProcess) -> Result<()> {
    let response = http::exchange(process.address(), &http::head("GET /metrics", &[]))?;
    ensure!(
        response.status == 200,
        "/metrics answers {}",
        response.status
    );
    Ok(())
}

/// Returns the share of a core that a `tail` takes while nothing arrives.
fn idle_tail(binary: &Path, inbox: &str) -> Result<f64> {
    let mut tail = Command::new(binary)
        .args(["inbox", inbox, "tail"])
        .stdout(Stdio::null())
        .spawn()?;
    let before = processor_time(tail.id())?;
    std::thread::sleep(IDLE);
    let used = processor_time(tail.id())? - before;
    tail.kill()?;
    tail.wait()?;
    Ok(used / IDLE.as_secs_f64())
}

/// Returns the seconds that a process has run, as Linux reports them in hundredths.
fn processor_time(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no name")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse);
    let ticks: Vec<f64> = ticks.collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// Prunes, and returns how long the slowest append took meanwhile.
async fn prune(inbox: &Arc<SqliteInbox>, retention: Retention) -> Result<(Pruned, Duration)> {
    let pruning = tokio::spawn({
        let inbox = Arc::clone(inbox);
        async move { inbox.prune(&retention).await }
    });
    let mut slowest = Duration::ZERO;
    loop {
        let start = Instant::now();
        inbox.append(vec![left(0)]).await?;
        slowest = slowest.max(start.elapsed());
        if pruning.is_finished() {
            return Ok((pruning.await??, slowest));
        }
    }
}
