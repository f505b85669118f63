//! Numbers of any precision, and integers in any spelling.

use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected},
};

use crate::{
    DecodeError, from_slice,
    text::{self, Text},
};

/// A JSON number that keeps its digits: `1.10` is not `1.1`, and neither is rounded.
///
/// Two numbers are equal if they are spelled the same.
///
/// # Examples
///
/// ```
/// use aifi_push::Number;
///
/// let number: Number = "12.917521550408111000".parse()?;
/// assert_eq!(number.as_str(), "12.917521550408111000");
/// assert_eq!(number.as_f64(), 12.917521550408111);
/// assert_eq!(number.as_i64(), None);
/// assert_eq!("2.0e3".parse::<Number>()?.as_i64(), Some(2000));
/// # Ok::<(), aifi_push::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// Returns the number as it is spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the nearest `f64`, which is infinite for a number such as `1e400`.
    pub fn as_f64(&self) -> f64 {
        // Each number of JSON is one of Rust.
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// Returns the number if it is an integer of at most 64 bits, in any spelling.
    pub fn as_i64(&self) -> Option<i64> {
        integer(&self.0)?.try_into().ok()
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Number {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        from_slice(text.as_bytes())
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        match unexpected(&text) {
            Unexpected::Float(_) | Unexpected::Signed(_) => Ok(Self(text.into())),
            other => Err(D::Error::invalid_type(other, &"a number")),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::serialize(&self.0, serializer)
    }
}

/// Returns the value of an integer in any spelling of JSON, such as `2`, `2.0`, `20e-1` or `-0`.
///
/// It is calculated from the digits: an `f64` would round those beyond 53 bits.
pub(crate) fn integer(number: &str) -> Option<i128> {
    if let Ok(integer) = number.parse() {
        return Some(integer);
    }
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.trim_start_matches(['-', '0']).is_empty() {
        return Some(0);
    }
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(fraction.len()).ok()?;
    let power = i64::from(exponent.parse::<i32>().ok()?) + zeros - point;
    let integer: i128 = significant.parse().ok()?;
    integer.checked_mul(10_i128.checked_pow(power.try_into().ok()?)?)
}

/// Returns the kind of a JSON value, by its text, for an error.
pub(crate) fn unexpected(text: &str) -> Unexpected<'_> {
    match text.bytes().next() {
        Some(b'"') => Unexpected::Str(""),
        Some(b'{') => Unexpected::Map,
        Some(b'[') => Unexpected::Seq,
        Some(b't' | b'f') => Unexpected::Bool(false),
        Some(b'n') | None => Unexpected::Unit,
        Some(_) => match integer(text) {
            Some(_) => Unexpected::Signed(0),
            None => Unexpected::Float(0.0),
        },
    }
}
