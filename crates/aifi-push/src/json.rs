//! Any JSON, and numbers of any precision.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    DecodeError, from_slice,
    text::{self, Text},
};

/// Any JSON value, kept as it was received but for white space.
///
/// A number keeps all its digits, an object the order of its keys. Two values are equal if their
/// texts are.
///
/// `serde_json` encodes it as it is. The deserializers of serde's `flatten` and `untagged`, and
/// those of formats other than JSON, return numbers of at most 64 bits.
///
/// # Examples
///
/// ```
/// use aifi_push::Json;
///
/// let price: Json = "[ 1.10, 123456789012345678901234567890 ]".parse()?;
/// assert_eq!(price.as_str(), "[1.10,123456789012345678901234567890]");
/// assert_eq!(price.decode::<(f64, f64)>()?.0, 1.1);
///
/// assert_eq!(Json::from("a text").decode::<String>()?, "a text");
/// assert_eq!(Json::from(serde_json::json!({"tier": 2})).as_str(), r#"{"tier":2}"#);
/// # Ok::<(), aifi_push::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Box<str>);

impl Json {
    /// Returns the JSON text, in one line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Decodes the value, such as into a [`Value`] or a type of your own.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError`] if the value is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        from_slice(self.0.as_bytes())
    }

    /// Keeps a text that is known to be JSON.
    pub(crate) fn of(text: &str) -> Self {
        Self(text::without_white_space(text).into())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Json {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        from_slice(text.as_bytes())
    }
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Self {
        Self(value.into().to_string().into())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|text| Self::of(&text.0))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::serialize(&self.0, serializer)
    }
}
