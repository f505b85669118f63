//! Files that are read again while serving: tokens and certificates.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aifi_push_receiver::{TlsCertificate, Tokens, inbox::ErrorChain};
use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::{MissedTickBehavior, interval};

use super::signals::Hangups;
use crate::tokens::TokenSource;

/// How often to look whether a file changed. Whoever replaces one may not be able to send a signal, as
/// in a container.
const INTERVAL: Duration = Duration::from_secs(2);

/// What is read again.
pub(super) struct Reload {
    pub(super) tokens: Option<(Tokens, TokenSource)>,
    pub(super) token_file: Watch,
    pub(super) certificate: Option<TlsCertificate>,
    pub(super) certificate_files: Watch,
}

/// Files that may change.
pub(super) struct Watch {
    files: Vec<PathBuf>,
    seen: Vec<Fingerprint>,
}

/// What tells a file that changed, also where another took its place.
type Fingerprint = Option<(SystemTime, u64, u64)>;

impl Watch {
    /// Watches files that are read from now on: a change in between is noticed.
    pub(super) fn new<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let files: Vec<_> = files.into_iter().cloned().collect();
        let seen = files.iter().map(|file| fingerprint(file)).collect();
        Self { files, seen }
    }

    fn has_changed(&mut self) -> bool {
        let now: Vec<_> = self.files.iter().map(|file| fingerprint(file)).collect();
        let has_changed = now != self.seen;
        self.seen = now;
        has_changed
    }
}

impl Reload {
    /// Reads the files again on SIGHUP, and when they changed. What is wrong with one is logged, and
    /// what was read before stays.
    pub(super) async fn run(mut self, mut hangups: Hangups) -> Result<()> {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_asked = tokio::select! {
                () = hangups.next() => true,
                _ = ticks.tick() => false,
            };
            if is_asked && self.tokens.is_none() && self.certificate.is_none() {
                tracing::info!("nothing to reload: there are neither tokens nor certificates");
            }
            if self.token_file.has_changed() || is_asked {
                self.reload_tokens();
            }
            if self.certificate_files.has_changed() || is_asked {
                self.reload_certificate();
            }
        }
    }

    fn reload_tokens(&self) {
        let Some((tokens, source)) = &self.tokens else {
            return;
        };
        let file = source.reloadable_file();
        let file = file.context("they are in no file that can be read again");
        match file.and_then(|_| Ok(tokens.replace(source.read()?)?)) {
            Ok(replaced) => {
                let (added, removed) = (replaced.added, replaced.removed);
                tracing::info!(
                    tokens = tokens.count(),
                    added,
                    removed,
                    "reloaded the tokens"
                );
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the tokens stay as they were");
            }
        }
    }

    fn reload_certificate(&self) {
        let Some(certificate) = &self.certificate else {
            return;
        };
        match certificate.reload() {
            Ok(changed) => {
                let valid_until = valid_until(certificate);
                tracing::info!(changed, valid_until, "reloaded the certificate");
            }
            Err(error) => {
                let error = ErrorChain(&error);
                tracing::error!(%error, "the certificate stays as it was");
            }
        }
    }
}

/// The end of a certificate's validity, for the log.
pub(super) fn valid_until(certificate: &TlsCertificate) -> Option<String> {
    let end = DateTime::<Utc>::from(certificate.valid_until()?);
    Some(end.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn fingerprint(file: &Path) -> Fingerprint {
    let metadata = fs::metadata(file).ok()?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let number = 0;
    Some((metadata.modified().ok()?, metadata.len(), number))
}
