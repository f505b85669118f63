//! How the models decode: what the generated code calls.
//!
//! A property that the vendor documents is decoded as its type, or the event is refused. For one
//! that only the vendor's example shows, the type is a guess: a value that does not fit is kept in
//! `extra`.

#![allow(dead_code, reason = "a document may use a part of it")]

use std::{borrow::Cow, cell::Cell, collections::BTreeMap, fmt, marker::PhantomData};

use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, MapAccess, Unexpected, Visitor},
};

use crate::{
    Json, Number, date_time,
    number::{integer, unexpected},
    text::{Name, Text},
};

/// How many models may be inside of each other. `serde_json` has a limit too, but starts anew at
/// each value that is decoded from its text.
const MAX_DEPTH: usize = 64;

/// A type of the models.
pub(crate) trait Decode: DeserializeOwned {
    /// Decodes by the rules of this crate, which are more tolerant than those of serde for integers
    /// and date-times.
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    /// Decodes JSON, unless it does not fit.
    fn fit(json: &str) -> Option<Self> {
        Self::decode(&mut serde_json::Deserializer::from_str(json)).ok()
    }
}

impl Decode for bool {}
impl Decode for Number {}

impl Decode for String {
    fn fit(json: &str) -> Option<Self> {
        string(json).map(Cow::into_owned)
    }
}

impl Decode for Json {
    fn fit(json: &str) -> Option<Self> {
        Some(Self::of(json))
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Decode for $integer {
            fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let Text(text) = Text::deserialize(deserializer)?;
                Self::fit(&text).ok_or_else(|| match unexpected(&text) {
                    number @ Unexpected::Signed(_) => {
                        D::Error::invalid_value(number, &stringify!($integer))
                    }
                    other => D::Error::invalid_type(other, &stringify!($integer)),
                })
            }

            fn fit(json: &str) -> Option<Self> {
                integer(json)?.try_into().ok()
            }
        }
    )*};
}

integers!(i64 u64);

impl Decode for DateTime<Utc> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateTimeVisitor;

        impl Visitor<'_> for DateTimeVisitor {
            type Value = DateTime<Utc>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(date_time::EXPECTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<DateTime<Utc>, E> {
                date_time::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(""), &self))
            }
        }

        deserializer.deserialize_str(DateTimeVisitor)
    }

    fn fit(json: &str) -> Option<Self> {
        date_time::parse(&string(json)?)
    }
}

/// Decodes a JSON string, without a deserializer if it has no escapes.
fn string(json: &str) -> Option<Cow<'_, str>> {
    if json.contains('\\') {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    Some(Cow::Borrowed(text))
}

impl<T: Decode> Decode for Option<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<Decoded<T>>::deserialize(deserializer)?;
        Ok(value.map(|value| value.0))
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::decode(deserializer).map(Self::new)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<Decoded<T>>::deserialize(deserializer)?;
        Ok(items.into_iter().map(|item| item.0).collect())
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, Decoded<T>>::deserialize(deserializer)?;
        Ok(values
            .into_iter()
            .map(|(key, value)| (key, value.0))
            .collect())
    }
}

/// Lets serde's lists and maps decode by our rules.
struct Decoded<T>(T);

impl<'de, T: Decode> Deserialize<'de> for Decoded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::decode(deserializer).map(Self)
    }
}

/// A model, which decodes from the properties of an object.
pub(crate) trait Model: Sized {
    /// Reads all properties.
    fn read<'de, M: MapAccess<'de>>(object: Object<M>) -> Result<Self, M::Error>;
}

/// Decodes a model.
pub(crate) fn deserialize<'de, T: Model, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct ModelVisitor<T>(PhantomData<T>);

    impl<'de, T: Model> Visitor<'de> for ModelVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
            let _depth = Depth::enter().ok_or_else(|| M::Error::custom(Depth::EXCEEDED))?;
            T::read(Object {
                map,
                extra: BTreeMap::new(),
            })
        }
    }

    deserializer.deserialize_map(ModelVisitor(PhantomData))
}

/// A level of models inside of each other.
pub(crate) struct Depth;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Depth {
    pub(crate) const EXCEEDED: &str = "recursion limit exceeded";

