//! JSON in the order of the document, without a key that occurs twice.
//!
//! A `Value` of `serde_json` has the order only with a feature, which would change every other
//! crate of the build.

use std::fmt;

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use crate::pointer::Pointer;

const TWICE: &str = "occurs twice: remove one";

/// The key under which `serde_json` passes a number on, if its feature `arbitrary_precision` is on.
const NUMBER: &str = "$serde_json::private::Number";

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    List(Vec<Node>),
    Object(IndexMap<String, Node>),
}

impl Node {
    /// Returns what is wrong with the object, if `error` is about a key that occurs twice.
    pub(crate) fn problem(error: &serde_json::Error) -> Option<String> {
        let text = error.to_string();
        let end = text.rfind(TWICE)? + TWICE.len();
        Some(text[..end].to_owned())
    }

    pub(crate) fn object(fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let fields = fields.into_iter();
        Self::Object(fields.map(|(key, value)| (key.to_owned(), value)).collect())
    }

    pub(crate) fn string(text: &str) -> Self {
        Self::String(text.to_owned())
    }

    /// Returns the value of a key, if this is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(key),
            _ => None,
        }
    }

    /// Returns the value at a pointer.
    pub(crate) fn at(&self, pointer: &Pointer) -> Option<&Self> {
        pointer
            .segments()
            .try_fold(self, |node, segment| match node {
                Self::Object(fields) => fields.get(segment),
                Self::List(items) => items.get(segment.parse::<usize>().ok()?),
                _ => None,
            })
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&IndexMap<String, Self>> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// Returns the entries of an object, none for anything else.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let fields = self.as_object().into_iter().flatten();
        fields.map(|(key, value)| (key.as_str(), value))
    }

    /// Returns the items of a list, none for anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    pub(crate) fn to_value(&self) -> Value {
        // It is valid, but a number may be out of the range of a `Value`.
        serde_json::from_str(&self.to_string()).unwrap_or(Value::Null)
    }
}

/// Writes JSON.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => f.write_str(number),
            Self::String(text) => write!(f, "{}", Value::from(text.as_str())),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Self::Object(fields) => {
                f.write_str("{")?;
                for (index, (key, value)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{value}", Value::from(key.as_str()))?;
                }
                f.write_str("}")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Node, M::Error> {
        let mut fields = IndexMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value::<Node>()?;
            match value {
                Node::String(number) if key == NUMBER => return Ok(Node::Number(number)),
                _ => {}
            }
            if fields.contains_key(&key) {
                return Err(M::Error::custom(format!("`{key}` {TWICE}")));
            }
            fields.insert(key, value);
        }
        Ok(Node::Object(fields))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Node, S::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Number(Value::from(number).to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::string(text))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
}
