//! The name under which an inbox keeps the place of a consumer.

use std::{fmt, str::FromStr};

/// The longest name, in bytes.
const MAX_LEN: usize = 64;

/// A name of a consumer: 1 to 64 ASCII letters, digits, `-` and `_`, on every kind of inbox.
///
/// ```
/// use aifi_push_inbox::ConsumerName;
///
/// let name: ConsumerName = "billing".parse()?;
/// assert_eq!(name.as_str(), "billing");
/// assert!("billing v2".parse::<ConsumerName>().is_err());
/// # Ok::<(), aifi_push_inbox::InvalidConsumerName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerName(String);

/// A text that is not the name of a consumer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid consumer name {0:?}: expected 1 to {MAX_LEN} letters, digits, `-` and `_`")]
pub struct InvalidConsumerName(String);

impl ConsumerName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`InvalidConsumerName`] if it is empty, too long or contains another character.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidConsumerName> {
        let name = name.into();
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if (1..=MAX_LEN).contains(&name.len()) && name.bytes().all(is_allowed) {
            Ok(Self(name))
        } else {
            Err(InvalidConsumerName(name))
        }
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConsumerName {
    type Err = InvalidConsumerName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