    pub(crate) fn enter() -> Option<Self> {
        let depth = DEPTH.get();
        (depth < MAX_DEPTH).then(|| {
            DEPTH.set(depth + 1);
            Self
        })
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Decoding in which a value has to fit also where its type is a guess, until it is dropped.
pub(crate) struct Strict;

thread_local! {
    static IS_STRICT: Cell<bool> = const { Cell::new(false) };
}

impl Strict {
    pub(crate) fn enter() -> Self {
        IS_STRICT.set(true);
        Self
    }
}

impl Drop for Strict {
    fn drop(&mut self) {
        IS_STRICT.set(false);
    }
}

/// An object that is being read.
pub(crate) struct Object<M> {
    map: M,
    /// The properties that are not in the document, and the values that do not fit.
    pub(crate) extra: BTreeMap<String, Json>,
}

impl<'de, M: MapAccess<'de>> Object<M> {
    /// Reads the name of the next property.
    pub(crate) fn next_name(&mut self) -> Result<Option<Cow<'de, str>>, M::Error> {
        Ok(self.map.next_key()?.map(|Name(name)| name))
    }

    /// Reads a property that the vendor documents, whose value must fit.
    pub(crate) fn documented<T: Decode>(
        &mut self,
        name: &'static str,
        value: &mut Option<T>,
    ) -> Result<(), M::Error> {
        if value.is_some() {
            return Err(M::Error::duplicate_field(name));
        }
        *value = Some(self.map.next_value::<Decoded<T>>()?.0);
        Ok(())
    }

    /// Reads a property that only the vendor's example shows. The last of several counts, as in
    /// `extra`.
    pub(crate) fn example<T: Decode>(
        &mut self,
        name: &'static str,
        value: &mut Option<T>,
    ) -> Result<(), M::Error> {
        if IS_STRICT.get() {
            *value = self.map.next_value::<Decoded<Option<T>>>()?.0;
            return Ok(());
        }
        let Text(json) = self.map.next_value()?;
        self.extra.remove(name);
        *value = None;
        if json != "null" {
            *value = T::fit(&json);
            if value.is_none() {
                self.extra.insert(name.to_owned(), Json::of(&json));
            }
        }
        Ok(())
    }

    /// Reads a property that is not in the document.
    pub(crate) fn unknown(&mut self, name: Cow<'de, str>) -> Result<(), M::Error> {
        let value = self.map.next_value()?;
        self.extra.insert(name.into_owned(), value);
        Ok(())
    }
}

/// Returns the value of a required property.
pub(crate) fn required<T, E: Error>(name: &'static str, value: Option<T>) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(name))
}

/// Types that our document does not have, but another may: what the generator writes for them.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_slice;

    #[derive(Debug, PartialEq)]
    struct Tree {
        sizes: Option<Vec<i64>>,
        weights: Option<BTreeMap<String, Number>>,
        times: Option<Vec<Option<DateTime<Utc>>>>,
        guess: Option<Box<Tree>>,
        child: Option<Box<Tree>>,
        extra: BTreeMap<String, Json>,
    }

    impl Model for Tree {
        fn read<'de, M: MapAccess<'de>>(mut object: Object<M>) -> Result<Self, M::Error> {
            let (mut sizes, mut weights, mut times) = (None, None, None);
            let (mut guess, mut child) = (None, None);
            while let Some(name) = object.next_name()? {
                match &*name {
                    "sizes" => object.example("sizes", &mut sizes),
                    "weights" => object.example("weights", &mut weights),
                    "times" => object.example("times", &mut times),
                    "guess" => object.example("guess", &mut guess),
                    "child" => object.documented("child", &mut child),
                    _ => object.unknown(name),
                }?;
            }
            Ok(Self {
                sizes,
                weights,
                times,
                guess,
                child: child.flatten(),
                extra: object.extra,
            })
        }
    }

    impl<'de> Deserialize<'de> for Tree {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserialize(deserializer)
        }
    }

    impl Decode for Tree {}

    fn tree(json: &str) -> Tree {
        from_slice(json.as_bytes()).unwrap()
    }

    /// JSON with a tree in a tree, and so on.
    fn nested(property: &str, levels: usize) -> String {
        let open = format!("{{\"{property}\":").repeat(levels);
        open + "{}" + &"}".repeat(levels)
    }

    #[test]
    fn lists_and_maps_decode_by_the_same_rules() {
        let decoded = tree(
            r#"{"sizes": [2.0, -0], "weights": {"a": 1.10, "b": 1e400},
                "times": [null, "2026-11-24 12:00+0200"]}"#,
        );
        assert_eq!(decoded.sizes, Some(vec![2, 0]));
        let weights = decoded.weights.unwrap();
        assert_eq!(
            (weights["a"].as_str(), weights["b"].as_str()),
            ("1.10", "1e400")
        );
        let time = "2026-11-24T10:00:00Z".parse().unwrap();
        assert_eq!(decoded.times, Some(vec![None, Some(time)]));
    }

    #[test]
    fn lists_and_maps_that_do_not_fit_are_kept_as_a_whole() {
        let decoded = tree(r#"{"sizes": [1, 9223372036854775808], "weights": {"a": 1, "b": "2"}}"#);
        assert_eq!((decoded.sizes, decoded.weights), (None, None));
        assert_eq!(decoded.extra["sizes"].as_str(), "[1,9223372036854775808]");
        assert_eq!(decoded.extra["weights"].as_str(), r#"{"a":1,"b":"2"}"#);
    }

    #[test]
    fn a_tree_without_end_does_not_end_the_stack() {
        let mut innermost = tree(&nested("guess", 1000));
        let mut levels = 1;
        while let Some(inner) = innermost.guess {
            innermost = *inner;
            levels += 1;
        }
        assert_eq!(levels, MAX_DEPTH);
        let rest = nested("guess", 1000 - MAX_DEPTH);
        assert_eq!(innermost.extra["guess"].as_str(), rest);

        let error = from_slice::<Tree>(nested("child", 1000).as_bytes()).unwrap_err();
        assert_eq!(error.reason(), Depth::EXCEEDED);
        // Each decoding starts at the top.
        assert!(tree(&nested("child", MAX_DEPTH - 1)).child.is_some());
    }
}
