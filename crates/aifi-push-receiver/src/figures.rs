//! What an operator looks at: the figures of now, and of the last hour.

mod recent;
mod refusals;

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aifi_push_inbox::{AdminError, ConsumerStats, ErrorChain, InboxStats};
use chrono::{DateTime, Utc};
pub(crate) use recent::Recent;
pub(crate) use refusals::RecentRefusals;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{receiver::Receiver, state::AppState, status};

/// How long figures, or the error instead of them, are used, however many look at them: to count the
/// inbox is work, and if it is silent, everyone who waits for it would wait for those before.
const FIGURES_TTL: Duration = Duration::from_millis(500);

/// How often the history gets a sample.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(10);

/// The samples of an hour.
const SAMPLES: usize = 360;

/// What a receiver does, and what is in its inbox, at one time. It contains no personal data.
///
/// Returned by [`Receiver::figures`]. Those of another version may lack fields, which then have their
/// default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Figures {
    /// When this was.
    pub at: DateTime<Utc>,
    /// Whether events could be stored, and [`drain`](Receiver::drain) was not called.
    pub is_ready: bool,
    /// Why not.
    pub not_ready_reason: Option<String>,
    /// The requests refused in the last 5 minutes.
    pub refused: u64,
    /// The same by reason, as in `aifi_push_refused_total`, without the reasons that did not occur.
    pub refused_by_reason: BTreeMap<String, u64>,
    /// The events stored per second, over the last 10 seconds.
    pub events_per_second: f64,
    /// The time in seconds within which half of the events of the last minute were durable, or `None`
    /// if there were none.
    pub commit_p50: Option<f64>,
    /// The time in seconds within which 99 of 100 were.
    pub commit_p99: Option<f64>,
    /// The events that wait to be stored.
    pub queued: u64,
    /// The events stored since the start of the process.
    pub stored: u64,
    /// The quarantined events in the inbox.
    pub quarantined: u64,
    /// The events in the inbox.
    pub events: u64,
    /// The bytes that they take.
    pub bytes: u64,
    /// The room that is left on the disk, in bytes, if it is known.
    pub disk_free: Option<u64>,
    /// The end of the validity of the certificate, if a [`Server`](crate::Server) that [counts its
    /// refusals](crate::Server::count_refused) at this receiver serves TLS.
    pub certificate_valid_until: Option<DateTime<Utc>>,
    /// The consumers of the inbox, by name.
    pub consumers: Vec<ConsumerFigures>,
}

impl Figures {
    /// With fewer bytes left on the disk somebody should look.
    pub const LOW_DISK: u64 = 2_000_000_000;

    /// With fewer days left of the validity of the certificate somebody should look.
    pub const LOW_CERTIFICATE_DAYS: i64 = 14;
}

/// How far a consumer is, in [`Figures`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ConsumerFigures {
    /// Its name.
    pub name: String,
    /// The events that it has yet to acknowledge.
    pub pending: u64,
    /// The seconds since the oldest of these arrived.
    pub oldest_pending_age_seconds: Option<f64>,
    /// Its dead letters.
    pub dead: u64,
    /// Whether an operator paused it.
    pub is_paused: bool,
}

/// The figures of now and of the last hour: what `GET /figures` answers, and `aifi-push top` reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FiguresReport {
    /// Now.
    pub now: Figures,
    /// One sample for each 10 seconds, the oldest first.
    #[serde(default)]
    pub history: Vec<Figures>,
}

/// The [`Figures`] of the last hour: a sample for each 10 seconds, in memory.
///
/// A clone is the same history.
///
/// ```no_run
/// # use aifi_push_receiver::{FiguresHistory, Receiver};
/// # async fn example(receiver: Receiver, shutdown: impl Future<Output = ()> + Send + 'static) {
/// let history = FiguresHistory::default();
/// tokio::spawn({
///     let (history, receiver) = (history.clone(), receiver.clone());
///     async move { history.record(&receiver, shutdown).await }
/// });
/// // A page of your own, as JSON.
/// let report = history.report(&receiver).await;
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct FiguresHistory {
    samples: Arc<Mutex<VecDeque<Figures>>>,
}

