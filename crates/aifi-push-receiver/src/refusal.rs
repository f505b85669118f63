//! Requests that are refused, and how the sender is told.

use aifi_push::{
    operations,
    types::{ApiError, ApiErrorDetail},
};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// How long a sender is asked to wait before it tries again, in seconds.
pub(crate) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Every reason why a request is counted as refused: of [`Refusal`] first, then of a connection.
pub(crate) const REASONS: [&str; 15] = [
    "unauthorized",
    "not_found",
    "method_not_allowed",
    "too_large",
    "slow",
    "broken",
    "overloaded",
    "unavailable",
    "closing",
    "circle",
    "tls_handshake",
    "headers_too_large",
    "tls_on_plain_port",
    "proxy_protocol",
    "bad_request",
];

/// Why a request is refused. Nothing was stored, unless stated otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unauthorized,
    NotFound,
    /// The URL of a webhook, without the segment that the platform appends.
    BaseUrl {
        webhook: &'static str,
    },
    MethodNotAllowed,
    TooLarge {
        limit: usize,
    },
    Slow,
    Broken,
    Overloaded,
    /// The inbox failed, or did not answer in time: then the event may have been stored.
    Unavailable,
    Closing,
    /// A question came back to where it was asked from: it was stored before.
    Circle,
}

impl Refusal {
    /// Returns the reason as one word, for metrics and logs.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::NotFound | Self::BaseUrl { .. } => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge { .. } => "too_large",
            Self::Slow => "slow",
            Self::Broken => "broken",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Closing => "closing",
            Self::Circle => "circle",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound | Self::BaseUrl { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Overloaded | Self::Unavailable | Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Self::Circle => StatusCode::LOOP_DETECTED,
        }
    }

    /// Returns the `type`, as in the vendor's own errors.
    fn kind(self) -> &'static str {
        match self {
            Self::Unauthorized => "E_UNAUTHORIZED",
            Self::NotFound | Self::BaseUrl { .. } => "E_NOT_FOUND",
            Self::MethodNotAllowed => "E_METHOD_NOT_ALLOWED",
            Self::TooLarge { .. } => "E_BODY_TOO_LARGE",
            Self::Slow => "E_BODY_TIMEOUT",
            Self::Broken => "E_BODY_INCOMPLETE",
            Self::Overloaded => "E_OVERLOADED",
            Self::Unavailable | Self::Closing => "E_UNAVAILABLE",
            Self::Circle => "E_CIRCLE",
        }
    }

    fn message(self) -> String {
        match self {
            Self::Unauthorized => {
                "missing or unknown token: send `Authorization: Bearer <token>`".into()
            }
            Self::NotFound => "no event is received at this path".into(),
            Self::BaseUrl { webhook } => {
                let all = operations::ALL.iter();
                let its = all.filter(|operation| operation.webhook == webhook);
                let segments: Vec<_> = its.map(|its| format!("/{}", its.segment())).collect();
                format!(
                    "no event is received at this path itself: those of the webhook `{webhook}` are \
                     at {} below it, and other webhooks have other URLs",
                    segments.join(" and ")
                )
            }
            Self::MethodNotAllowed => "an event is sent by POST".into(),
            Self::TooLarge { limit } => {
                format!("the body is too large: at most {limit} bytes are accepted")
            }
            Self::Slow => "the body did not arrive in time".into(),
            Self::Broken => "the body did not arrive in full".into(),
            Self::Overloaded => "too many events are waiting: send it again".into(),
            Self::Unavailable => "the event could not be stored: send it again".into(),
            Self::Closing => "the receiver is stopping: send it again".into(),
            Self::Circle => {
                "this question was asked from here: receivers ask each other in a circle".into()
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = api_error(self.message(), self.kind(), Vec::new());
        let mut response = (self.status(), Json(error)).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Overloaded | Self::Unavailable | Self::Closing => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            // The rest of the body would be taken for the next request.
            Self::TooLarge { .. } | Self::Slow | Self::Broken => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Self::MethodNotAllowed => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
            }
            Self::NotFound | Self::BaseUrl { .. } | Self::Circle => {}
        }
        response
    }
}

/// Returns an error in the form of the vendor's own.
pub(crate) fn api_error(message: String, kind: &str, errors: Vec<ApiErrorDetail>) -> ApiError {
    ApiError::builder()
        .message(message)
        .type_(kind)
        .errors(errors)
        .build()
}
