//! The bearer token, from a value or from a source that is called at each attempt.

use std::{error::Error as StdError, future::Future, pin::Pin, sync::Arc};

use reqwest::header::HeaderValue;

use super::Error;

type BoxError = Box<dyn StdError + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A token or its source. Without `Debug`, so that none can show it.
#[derive(Clone)]
pub(super) enum Token {
    None,
    Value(HeaderValue),
    Source(Source),
}

pub(super) type Source = Arc<dyn Fn() -> BoxFuture<Result<String, BoxError>> + Send + Sync>;

impl Token {
    pub(super) fn value(token: &str) -> Result<Self, Error> {
        authorization(token).map(Self::Value)
    }

    pub(super) fn source<F, R, E>(source: F) -> Source
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Arc::new(move || {
            let token = source();
            Box::pin(async move { token.await.map_err(Into::into) })
        })
    }

    /// Returns the value of the `Authorization` header for one attempt, if it has one.
    pub(super) async fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Value(value) => Ok(Some(value.clone())),
            Self::Source(source) => {
                let token = source().await.map_err(|source| Error::Token { source })?;
                authorization(&token).map(Some)
            }
        }
    }
}

fn authorization(token: &str) -> Result<HeaderValue, Error> {
    if token.is_empty() {
        return Err(Error::configuration(SETTING, "empty token"));
    }
    if let Some(position) = token.bytes().position(|byte| !byte.is_ascii_graphic()) {
        return Err(Error::configuration(
            SETTING,
            format!(
                "invalid token: byte {position} is a space, a control character or not ASCII (a \
                 token read from a file must be trimmed)"
            ),
        ));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Error::configuration(SETTING, "invalid token: not valid in a header"))?;
    // Keeps the token out of the `Debug` of headers.
    value.set_sensitive(true);
    Ok(value)
}

const SETTING: &str = "bearer_token";
