//! Files that are read again while serving: tokens and certificates.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aifi_push_receiver::{TlsCertificate, Tokens, TokensReplaced, inbox::ErrorChain};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::{MissedTickBehavior, interval};

use super::signals::Hangups;
use crate::tokens::TokenSource;

/// How often to look whether a file changed. Whoever replaces one may not be able to send a signal, as
/// in a container.
const INTERVAL: Duration = Duration::from_secs(2);

/// What is read again.
pub(super) struct Reload {
    pub(super) tokens: Vec<ReloadedTokens>,
    pub(super) certificate: Option<TlsCertificate>,
    pub(super) certificate_files: Watch,
}

/// A list of tokens, and where it is read again.
pub(super) struct ReloadedTokens {
    /// What names the file.
    pub(super) option: &'static str,
    pub(super) tokens: Tokens,
    pub(super) source: TokenSource,
    pub(super) watch: Watch,
    /// Other lists, with which it shares no token.
    pub(super) others: Vec<(&'static str, Tokens)>,
    /// Whether it was not replaced when it was read last.
    pub(super) has_failed: bool,
}

/// Files that may change.
pub(super) struct Watch {
    files: Vec<PathBuf>,
    seen: Vec<Fingerprint>,
}

/// What a file that changed is known by, also where another took its place.
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
            if is_asked && self.tokens.is_empty() && self.certificate.is_none() {
                tracing::info!("nothing to reload: there are neither tokens nor certificates");
            }
            for tokens in &mut self.tokens {
                if tokens.watch.has_changed() || is_asked {
                    tokens.has_failed = false;
                    tokens.reload();
                } else if tokens.has_failed {
                    // A token that moves from one list to another may have left that since.
                    tokens.reload();
                }
            }
            if self.certificate_files.has_changed() || is_asked {
                self.reload_certificate();
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

impl ReloadedTokens {
    fn reload(&mut self) {
        let option = self.option;
        match self.replace() {
            Ok(replaced) => {
                self.has_failed = false;
                let (added, removed) = (replaced.added, replaced.removed);
                let tokens = self.tokens.count();
                tracing::info!(option, tokens, added, removed, "reloaded the tokens");
            }
            Err(error) => {
                let is_known = std::mem::replace(&mut self.has_failed, true);
                if !is_known {
                    let error = format!("{error:#}");
                    tracing::error!(option, error, "the tokens stay as they were");
                }
            }
        }
    }

    fn replace(&self) -> Result<TokensReplaced> {
        let file = self.source.reloadable_file();
        file.context("they are in no file that can be read again")?;
        let read = self.source.read()?;
        self.check_is_apart(&Tokens::new(&read)?)?;
        Ok(self.tokens.replace(&read)?)
    }

    /// Shares no token with another list: who has it could do what is for others. Fails if it does.
    pub(super) fn keep_apart_from(&mut self, option: &'static str, others: &Tokens) -> Result<()> {
        self.others.push((option, others.clone()));
        self.check_is_apart(&self.tokens)
    }

    fn check_is_apart(&self, tokens: &Tokens) -> Result<()> {
        let option = self.option;
        for (other, others) in &self.others {
            ensure!(
                !tokens.overlaps(others),
                "{option}: a token is one of {other} as well: use another for one of them"
            );
        }
        Ok(())
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
