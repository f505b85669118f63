//! Events per second, and how long each takes.

use std::time::Duration;

use aifi_push_testkit::median;
use anyhow::{Context, Result};
use tokio::{task::JoinSet, time::Instant};

use crate::connection::Connection;

/// How long each measurement takes.
pub(crate) const DURATION: Duration = Duration::from_secs(3);

/// Rounds of each measurement. What is compared takes turns, and the median counts.
pub(crate) const ROUNDS: usize = 3;

/// The result of one measurement.
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Rate {
    /// Waits for all senders, each of which returns how long each of its events took.
    pub(crate) async fn of(
        mut senders: JoinSet<Result<Vec<Duration>>>,
        start: Instant,
    ) -> Result<Self> {
        let mut times = Vec::new();
        while let Some(ended) = senders.join_next().await {
            times.extend(ended??);
        }
        let seconds = start.elapsed().as_secs_f64();
        times.sort_unstable();
        let quantile = |percent: usize| times.get(times.len() * percent / 100).copied();
        Ok(Self {
            per_second: times.len() as f64 / seconds,
            p50: quantile(50).context("nothing was acknowledged")?,
            p99: quantile(99).unwrap_or_default(),
        })
    }

    /// Returns the median of some measurements.
    pub(crate) fn median(rates: Vec<Self>) -> Result<Self> {
        median(rates, |rate| rate.per_second).context("no measurements")
    }
}

/// Sends to servers. Each connection sends the next event when the last is acknowledged.
pub(crate) async fn measure(addresses: &[&str], connections: usize) -> Result<Rate> {
    let mut senders = JoinSet::new();
    let start = Instant::now();
    for address in addresses.iter().cycle().take(connections) {
        let mut connection = Connection::open(address).await?;
        senders.spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < DURATION {
                let sent = Instant::now();
                connection.send().await?;
                times.push(sent.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    Rate::of(senders, start).await
}