impl FiguresHistory {
    /// Adds a sample every 10 seconds until `shutdown` completes. While the inbox can't be counted,
    /// samples are missing.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn record(&self, receiver: &Receiver, shutdown: impl Future<Output = ()>) {
        let record = async {
            let mut ticks = interval(SAMPLE_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                match receiver.figures().await {
                    Ok(figures) => self.push(figures),
                    Err(error) => receiver.state.note_no_figures(&error),
                }
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            () = record => {}
        }
    }

    /// Returns the samples, the oldest first.
    pub fn samples(&self) -> Vec<Figures> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter().cloned().collect()
    }

    /// Returns the samples with the figures of now.
    ///
    /// # Errors
    ///
    /// [`AdminError`] if the inbox can't be counted.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn report(&self, receiver: &Receiver) -> Result<FiguresReport, AdminError> {
        Ok(FiguresReport {
            now: receiver.figures().await?,
            history: self.samples(),
        })
    }

    fn push(&self, figures: Figures) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == SAMPLES {
            samples.pop_front();
        }
        samples.push_back(figures);
    }
}

/// The last figures, or what went wrong, and when.
pub(crate) type LastFigures = tokio::sync::Mutex<Option<(Instant, Result<Figures, String>)>>;

pub(crate) async fn figures(state: &AppState) -> Result<Figures, AdminError> {
    let mut last = state.figures.lock().await;
    if let Some((at, figures)) = &*last
        && at.elapsed() < FIGURES_TTL
    {
        return figures.clone().map_err(failed);
    }
    let (stats, not_ready) = tokio::join!(status::stats(state), status::not_ready(state));
    let figures = stats.map(|stats| state.figures_with(stats, not_ready));
    let figures = figures.map_err(|error| ErrorChain(&error).to_string());
    *last = Some((Instant::now(), figures.clone()));
    figures.map_err(failed)
}

fn failed(problem: String) -> AdminError {
    AdminError::failed("inbox", "counting events", problem)
}

impl AppState {
    fn figures_with(&self, stats: InboxStats, not_ready: Option<String>) -> Figures {
        let at = Utc::now();
        let refused_by_reason = self.metrics.refused_lately();
        let recent = self.metrics.recent();
        Figures {
            at,
            is_ready: not_ready.is_none(),
            not_ready_reason: not_ready,
            refused: refused_by_reason.values().sum(),
            refused_by_reason,
            events_per_second: recent.events_per_second(),
            commit_p50: recent.commit_quantile(0.5),
            commit_p99: recent.commit_quantile(0.99),
            queued: self.metrics.queued(),
            stored: recent.stored(),
            quarantined: stats.quarantined,
            events: stats.events,
            bytes: stats.bytes,
            disk_free: stats.disk_free,
            certificate_valid_until: self.certificate_valid_until(),
            consumers: stats
                .consumers
                .into_iter()
                .map(|consumer| ConsumerFigures::new(consumer, at))
                .collect(),
        }
    }

    fn note_no_figures(&self, error: &AdminError) {
        if let Some(unlogged) = self.log_limit.admit("no figures") {
            tracing::error!(error = %ErrorChain(error), unlogged, "no figures");
        }
    }
}

impl ConsumerFigures {
    fn new(stats: ConsumerStats, now: DateTime<Utc>) -> Self {
        let age = stats.oldest_pending.map(|oldest| now - oldest);
        Self {
            name: stats.name,
            pending: stats.pending,
            // Another machine's clock may be ahead.
            oldest_pending_age_seconds: age
                .map(|age| age.to_std().unwrap_or_default().as_secs_f64()),
            dead: stats.dead,
            is_paused: stats.is_paused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, FiguresHistory, SAMPLES};

    #[test]
    fn the_history_is_an_hour_long() {
        let history = FiguresHistory::default();
        for stored in 0..=SAMPLES as u64 {
            history.push(Figures {
                stored,
                ..Figures::default()
            });
        }
        let samples = history.samples();
        assert_eq!(samples.len(), SAMPLES);
        assert_eq!(samples.first().map(|sample| sample.stored), Some(1));
        assert_eq!(
            samples.last().map(|sample| sample.stored),
            Some(SAMPLES as u64)
        );
    }
}
