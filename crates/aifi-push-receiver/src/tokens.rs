//! The bearer tokens that a receiver accepts.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::error::ReceiverError;

/// The tokens that a receiver accepts: several, so that one can be replaced without losing events.
///
/// A clone is the same list: what [`replace`](Self::replace) does to one, it does to all. Only
/// digests are kept, so no `Debug` or core dump shows a token.
#[derive(Clone)]
pub struct Tokens {
    /// `None` accepts anyone.
    accepted: Option<Arc<RwLock<Vec<[u8; 32]>>>>,
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
            accepted: Some(Arc::new(RwLock::new(digests(tokens)?))),
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

    /// Accepts `tokens` from now on, and no others. Returns what changed.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and if the list accepts anyone. The list is then left as it was.
    pub fn replace<I>(&self, tokens: I) -> Result<TokensReplaced, ReceiverError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let tokens = digests(tokens)?;
        let Some(accepted) = &self.accepted else {
            return Err(wrong(
                "this receiver accepts anyone, so it has no tokens".to_owned(),
            ));
        };
        let mut accepted = accepted.write().unwrap_or_else(PoisonError::into_inner);
        let missing_in = |list: &[[u8; 32]], of: &[[u8; 32]]| {
            of.iter().filter(|token| !list.contains(token)).count()
        };
        let replaced = TokensReplaced {
            added: missing_in(&accepted, &tokens),
            removed: missing_in(&tokens, &accepted),
        };
        *accepted = tokens;
        Ok(replaced)
    }

    /// Returns `true` if a request carries one of the tokens.
    pub(crate) fn accept(&self, headers: &HeaderMap) -> bool {
        let Some(accepted) = &self.accepted else {
            return true;
        };
        let mut authorizations = headers.get_all(AUTHORIZATION).iter();
        // A proxy may have checked the other of two headers.
        let (Some(authorization), None) = (authorizations.next(), authorizations.next()) else {
            return false;
        };
        let Some((scheme, token)) = split(authorization.as_bytes()) else {
            return false;
        };
        let token: [u8; 32] = Sha256::digest(token).into();
        let accepted = accepted.read().unwrap_or_else(PoisonError::into_inner);
        // Every token is compared, in full, so that the time reveals nothing.
        let found = accepted
            .iter()
            .fold(Choice::from(0), |found, one| found | one.ct_eq(&token));
        scheme.eq_ignore_ascii_case(b"bearer") && bool::from(found)
    }
}

fn split(authorization: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = authorization.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = authorization.split_at(space);
    Some((scheme, rest.trim_ascii()))
}

fn digests<I>(tokens: I) -> Result<Vec<[u8; 32]>, ReceiverError>
where
    I: IntoIterator<Item: AsRef<str>>,
{
    let digest = |(index, token): (usize, I::Item)| {
        let (number, token) = (index + 1, token.as_ref());
        if token.is_empty() {
            return Err(wrong(format!("token {number} is empty: remove it")));
        }
        match token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            Some(at) => Err(wrong(format!(
                "byte {at} of token {number} is a space, a control character or not ASCII, so it \
                 can't arrive in a header"
            ))),
            None => Ok(Sha256::digest(token).into()),
        }
    };
    let digests: Vec<_> = tokens
        .into_iter()
        .enumerate()
        .map(digest)
        .collect::<Result<_, _>>()?;
    if digests.is_empty() {
        return Err(wrong(
            "no token, so no request could be accepted: add at least one".to_owned(),
        ));
    }
    Ok(digests)
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
