//! The parameters of an address and the fields of a form. Wrong ones are answered with a page.

use axum::{
    extract::{self, FromRequest, FromRequestParts, Request},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::error::PageError;

/// The parameters of an address.
pub(super) struct Query<T>(pub(super) T);

/// The fields of a form.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        let query = extract::Query::try_from_uri(&parts.uri);
        let extract::Query(parameters) = query.map_err(|_| PageError::BadAddress)?;
        Ok(Self(parameters))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let form = extract::Form::from_request(request, state).await;
        let extract::Form(fields) = form.map_err(|_| PageError::BadForm)?;
        Ok(Self(fields))
    }
}
