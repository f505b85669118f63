//! Requests that are not answered with what they asked for.

use std::time::Duration;

use aifi_push_inbox::{AdminError, ErrorChain};
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{Html, IntoResponse, Response},
};
use maud::{Markup, html};

use super::{access::Visitor, layout, pages::sign_in};

/// Why a request is refused, or failed.
#[derive(Debug)]
pub(super) enum PageError {
    /// Nobody is signed in.
    SignIn {
        /// Whether a token was tried that is unknown.
        failed: bool,
    },
    TooManyFailures {
        wait: Duration,
    },
    /// The form is of another site, or of an earlier session.
    ForeignForm,
    /// Where nobody signs in, the request is for another host than this machine.
    ForeignHost,
    BadForm,
    /// A parameter is missing, repeated or wrong.
    BadAddress,
    LargeForm,
    /// The form did not arrive in time.
    SlowForm,
    /// A value of a form or of a filter is wrong.
    Invalid(String),
    ReadOnly,
    /// It is about events and people.
    OperatorsOnly,
    NotFound,
    NoRandomness,
    /// Too many pages are open that are live.
    TooManyStreams,
    Stopping,
    Inbox(AdminError),
    InboxSilent,
}

impl From<AdminError> for PageError {
    fn from(error: AdminError) -> Self {
        Self::Inbox(error)
    }
}

pub(super) async fn not_found(_: Visitor) -> PageError {
    PageError::NotFound
}

impl PageError {
    pub(super) fn is_not_found(&self) -> bool {
        self.status() == StatusCode::NOT_FOUND
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } => StatusCode::UNAUTHORIZED,
            Self::TooManyFailures { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::ForeignForm | Self::ForeignHost | Self::ReadOnly | Self::OperatorsOnly => {
                StatusCode::FORBIDDEN
            }
            Self::LargeForm => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowForm => StatusCode::REQUEST_TIMEOUT,
            Self::BadForm | Self::BadAddress | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Inbox(AdminError::NoSuchEvent { .. } | AdminError::NoSuchConsumer { .. }) => {
                StatusCode::NOT_FOUND
            }
            Self::NoRandomness
            | Self::TooManyStreams
            | Self::Stopping
            | Self::Inbox(_)
            | Self::InboxSilent => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::SignIn { .. } | Self::TooManyFailures { .. } => "Sign in",
            Self::ForeignForm | Self::ForeignHost | Self::ReadOnly | Self::OperatorsOnly => {
                "Not allowed"
            }
            Self::BadForm
            | Self::BadAddress
            | Self::LargeForm
            | Self::SlowForm
            | Self::Invalid(_) => "Invalid request",
            Self::NotFound => "Not found",
            Self::NoRandomness | Self::TooManyStreams | Self::Stopping => "Not available",
            Self::Inbox(error) => match error {
                AdminError::NoSuchEvent { .. } | AdminError::NoSuchConsumer { .. } => "Not found",
                _ => "The inbox does not answer",
            },
            Self::InboxSilent => "The inbox does not answer",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::SignIn { failed: false } => String::new(),
            Self::SignIn { failed: true } => "This token is unknown.".to_owned(),
            Self::TooManyFailures { wait } => format!(
                "This token is unknown. Too many of them came from your address: wait {} seconds.",
                wait.as_secs() + 1
            ),
            Self::ForeignForm => {
                "This request does not come from a form of this page, or from one \
                of an earlier session. Nothing was changed: open the page again."
                    .to_owned()
            }
            Self::ReadOnly => {
                "You signed in with a token that can only look. Nothing was changed.".to_owned()
            }
            Self::ForeignHost => {
                "Nobody signs in here, so the page is only at localhost, 127.0.0.1 and [::1]. For \
                other names, serve needs an admin token."
                    .to_owned()
            }
            Self::LargeForm => "The form is too large. Nothing was changed.".to_owned(),
            Self::SlowForm => "The form did not arrive in time. Nothing was changed.".to_owned(),
            Self::OperatorsOnly => {
                "This page is about events and people. You signed in with a token that \
                shows neither: sign in with an admin token."
                    .to_owned()
            }
            Self::BadForm => {
                "The form did not arrive as it should. Nothing was changed.".to_owned()
            }
            Self::BadAddress => {
                "Something in this address is missing, is there twice, or is wrong.".to_owned()
            }
            Self::Invalid(reason) => reason.clone(),
            Self::NotFound => "There is nothing at this address.".to_owned(),
            Self::NoRandomness => "The system has no random numbers.".to_owned(),
            Self::TooManyStreams => "Too many pages are open: close some.".to_owned(),
            Self::Stopping => "The receiver is stopping.".to_owned(),
            Self::Inbox(error) => match error {
                AdminError::NoSuchEvent { .. } => {
                    "The inbox has no such event. It may have been deleted.".to_owned()
                }
                AdminError::NoSuchConsumer { .. } => {
                    "The inbox has no such consumer. It may have been removed.".to_owned()
                }
                _ => "The inbox failed. The log of the receiver says why.".to_owned(),
            },
            Self::InboxSilent => "The inbox did not answer in time.".to_owned(),
        }
    }

    fn body(&self) -> Markup {
        let message = self.message();
        match self {
            Self::SignIn { .. } | Self::TooManyFailures { .. } => sign_in::form(&message),
            _ => layout::bare(
                self.title(),
                &html! {
                    h1 { (self.title()) }
                    p role="alert" { (message) }
                    p { a href="." { "Back to the page" } }
                },
            ),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match &self {
            Self::Inbox(error) if self.status().is_server_error() => {
                tracing::error!(error = %ErrorChain(error), "the operator's page");
            }
            _ => {}
        }
        let mut response = (self.status(), Html(self.body().into_string())).into_response();
        let headers = response.headers_mut();
        match self {
            Self::SignIn { .. } => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::TooManyFailures { wait } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            }
            _ => {}
        }
        response
    }
}
