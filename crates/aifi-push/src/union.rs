//! How unions decode: what the generated code calls.
//!
//! A value is decoded as the type that it fits. One that fits none is kept as it is: no value costs
//! an event.

#![allow(dead_code, reason = "a document may have no unions")]

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    Json,
    model::Depth,
    text::{Name, Text},
};

/// One of several types, or any other JSON: decoding never fails.
pub(crate) trait Union: Sized {
    /// Decodes one of the types, unless none fits.
    fn read(json: &str) -> Option<Self>;

    /// Keeps any other JSON.
    fn other(json: Json) -> Self;
}

/// Decodes a union from JSON.
pub(crate) fn read<T: Union>(json: &str) -> T {
    let depth = Depth::enter();
    let read = depth.as_ref().and_then(|_| T::read(json));
    read.unwrap_or_else(|| T::other(Json::of(json)))
}

/// Decodes a union.
pub(crate) fn deserialize<'de, T: Union, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let Text(json) = Text::deserialize(deserializer)?;
    Ok(read(&json))
}

/// Returns the text of a property of an object: the kind of the object.
pub(crate) fn tag<'de>(json: &'de str, property: &'static str) -> Option<Cow<'de, str>> {
    struct TagVisitor(&'static str);

    impl<'de> Visitor<'de> for TagVisitor {
        type Value = Option<Cow<'de, str>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut tag = None;
            while let Some(Name(name)) = map.next_key()? {
                let Text(value) = map.next_value()?;
                if name == self.0 {
                    tag = Some(match serde_json::from_str(&value) {
                        Ok(text) => Cow::Owned(text),
                        // A number, such as `1`, is mapped as text.
                        Err(_) => value,
                    });
                }
            }
            Ok(tag)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(TagVisitor(property)).ok()?
}
