//! The one gate that every request passes: who it is, and whether the request is theirs.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, Method,
        header::{HOST, ORIGIN},
        uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use subtle::ConstantTimeEq;
use tokio::time::timeout;

use super::{
    AdminState,
    access::{Peer, Visitor, peer},
    assets,
    error::PageError,
};
use crate::{receive::Authenticated, status, tokens};

/// The largest form, and the largest of somebody who is not known yet.
const MAX_FORM_BYTES: usize = 64 * 1024;
const MAX_SIGN_IN_BYTES: usize = 1024;

/// How long a form may take to arrive.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a token becomes a session.
pub(super) const SIGN_IN: &str = "/sign-in";

/// Where a session ends, which everyone may.
pub(super) const SIGN_OUT: &str = "/sign-out";

/// What readers may look at: nothing here is about a person.
const FOR_READERS: [&str; 9] = [
    "/",
    "/now",
    "/figures",
    "/stores",
    "/problems",
    "/consumers",
    "/live",
    SIGN_IN,
    SIGN_OUT,
];

/// Lets a request pass if it comes from somebody known, and, if it changes something, from a form of the
/// page that this visitor saw. What is served to everyone is the style sheet, the script and the form to
/// sign in.
pub(super) async fn guard(
    State(state): State<Arc<AdminState>>,
    request: Request,
    next: Next,
) -> Response {
    if assets::is_asset(request.uri().path()) {
        return next.run(request).await;
    }
    match check(&state, request).await {
        Ok(request) => {
            let is_known = request.extensions().get::<Visitor>().is_some();
            if is_known {
                state.look();
            }
            let mut response = next.run(request).await;
            if is_known {
                response.extensions_mut().insert(Authenticated);
            }
            response
        }
        Err(error) => error.into_response(),
    }
}

async fn check(state: &AdminState, mut request: Request) -> Result<Request, PageError> {
    if state.settings.tokens.is_none() && !is_for_this_machine(&request) {
        return Err(PageError::ForeignHost);
    }
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD);
    if request.uri().path() == SIGN_IN && is_change {
        if !is_same_origin(&request) {
            return Err(PageError::ForeignForm);
        }
        let (request, _) = with_form(request, MAX_SIGN_IN_BYTES).await?;
        return Ok(request);
    }
    let mut visitor = visitor(state, request.headers(), peer(request.extensions()))?;
    if !visitor.may_act() && !is_change && !FOR_READERS.contains(&request.uri().path()) {
        return Err(PageError::OperatorsOnly);
    }
    if is_change {
        let is_allowed = visitor.may_act() || request.uri().path() == SIGN_OUT;
        if !is_allowed {
            return Err(PageError::ReadOnly);
        }
        if visitor.csrf.is_some() && !is_same_origin(&request) {
            return Err(PageError::ForeignForm);
        }
        let form;
        (request, form) = with_form(request, MAX_FORM_BYTES).await?;
        if let Some(csrf) = &visitor.csrf {
            check_form_token(&form, csrf)?;
        }
    }
    visitor.not_ready = status::not_ready(&state.receiver.state).await;
    request.extensions_mut().insert(visitor);
    Ok(request)
}

/// Finds out who makes a request.
pub(super) fn visitor(
    state: &AdminState,
    headers: &HeaderMap,
    peer: Peer,
) -> Result<Visitor, PageError> {
    if state.settings.tokens.is_none() {
        return Ok(Visitor {
            grant: None,
            peer,
            csrf: Some(state.sessions.csrf.clone().ok_or(PageError::NoRandomness)?),
            has_session: false,
            not_ready: None,
        });
    }
    if tokens::has_bearer(headers) {
        let token = tokens::bearer(headers);
        let grant = token.and_then(|token| state.settings.grant(&token));
        return Ok(Visitor {
            grant: Some(grant.ok_or_else(|| unknown_token(state, peer))?),
            peer,
            // No browser sends the header by itself.
            csrf: None,
            has_session: false,
            not_ready: None,
        });
    }
    let session = state.sessions.of(headers);
    let session = session.ok_or(PageError::SignIn { failed: false })?;
    // The token may have been taken from the list since.
    let grant = state.settings.grant(&session.token);
    Ok(Visitor {
        grant: Some(grant.ok_or(PageError::SignIn { failed: false })?),
        peer,
        csrf: Some(session.csrf),
        has_session: true,
        not_ready: None,
    })
}

/// Counts an unknown token. Too many say so; a right one is accepted all the same, as those who share an
/// address, as behind a proxy, must not lock each other out, and nobody guesses a random token.
pub(super) fn unknown_token(state: &AdminState, Peer { address, .. }: Peer) -> PageError {
    if let Some(wait) = state.sign_in_limit.wait(address) {
        return PageError::TooManyFailures { wait };
    }
    state.sign_in_limit.failed(address);
    let peer = address.map(tracing::field::display);
    tracing::warn!(peer, "an unknown token was tried at the operator's page");
    PageError::SignIn { failed: true }
}

/// Whether no other site made a browser send a request. A program sends neither header.
fn is_same_origin(request: &Request) -> bool {
    let headers = request.headers();
    let text = |name: HeaderName| Some(headers.get(name)?.to_str().unwrap_or_default());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text(ORIGIN) else {
        return true;
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    // HTTP/2 has the host in the URL, and a proxy in front may say which one the browser asked for.
    let hosts = [HOST, HeaderName::from_static("x-forwarded-host")];
    let in_url = request.uri().authority().map(Authority::as_str);
    let mut hosts = hosts.into_iter().filter_map(text).chain(in_url);
    authority.is_some_and(|authority| hosts.any(|host| host.eq_ignore_ascii_case(authority)))
}

/// Whether a request names this machine. Another site could get a name that leads here, and its pages
/// would then be of the same origin: where nobody signs in, nothing else keeps them out.
fn is_for_this_machine(request: &Request) -> bool {
    let header = request.headers().get_all(HOST).iter();
    let header = header.map(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let in_url = request.uri().authority().cloned().map(Some);
    header.chain(in_url).all(|authority| {
        let host = authority.as_ref().map(Authority::host);
        host.is_some_and(|host| {
            matches!(host, "127.0.0.1" | "[::1]") || host.eq_ignore_ascii_case("localhost")
        })
    })
}

/// Waits for the form of a request, which is then complete.
async fn with_form(request: Request, limit: usize) -> Result<(Request, Bytes), PageError> {
    let (parts, body) = request.into_parts();
    let collected = timeout(FORM_TIMEOUT, Limited::new(body, limit).collect()).await;
    let collected = collected.map_err(|_| PageError::SlowForm)?;
    let form = collected.map_err(|error| {
        if error.is::<LengthLimitError>() {
            PageError::LargeForm
        } else {
            PageError::BadForm
        }
    })?;
    let form = form.to_bytes();
    Ok((Request::from_parts(parts, Body::from(form.clone())), form))
}

/// Checks that a form has the token that was put into it.
fn check_form_token(form: &[u8], csrf: &str) -> Result<(), PageError> {
    let form: Vec<(String, String)> =
        serde_urlencoded::from_bytes(form).map_err(|_| PageError::BadForm)?;
    let mut sent = form.iter().filter(|(name, _)| name == "csrf");
    let is_ours = sent.any(|(_, sent)| sent.as_bytes().ct_eq(csrf.as_bytes()).into());
    is_ours.then_some(()).ok_or(PageError::ForeignForm)
}
