//! Who signed in by the form, in memory until the process ends.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, header::COOKIE};
use sha2::{Digest as _, Sha256};

use crate::tokens::TokenDigest;

/// How long a session lasts.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// How many there may be; for more, the oldest ends.
const MAX_SESSIONS: usize = 1000;

const COOKIE_NAME: &str = "aifi_push_admin";

pub(super) struct Sessions {
    /// By the digest of what the cookie contains.
    sessions: Mutex<HashMap<[u8; 32], Session>>,
    /// The form token of those who need no session.
    pub(super) csrf: Option<String>,
}

#[derive(Clone)]
pub(super) struct Session {
    /// The token that was signed in with: the session ends when it is accepted no more.
    pub(super) token: TokenDigest,
    pub(super) csrf: String,
    began: Instant,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            sessions: Mutex::default(),
            csrf: secret(),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, and returns its cookie, or `None` if the system has no random numbers.
    pub(super) fn begin(&self, token: TokenDigest, is_secure: bool) -> Option<String> {
        let (id, csrf) = (secret()?, secret()?);
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.began.elapsed() < LIFETIME);
        if sessions.len() >= MAX_SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.began);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                sessions.remove(&oldest);
            }
        }
        let session = Session {
            token,
            csrf,
            began: Instant::now(),
        };
        sessions.insert(Sha256::digest(&id).into(), session);
        Some(cookie(&id, LIFETIME, is_secure))
    }

    /// Returns the session of a request.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<Session> {
        let sessions = self.sessions();
        let session = sessions.get(&digest(headers)?)?;
        (session.began.elapsed() < LIFETIME).then(|| session.clone())
    }

    /// Ends the session of a request, and returns the cookie that takes the place of its.
    pub(super) fn end(&self, headers: &HeaderMap) -> String {
        if let Some(digest) = digest(headers) {
            self.sessions().remove(&digest);
        }
        cookie("", Duration::ZERO, false)
    }
}

/// Without a path it is for the directory of the page, wherever that is mounted.
fn cookie(value: &str, lifetime: Duration, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    let seconds = lifetime.as_secs();
    format!("{COOKIE_NAME}={value}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// The digest of a cookie: with it, the time of a look-up reveals nothing.
fn digest(headers: &HeaderMap) -> Option<[u8; 32]> {
    let cookies = headers.get_all(COOKIE).iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(|value| value.split(';'));
    let id = cookies.find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == COOKIE_NAME).then_some(value)
    })?;
    Some(Sha256::digest(id).into())
}

/// 256 random bits in hexadecimal.
fn secret() -> Option<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
