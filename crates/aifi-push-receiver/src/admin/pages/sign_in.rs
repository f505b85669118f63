//! The form to sign in with a token.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{
        Extensions, HeaderMap, HeaderName,
        header::{ORIGIN, SET_COOKIE},
    },
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::{
    AdminState,
    access::{Visitor, peer},
    error::PageError,
    guard, layout,
};
use crate::admin::input::Form;
use crate::tokens::TokenDigest;

#[derive(Deserialize)]
pub(in super::super) struct SignIn {
    token: String,
}

pub(in super::super) fn form(problem: &str) -> Markup {
    layout::bare(
        "Sign in",
        &html! {
            h1 { "AiFi push" }
            form.card #sign-in method="post" action="sign-in" {
                h2 { "Sign in" }
                @if !problem.is_empty() {
                    p.problem #sign-in-problem role="alert" { (problem) }
                }
                label for="token" { "Token" }
                input #token type="password" name="token" required autocomplete="current-password"
                    autofocus aria-describedby="token-help";
                p.hint #token-help { "The admin token of this receiver, or one that can only look." }
                button.primary type="submit" { "Sign in" }
            }
        },
    )
}

pub(super) async fn sign_in(
    State(state): State<Arc<AdminState>>,
    headers: HeaderMap,
    extensions: Extensions,
    Form(SignIn { token }): Form<SignIn>,
) -> Result<Response, PageError> {
    let peer = peer(&extensions);
    let token = TokenDigest::of(token.trim().as_bytes());
    let grant = state.settings.grant(&token);
    let grant = grant.ok_or_else(|| guard::unknown_token(&state, peer))?;
    let cookie = state.sessions.begin(token, is_secure(&headers));
    let cookie = cookie.ok_or(PageError::NoRandomness)?;
    let peer = peer.address.map(tracing::field::display);
    tracing::info!(peer, role = ?grant.role, "signed in at the operator's page");
    Ok(([(SET_COOKIE, cookie)], Redirect::to("now")).into_response())
}

pub(super) async fn sign_out(
    State(state): State<Arc<AdminState>>,
    _: Visitor,
    headers: HeaderMap,
) -> impl IntoResponse {
    let cookie = state.sessions.end(&headers);
    ([(SET_COOKIE, cookie)], Redirect::to("now"))
}

/// Whether the browser sees the page by https. It says so itself, and a proxy may.
fn is_secure(headers: &HeaderMap) -> bool {
    let forwarded = HeaderName::from_static("x-forwarded-proto");
    let is = |name, beginning: &str| {
        let value: Option<&axum::http::HeaderValue> = headers.get(name);
        let value = value.and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.trim_start().starts_with(beginning))
    };
    is(ORIGIN, "https://") || is(forwarded, "https")
}
