//! The bearer tokens that a receiver accepts.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use chrono::Utc;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::{bearer_layer::BearerLayer, error::ReceiverError};

/// The tokens that a receiver accepts: several, so that one can be replaced without losing events.
///
/// A clone is the same list: what [`replace`](Self::replace) does to one, it does to all. Only
/// digests are kept, so no `Debug` or core dump shows a token.
#[derive(Clone)]
pub struct Tokens {
    /// `None` accepts anyone.
    accepted: Option<Arc<RwLock<Vec<Token>>>>,
}

/// A token that is accepted. A clone is the same counts.
#[derive(Clone)]
struct Token {
    digest: [u8; 32],
    used: Arc<Used>,
}

/// How a token was used since it was accepted first.
#[derive(Default)]
struct Used {
    requests: AtomicU64,
    /// In seconds since 1970, or 0 for never.
    last: AtomicI64,
}

/// The use of a token, which is named by its place, from 1: no log and no metric shows a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenUse {
    pub(crate) number: usize,
    pub(crate) requests: u64,
    pub(crate) last: Option<i64>,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Anyone is accepted.
    Anyone,
    /// It carries the token of this place in the list, from 1.
    Token(usize),
}

impl Sender {
    pub(crate) fn token(self) -> Option<usize> {
        match self {
            Self::Anyone => None,
            Self::Token(number) => Some(number),
        }
    }
}

/// What [`Tokens::replace`] changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokensReplaced {
    /// How many tokens are accepted that were not.
    pub added: usize,
    /// How many tokens were accepted that are not any more.
    pub removed: usize,
}

impl Tokens {
    /// Accepts each of `tokens`.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if there is none, or one that can't arrive in a header.
    pub fn new<I>(tokens: I) -> Result<Self, ReceiverError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        Ok(Self {
            accepted: Some(Arc::new(RwLock::new(read(tokens)?))),
        })
    }

    /// Accepts every request, with or without a token. Whoever reaches the receiver can then store
    /// events: only for a receiver behind something that checks the token.
    pub fn dangerously_accept_anyone() -> Self {
        Self { accepted: None }
    }

    /// Returns the number of tokens, or `None` if anyone is accepted.
    pub fn count(&self) -> Option<usize> {
        let accepted = self.accepted.as_ref()?;
        let accepted = accepted.read().unwrap_or_else(PoisonError::into_inner);
        Some(accepted.len())
    }

    /// Returns `true` if a token is in both lists.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (Some(these), Some(others)) = (&self.accepted, &other.accepted) else {
            return false;
        };
        // A copy, as the other may be the same list.
        let others = others
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let these = these.read().unwrap_or_else(PoisonError::into_inner);
        let mut these = these.iter();
        these.any(|one| others.iter().any(|other| one.digest == other.digest))
    }

    /// Accepts `tokens` from now on, and no others. Returns what changed.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and if the list accepts anyone. The list is then left as it was.
    pub fn replace<I>(&self, tokens: I) -> Result<TokensReplaced, ReceiverError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut tokens = read(tokens)?;
        let Some(accepted) = &self.accepted else {
            return Err(wrong(
                "this receiver accepts anyone, so it has no tokens".to_owned(),
            ));
        };
        let mut accepted = accepted.write().unwrap_or_else(PoisonError::into_inner);
        let find = |list: &[Token], token: &Token| {
            let mut found = list.iter();
            found.find(|one| one.digest == token.digest).cloned()
        };
        let missing_in = |list: &[Token], of: &[Token]| {
            let missing = of.iter().filter(|token| find(list, token).is_none());
            missing.count()
        };
        let replaced = TokensReplaced {
            added: missing_in(&accepted, &tokens),
            removed: missing_in(&tokens, &accepted),
        };
        for token in &mut tokens {
            // It may have another place now.
            if let Some(known) = find(&accepted, token) {
                *token = known;
            }
        }
        *accepted = tokens;
        Ok(replaced)
    }

    /// Returns who sent a request, or `None` if it carries none of the tokens, and counts its token.
    pub(crate) fn accept(&self, headers: &HeaderMap) -> Option<Sender> {
        let sender = self.find(headers)?;
        if let (Some(accepted), Sender::Token(number)) = (&self.accepted, sender) {
            let accepted = accepted.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(token) = accepted.get(number - 1) {
                token.used.requests.fetch_add(1, Ordering::Relaxed);
                let now = Utc::now().timestamp();
                token.used.last.fetch_max(now, Ordering::Relaxed);
            }
        }
        Some(sender)
    }

    /// Returns who sent a request, or `None` if it carries none of the tokens.
    pub(crate) fn find(&self, headers: &HeaderMap) -> Option<Sender> {
        if self.accepted.is_none() {
            return Some(Sender::Anyone);
        }
        let index = self.index_of(&bearer(headers)?)?;
        Some(Sender::Token(index + 1))
    }

    /// Returns the place of a token in the list, from 0, or `None` if it is unknown or anyone is
    /// accepted.
    pub(crate) fn index_of(&self, token: &TokenDigest) -> Option<usize> {
        let accepted = self.accepted.as_ref()?;
        let accepted = accepted.read().unwrap_or_else(PoisonError::into_inner);
        // Every token is compared, in full, so that the time reveals nothing.
        let mut found = 0_u64;
        for (number, one) in (1_u64..).zip(accepted.iter()) {
            found.conditional_assign(&number, one.digest.ct_eq(&token.0));
        }
        usize::try_from(found).ok()?.checked_sub(1)
    }

    /// Returns how each token was used since it was accepted first.
    pub(crate) fn uses(&self) -> Vec<TokenUse> {
        let Some(accepted) = &self.accepted else {
            return Vec::new();
        };
        let accepted = accepted.read().unwrap_or_else(PoisonError::into_inner);
        let uses = (1..).zip(accepted.iter()).map(|(number, token)| TokenUse {
            number,
            requests: token.used.requests.load(Ordering::Relaxed),
            last: Some(token.used.last.load(Ordering::Relaxed)).filter(|last| *last > 0),
        });
        uses.collect()
    }

    /// Returns a [`tower`](https://docs.rs/tower) layer that lets requests with one of the tokens pass,
    /// and answers others with 401 in the form of the vendor's errors: for routes of your own behind
    /// the same tokens.
    ///
    /// ```
    /// use aifi_push_receiver::{ReceiverError, Tokens};
    /// use axum::{Router, routing::get};
    ///
    /// # fn app() -> Result<Router, ReceiverError> {
    /// let tokens = Tokens::new(["secret"])?;
    /// let app = Router::new()
    ///     .route("/orders", get(async || "none yet"))
    ///     .layer(tokens.layer());
    /// # Ok(app)
    /// # }
    /// ```
    pub fn layer(&self) -> BearerLayer {
        BearerLayer::new(self.clone())
    }
}

