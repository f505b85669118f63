//! What is refused before anything is stored, and how it is said.

use aifi_push::types::{ApiError, ApiErrorDetail};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// How long a sender is asked to wait before it tries again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why a call is refused. Nothing of it was stored, but where said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unauthorised,
    NotFound,
    MethodNotAllowed,
    MediaType,
    TooLarge {
        limit: usize,
    },
    Slow,
    Broken,
    Overloaded,
    /// The inbox failed, or did not answer in time: then the event may have been stored.
    Unavailable,
    Closing,
}

impl Refusal {
    /// The reason in one word, for metrics and logs.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Unauthorised => "unauthorised",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::MediaType => "media_type",
            Self::TooLarge { .. } => "too_large",
            Self::Slow => "slow",
            Self::Broken => "broken",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Closing => "closing",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Overloaded | Self::Unavailable | Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The `type` of the vendor's own errors.
    fn kind(self) -> &'static str {
        match self {
            Self::Unauthorised => "E_UNAUTHORIZED",
            Self::NotFound => "E_NOT_FOUND",
            Self::MethodNotAllowed => "E_METHOD_NOT_ALLOWED",
            Self::MediaType => "E_UNSUPPORTED_MEDIA_TYPE",
            Self::TooLarge { .. } => "E_BODY_TOO_LARGE",
            Self::Slow => "E_BODY_TIMEOUT",
            Self::Broken => "E_BODY_INCOMPLETE",
            Self::Overloaded => "E_OVERLOADED",
            Self::Unavailable | Self::Closing => "E_UNAVAILABLE",
        }
    }

    fn message(self) -> String {
        match self {
            Self::Unauthorised => {
                "a header `Authorization: Bearer <token>` with a token known here is needed".into()
            }
            Self::NotFound => "no push is received at this path".into(),
            Self::MethodNotAllowed => "a push is a POST".into(),
            Self::MediaType => "the body of a push is of the type application/json".into(),
            Self::TooLarge { limit } => format!("a body may have at most {limit} bytes"),
            Self::Slow => "the body did not arrive in time".into(),
            Self::Broken => "the body did not arrive in full".into(),
            Self::Overloaded => "too many events are waiting: send it again".into(),
            Self::Unavailable => "the event could not be stored: send it again".into(),
            Self::Closing => "the receiver is stopping: send it again".into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = api_error(self.message(), self.kind(), Vec::new());
        let mut response = (self.status(), Json(error)).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorised => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Overloaded | Self::Unavailable | Self::Closing => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            // What is left of the body would be taken for the next request.
            Self::TooLarge { .. } | Self::Slow | Self::Broken => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Self::NotFound | Self::MethodNotAllowed | Self::MediaType => {}
        }
        response
    }
}

/// An error in the form of the vendor's own.
pub(crate) fn api_error(message: String, kind: &str, errors: Vec<ApiErrorDetail>) -> ApiError {
    ApiError::builder()
        .message(message)
        .type_(kind)
        .errors(errors)
        .build()
}
