//! The check of the token alone, for routes of a service that exists.

use std::{
    future::{Future, ready},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    http::Request,
    response::{IntoResponse, Response},
};
use tower_layer::Layer;
use tower_service::Service;

use crate::{refusal::Refusal, tokens::Tokens};

/// Lets requests pass that carry one of the [`Tokens`]: see [`Tokens::layer`].
#[derive(Clone, Debug)]
pub struct BearerLayer {
    tokens: Tokens,
}

impl BearerLayer {
    pub(crate) fn new(tokens: Tokens) -> Self {
        Self { tokens }
    }
}

impl<S> Layer<S> for BearerLayer {
    type Service = BearerService<S>;

    fn layer(&self, inner: S) -> BearerService<S> {
        BearerService {
            tokens: self.tokens.clone(),
            inner,
        }
    }
}

/// The service of a [`BearerLayer`].
#[derive(Clone, Debug)]
pub struct BearerService<S> {
    tokens: Tokens,
    inner: S,
}

impl<S, B> Service<Request<B>> for BearerService<S>
where
    S: Service<Request<B>, Response = Response, Future: Send + 'static>,
    S::Error: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.tokens.accept(request.headers()) {
            Some(_) => Box::pin(self.inner.call(request)),
            None => Box::pin(ready(Ok(Refusal::Unauthorized.into_response()))),
        }
    }
}
