//! How fast a consumer handles the events of an inbox in a file.

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aifi_push_receiver::inbox::{Append, Consumer, Delivery};
use aifi_push_testkit::{TempInbox, events::left, median};
use anyhow::{Context, Result, bail};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::rate::ROUNDS;

/// A handler that waits for something else, such as a database.
const WORK: Duration = Duration::from_millis(20);

/// How many events are stored at a time.
const BATCH: u32 = 1000;

/// Measures and prints a table.
pub(crate) async fn run(events: u32) -> Result<()> {
    println!("| handler | concurrency | events/s | ratio to the ideal |\n|---|--:|--:|--:|");
    for concurrency in [1, 16] {
        let rate = measure(events, WORK, concurrency).await?;
        let ideal = concurrency as f64 / WORK.as_secs_f64();
        println!(
            "| {WORK:?} | {concurrency} | {rate:.0} | {:.2}× of {ideal:.0} |",
            rate / ideal
        );
    }
    for concurrency in [1, 16] {
        let rate = measure(events, Duration::ZERO, concurrency).await?;
        println!("| empty | {concurrency} | {rate:.0} | |");
    }
    Ok(())
}

/// Returns the events per second, as the median of some rounds.
async fn measure(events: u32, work: Duration, concurrency: usize) -> Result<f64> {
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let seconds = handle_all(events, work, concurrency).await?.as_secs_f64();
        rates.push(f64::from(events) / seconds);
    }
    median(rates, |rate| *rate).context("no rounds")
}

/// Returns how long it takes until the last of the events was handled.
async fn handle_all(events: u32, work: Duration, concurrency: usize) -> Result<Duration> {
    let directory = TempInbox::new()?;
    let inbox = Arc::new(directory.open().await?);
    for first in (0..events).step_by(BATCH as usize) {
        let batch = first..events.min(first + BATCH);
        inbox
            .append(batch.map(|nth| left(nth.into())).collect())
            .await?;
    }
    let (remaining, all_handled) = (Arc::new(AtomicU32::new(events)), Arc::new(Notify::new()));
    let consumer = Consumer::builder(inbox, "bench")
        .concurrency(concurrency)
        .fallback({
            let all_handled = Arc::clone(&all_handled);
            move |_: Delivery| {
                let (remaining, all_handled) = (Arc::clone(&remaining), Arc::clone(&all_handled));
                async move {
                    if !work.is_zero() {
                        sleep(work).await;
                    }
                    if remaining.fetch_sub(1, Ordering::Relaxed) == 1 {
                        all_handled.notify_one();
                    }
                    Ok::<_, io::Error>(())
                }
            }
        });
    let start = Instant::now();
    tokio::select! {
        ended = consumer.run(pending()) => bail!("the consumer ended: {ended:?}"),
        () = all_handled.notified() => Ok(start.elapsed()),
    }
}
