//! JSON as text, taken from a deserializer without a loss of digits.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeStruct,
};
use serde_json::Value;

/// The name under which `serde_json` passes a value on as text, and accepts text as a value.
///
/// `RawValue` uses it too, but fails in a deserializer that is not `serde_json`'s, such as the one
/// of `#[serde(flatten)]`. If a version of `serde_json` had another name, values would be decoded
/// by way of [`Value`]: right but for the digits of some numbers.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// The text of one JSON value, borrowed if possible.
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW_VALUE, TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    /// Called by `serde_json`.
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Text<'de>, M::Error> {
        match map.next_key()? {
            Some(Name(name)) if name == RAW_VALUE => map.next_value().map(|Name(text)| Text(text)),
            _ => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }

    /// Called by every other deserializer.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, other: D) -> Result<Text<'de>, D::Error> {
        let value = Value::deserialize(other)?;
        Ok(Text(Cow::Owned(value.to_string())))
    }
}

/// A string, borrowed if possible: the name of a property.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }

    fn visit_string<E>(self, name: String) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name)))
    }
}

/// Serializes `text`, which is JSON, as the value that it describes.
pub(crate) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        let mut raw = serializer.serialize_struct(RAW_VALUE, 1)?;
        raw.serialize_field(RAW_VALUE, text)?;
        raw.end()
    } else {
        let value: Value = serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

/// Removes the white space between tokens, so that a value takes one line and two spellings that
/// differ in nothing else are equal.
pub(crate) fn without_white_space(text: &str) -> String {
    let is_white = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    if !text.bytes().any(is_white) {
        return text.to_owned();
    }
    let (mut in_string, mut escaped) = (false, false);
    let mut compact = text.to_owned();
    compact.retain(|character| {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            return true;
        }
        in_string = character == '"';
        !matches!(character, ' ' | '\t' | '\n' | '\r')
    });
    compact
}
