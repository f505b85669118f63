//! What the document says of an operation.

/// An operation of the document: one kind of push.
///
/// ```
/// use aifi_push::operations;
///
/// assert_eq!(operations::TRANSITION_LEFT.path, "/api/push/transition/left");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The `operationId`, which is also the name of the client's method.
    pub id: &'static str,
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path below the base URL, with a slash in front.
    pub path: &'static str,
    /// The example of the request body, as JSON.
    pub example: Option<&'static str>,
}