/// The digest of a token that somebody sent.
#[derive(Clone, Copy)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(crate) fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// Returns the bearer token of a request, if it has exactly one: a proxy may have checked the other of
/// two.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<TokenDigest> {
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    let (Some(authorization), None) = (authorizations.next(), authorizations.next()) else {
        return None;
    };
    let (scheme, token) = split(authorization.as_bytes())?;
    let token = TokenDigest::of(token);
    scheme.eq_ignore_ascii_case(b"bearer").then_some(token)
}

/// Whether a request comes with a bearer token, whatever that is. Other
/// authorization may be for a proxy in front.
#[cfg(feature = "admin")]
pub(crate) fn has_bearer(headers: &HeaderMap) -> bool {
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    authorizations.any(|authorization| {
        let (scheme, _) =
            split(authorization.as_bytes()).unwrap_or((authorization.as_bytes(), b""));
        scheme.eq_ignore_ascii_case(b"bearer")
    })
}

fn split(authorization: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = authorization.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = authorization.split_at(space);
    Some((scheme, rest.trim_ascii()))
}

fn read<I>(tokens: I) -> Result<Vec<Token>, ReceiverError>
where
    I: IntoIterator<Item: AsRef<str>>,
{
    let read = |(index, token): (usize, I::Item)| {
        let (number, token) = (index + 1, token.as_ref());
        if token.is_empty() {
            return Err(wrong(format!("token {number} is empty: remove it")));
        }
        match token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            Some(at) => Err(wrong(format!(
                "byte {at} of token {number} is a space, a control character or not ASCII, so it \
                 can't arrive in a header"
            ))),
            None => Ok(Token {
                digest: Sha256::digest(token).into(),
                used: Arc::default(),
            }),
        }
    };
    let tokens: Vec<_> = tokens
        .into_iter()
        .enumerate()
        .map(read)
        .collect::<Result<_, _>>()?;
    if tokens.is_empty() {
        return Err(wrong(
            "no token, so no request could be accepted: add at least one".to_owned(),
        ));
    }
    Ok(tokens)
}

fn wrong(reason: String) -> ReceiverError {
    ReceiverError::new("tokens", reason)
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = self.accepted.as_ref();
        let accepted = accepted.map(|list| list.read().unwrap_or_else(PoisonError::into_inner));
        f.debug_struct("Tokens")
            .field("count", &accepted.map(|list| list.len()))
            .finish_non_exhaustive()
    }
}
