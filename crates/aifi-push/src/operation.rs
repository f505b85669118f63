//! The operations of the document.

use serde::{Serialize, de::DeserializeOwned};

use crate::{DecodeError, from_slice, model::Strict, operations::ALL};

/// An operation of the document: a kind of event.
///
/// # Examples
///
/// ```
/// use aifi_push::operations;
///
/// assert_eq!(operations::TRANSITION_LEFT.path, "/api/push/transition/left");
/// assert_eq!(operations::CHECKOUT_ZONE_LEFT.webhook, "checkout-zone");
/// assert_eq!(operations::CHECKOUT_ZONE_LEFT.kind, "checkout-zone-left");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Operation {
    /// The `operationId`, which is also the name of the client's method.
    pub id: &'static str,
    /// The HTTP method, in upper case.
    pub method: &'static str,
    /// The path below the base URL, with a leading slash.
    pub path: &'static str,
    /// The kind of the events in one word, such as `left` or `checkout-zone-left`.
    pub kind: &'static str,
    /// The path below the base path of a receiver that is not told otherwise, such as `left` or
    /// `checkout-zone/left`.
    pub route: &'static str,
    /// The webhook for which a URL is configured in the vendor's console, such as `transitions`.
    pub webhook: &'static str,
    /// How the platform calls the URL that is configured for the webhook.
    pub url: CalledUrl,
    /// What the platform does with the response.
    pub answer: Answer,
    /// The example of the request body, as JSON.
    pub example: Option<&'static str>,
    /// The fields of the request body that say whom and what an event is about.
    pub subjects: &'static [SubjectField],
    pub(crate) decodes: Decodes,
    pub(crate) decodes_answer: Option<Decodes>,
}

type Decodes = fn(&[u8]) -> Result<(), DecodeError>;

impl Operation {
    /// Finds an operation of the document by a name of it: its kind, its id, its route or its path, with
    /// `-`, `_` or `/` between the words.
    ///
    /// # Examples
    ///
    /// ```
    /// use aifi_push::Operation;
    ///
    /// let found = ["left", "transition_left", "transition-left"].map(Operation::find);
    /// assert!(found.iter().flatten().all(|found| found.id == "transition_left"));
    /// assert!(Operation::find("right").is_none());
    /// ```
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = one_word(name);
        ALL.iter()
            .find(|operation| operation.kind == name)
            .or_else(|| {
                let is_named = |operation: &&Self| {
                    let names = [operation.id, operation.route, operation.path];
                    names.into_iter().any(|it| one_word(it) == name)
                };
                ALL.iter().find(is_named)
            })
    }

    /// Returns the last segment of the path, which the platform appends to the configured URL if
    /// [`url`](Self::url) is [`CalledUrl::Base`].
    pub fn segment(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Checks that a body decodes into the model of the operation.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError`] if it does not.
    pub fn check(&self, body: &[u8]) -> Result<(), DecodeError> {
        (self.decodes)(body)
    }

    /// Checks that an answer to this question decodes into its model. Any body is a response to a
    /// notification.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError`] if it does not.
    pub fn check_answer(&self, answer: &[u8]) -> Result<(), DecodeError> {
        self.decodes_answer
            .map_or(Ok(()), |decodes| decodes(answer))
    }

    /// Checks the same, and that each value fits its property, also where the vendor only shows it in
    /// an example.
    ///
    /// # Examples
    ///
    /// ```
    /// use aifi_push::operations::ENTRY_CODE_VERIFY;
    ///
    /// let answer = br#"{"status": false}"#;
    /// assert!(ENTRY_CODE_VERIFY.check_answer(answer).is_ok());
    /// let error = ENTRY_CODE_VERIFY.check_answer_strictly(answer).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "`status` at line 1, column 16: expected a string, found a boolean"
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError`] if that is not so.
    pub fn check_answer_strictly(&self, answer: &[u8]) -> Result<(), DecodeError> {
        let _strict = Strict::enter();
        self.check_answer(answer)
    }
}

/// How the platform calls the URL that is configured for a webhook: `x-url` in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CalledUrl {
    /// With the [segment](Operation::segment) of the operation appended: with
    /// `https://retailer.example/webhook`, it calls `/webhook/left`.
    Base,
    /// As it is.
    Exact,
}

/// What the platform does with the response to an event: `x-answer` in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// It does not read it: the event is a notification.
    Ignored,
    /// It uses it: the event is a [`Question`].
    Used,
}

/// A field of a request body that says whom or what the event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubjectField {
    /// What it identifies.
    pub kind: SubjectKind,
    /// The names of the properties that lead to it, such as `["customer", "id"]`.
    pub path: &'static [&'static str],
}

/// What an event can be about: the values of `x-subject` in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SubjectKind {
    /// A customer, by AiFi's id or the retailer's.
    Customer,
    /// A shopping session, by its token or its number.
    Session,
    /// A shopper.
    Shopper,
    /// A store, by AiFi's id or the retailer's.
    Store,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Session, Self::Shopper, Self::Store];

    /// Returns the kind as one word, as in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Session => "session",
            Self::Shopper => "shopper",
            Self::Store => "store",
        }
    }
}

/// A model that is the body of an operation.
pub trait Push: Serialize + DeserializeOwned {
    /// The operation.
    const OPERATION: Operation;
}

/// A model that asks the retailer something: the platform uses the response.
pub trait Question: Push {
    /// What the response contains, any JSON where the vendor does not show it.
    type Answer: Serialize + DeserializeOwned;
}

fn one_word(name: &str) -> String {
    name.trim_matches('/').replace(['_', '/'], "-")
}

pub(crate) fn decodes<T: DeserializeOwned>(body: &[u8]) -> Result<(), DecodeError> {
    from_slice::<T>(body).map(drop)
}
