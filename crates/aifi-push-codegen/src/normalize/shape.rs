//! What a schema describes: one of a few shapes, whatever it is written with.

use std::borrow::Cow;

use indexmap::{IndexMap, IndexSet};

use super::{
    Normalizer,
    about::About,
    all_of, alternatives,
    keywords::{self, REFERENCES, STRUCTURE},
    place::Place,
};
use crate::{document::EXTENSIBLE_ENUM, node::Node, pointer::Pointer};

pub(super) const ITSELF: &str = "the schema refers to nothing but itself: write what it is";

/// What a schema describes.
#[derive(Clone, Debug)]
pub(super) enum Shape<'a> {
    Any,
    Null,
    /// With its format.
    Text(Option<String>),
    DateTime,
    Integer,
    /// An integer up to the largest of 64 bits without a sign.
    Unsigned,
    Number,
    Boolean,
    List(Option<Place<'a>>),
    Map(Option<Place<'a>>),
    Struct(Object<'a>),
    Enum(Vec<String>),
    /// One of several objects, by the text of a property.
    Tagged(Tagged<'a>),
    /// One of several that differ in the type of JSON.
    Union(Vec<Resolved<'a>>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Object<'a> {
    pub(super) properties: IndexMap<String, Place<'a>>,
    pub(super) required: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Tagged<'a> {
    pub(super) property: String,
    /// The schema for each text of the property.
    pub(super) cases: IndexMap<String, Place<'a>>,
}

/// A schema whose references are resolved.
#[derive(Clone, Debug)]
pub(super) struct Resolved<'a> {
    pub(super) shape: Shape<'a>,
    pub(super) about: About,
    /// Where the shape is written, which names its type.
    pub(super) home: Pointer,
}

impl Resolved<'_> {
    /// Returns `true` if the shape has a type of its own.
    pub(super) fn is_type(&self) -> bool {
        matches!(
            self.shape,
            Shape::Struct(_) | Shape::Enum(_) | Shape::Tagged(_) | Shape::Union(_)
        )
    }
}

impl<'a> Normalizer<'a> {
    /// Returns what a schema describes; `None` if that is a problem, which is then reported.
    pub(super) fn resolve(&mut self, place: &Place<'a>) -> Option<Resolved<'a>> {
        match &*place.node {
            Node::Bool(true) => return Some(resolved(place, Shape::Any)),
            Node::Object(_) => {}
            Node::Bool(false) => {
                self.problem(
                    &place.pointer,
                    "`false` accepts no value: leave it out, or write `{}` for any JSON",
                );
                return None;
            }
            _ => {
                self.problem(&place.pointer, "invalid schema: expected an object");
                return None;
            }
        }
        self.resolve_object(place)
    }

    /// Resolves the target of a reference, unless it is being resolved already.
    pub(super) fn resolve_target(&mut self, target: &Place<'a>) -> Option<Resolved<'a>> {
        if self.resolving.contains(&target.pointer) {
            self.problem(&target.pointer, ITSELF);
            return None;
        }
        self.resolving.push(target.pointer.clone());
        let resolved = self.resolve(target);
        self.resolving.pop();
        resolved
    }

    fn resolve_object(&mut self, place: &Place<'a>) -> Option<Resolved<'a>> {
        self.check_keywords(place)?;
        let mut members = Vec::new();
        if let Some(reference) = place.get("$ref") {
            members.push(self.follow(place, &reference.clone())?);
        }
        let (mut annotations, others): (Vec<_>, Vec<_>) =
            place.children("allOf").into_iter().partition(is_annotation);
        members.extend(others);
        if members.is_empty() {
            members = std::mem::take(&mut annotations);
        }
        let member = match &members[..] {
            [] => return self.resolve_own(place),
            [member] if !has_structure(place) => member,
            _ => {
                let merged = all_of::merge(self, place)?;
                let mut resolved = self.resolve_own(&merged)?;
                if resolved.home == place.pointer {
                    resolved.home = self.home_of_merged(place);
                }
                return Some(resolved);
            }
        };
        let mut resolved = match place.get("$ref") {
            Some(_) => self.resolve_target(member)?,
            None => self.resolve(member)?,
        };
        if is_named(&member.pointer) && resolved.is_type() {
            resolved.about = resolved.about.elsewhere();
        }
        if place.get("$ref").is_none() && resolved.home == member.pointer {
            resolved.home = place.pointer.clone();
        }
        for annotation in &annotations {
            self.check_keywords(annotation)?;
            resolved.about = resolved.about.with(About::of(annotation));
        }
        resolved.about = resolved.about.with(About::of(place));
        Some(resolved)
    }

    /// Returns where a merged schema is. What is merged of the same definitions is one type, or a
    /// schema that contains itself would have types without end.
    fn home_of_merged(&mut self, place: &Place<'a>) -> Pointer {
        let is_derived = matches!(place.node, Cow::Owned(_));
        let home = place.pointer.clone();
        match place.node.as_object() {
            Some(fields) if is_derived && fields.len() == 1 => {
                let definitions = place.node.to_string();
                self.merged.entry(definitions).or_insert(home).clone()
            }
            _ => home,
        }
    }

    /// Reports unknown keywords, and values of another kind than theirs; `None` if there are such
    /// values.
    pub(super) fn check_keywords(&mut self, place: &Place<'_>) -> Option<()> {
        let mut is_read = true;
        for (keyword, value) in place.node.entries() {
            let message = if !keywords::is_known(keyword) {
                let expected = match keywords::meant(keyword) {
                    Some(known) => format!("expected `{known}`"),
                    None => "remove it, or write it as an extension `x-…`".to_owned(),
                };
                format!("unknown keyword: {expected}")
            } else if let Some(expected) = keywords::expected(keyword, value) {
                is_read = false;
                format!("invalid value: expected {expected}")
            } else {
                continue;
            };
            self.problem(&place.pointer.join(keyword), message);
        }
        is_read.then_some(())
    }

    /// Returns the schema that a reference refers to.
    pub(super) fn follow(&mut self, place: &Place<'a>, reference: &Node) -> Option<Place<'a>> {
        let reference = reference.as_str().unwrap_or_default();
        let target = Pointer::parse(reference)
            .and_then(|pointer| Some(Place::new(self.root.at(&pointer)?, pointer)));
        if target.is_none() {
            let message = match reference.starts_with('#') {
                true => format!(
                    "unresolved reference `{reference}`: expected a schema of /components/schemas"
                ),
                false => format!(
                    "unsupported reference `{reference}`: bundle the documents into one, so that it \
                     refers to a schema of /components/schemas"
                ),
            };
            self.problem(&place.pointer, message);
        }
        target
    }

    /// Returns what a schema describes that refers to no other.
    fn resolve_own(&mut self, place: &Place<'a>) -> Option<Resolved<'a>> {
        let types = self.types(place)?;
        let properties = place
            .get("properties")
            .is_some_and(|node| *node != Node::object([]));
        let mut ignored = Vec::new();
        for key in ["oneOf", "anyOf"] {
            if place.get(key).is_none() {
                continue;
            }
            let is_value = matches!(&types.names[..], [name] if name != "object");
            // The schemas that a discriminator tells apart say more than what they have in common.
            let decides = !properties || place.get("discriminator").is_some();
            if decides && !is_value && place.get(EXTENSIBLE_ENUM).is_none() {
                let mut alternatives = alternatives::resolve(self, place, place.children(key))?;
                alternatives.about.nullable |= types.null;
                return Some(alternatives);
            }
            ignored.push(format!(
                "`{key}` in the document limits it, which decoding ignores."
            ));
        }
        let mut resolved = match &types.names[..] {
            [] => resolved(place, self.shape_without_type(place)?),
            [name] => resolved(place, self.shape_of_type(name, place)?),
            names => {
                let members = names.iter().map(|name| of_type(place, name)).collect();
                alternatives::resolve(self, place, members)?
            }
        };
        resolved.about.nullable |= types.null;
        resolved.about.notes.extend(ignored);
        note_values(place, &mut resolved);
        note_required(place, &mut resolved);
        Some(resolved)
    }

    /// Reads `type`, and whether null is one of the values.
    fn types(&mut self, place: &Place<'a>) -> Option<Types> {
        let mut names: Vec<String> = Vec::new();
        let listed = match place.get("type") {
            None => Vec::new(),
            Some(Node::List(types)) => types.clone(),
            Some(name) => vec![name.clone()],
        };
        for name in listed {
            const TYPES: [&str; 7] = [
                "array", "boolean", "integer", "null", "number", "object", "string",
            ];
            match name.as_str() {
                Some(name) if TYPES.contains(&name) => names.push(name.to_owned()),
                _ => {
                    let message = format!("invalid type: expected one of {}", TYPES.join(", "));
                    self.problem(&place.pointer.join("type"), message);
                    return None;
                }
            }
        }
        let mut null = names.iter().any(|name| name == "null");
        let only_null = null && names.len() == 1;
        names.retain(|name| name != "null" || only_null);
        null |= values(place).contains(&Node::Null);
        Some(Types { names, null })
    }

    fn shape_without_type(&mut self, place: &Place<'a>) -> Option<Shape<'a>> {
        let has = |keyword| place.get(keyword).is_some();
        let values = values(place);
        let mut known = values
            .iter()
            .filter(|value| **value != Node::Null)
            .peekable();
        if has(EXTENSIBLE_ENUM) {
            self.shape_of_type("string", place)
        } else if !values.is_empty() && known.peek().is_none() {
            Some(Shape::Null)
        } else if known.peek().is_some() && known.all(|value| value.as_str().is_some()) {
            self.shape_of_type("string", place)
        } else if !values.is_empty() {
            Some(shape_of_values(&values))
        } else if has("properties") || has("additionalProperties") || has("required") {
            self.shape_of_type("object", place)
        } else if has("items") {
            self.shape_of_type("array", place)
        } else {
            Some(Shape::Any)
        }
    }

    fn shape_of_type(&mut self, name: &str, place: &Place<'a>) -> Option<Shape<'a>> {
        if let Some(values) = place.get(EXTENSIBLE_ENUM) {
            return self
                .extensible_enum(place, name, &values.clone())
                .map(Shape::Enum);
        }
        let format = place.get("format").and_then(Node::as_str);
        Some(match name {
            "string" => match known_texts(place) {
                Some(texts) => Shape::Enum(texts),
                None if format == Some("date-time") => Shape::DateTime,
                None => Shape::Text(format.map(str::to_owned)),
            },
            "integer" if format == Some("uint64") => Shape::Unsigned,
            "integer" => Shape::Integer,
            "number" => Shape::Number,
            "boolean" => Shape::Boolean,
            "null" => Shape::Null,
            "array" => Shape::List(place.child("items")),
            _ => {
                let object = Self::object(place);
                match object.properties.is_empty() {
                    true => Shape::Map(
                        place
                            .child("additionalProperties")
                            .filter(|values| !matches!(*values.node, Node::Bool(_))),
                    ),
                    false => Shape::Struct(object),
                }
            }
        })
    }

    pub(super) fn object(place: &Place<'a>) -> Object<'a> {
        let properties = place.get("properties").into_iter();
        let properties = properties.flat_map(Node::entries);
        let properties =
            properties.filter_map(|(name, _)| Some((name.to_owned(), place.property(name)?)));
        let required = place.get("required").map_or(&[][..], Node::items);
        let required: IndexSet<&str> = required.iter().filter_map(Node::as_str).collect();
        Object {
            properties: properties.collect(),
            required: required.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Checks an extensible enum: who writes the extension decides which values have a variant.
    fn extensible_enum(
        &mut self,
        place: &Place<'a>,
        name: &str,
        values: &Node,
    ) -> Option<Vec<String>> {
        if name != "string"
            || ["enum", "const", "format"]
                .iter()
                .any(|key| place.get(key).is_some())
        {
            self.problem(
                &place.pointer,
                "an extensible enum is a plain `type: string`: remove `enum` and `format`",
            );
        }
        let pointer = place.pointer.join(EXTENSIBLE_ENUM);
        let texts: Vec<&str> = values.items().iter().filter_map(Node::as_str).collect();
        if !matches!(values, Node::List(items) if items.len() == texts.len()) {
            self.problem(&pointer, "invalid values: expected a list of strings");
            return None;
        }
        for (index, message) in crate::extensible_enums::problems(&texts) {
            self.problem(&pointer.join(&index.to_string()), message);
        }
        Some(texts.into_iter().map(str::to_owned).collect())
    }
}

struct Types {
    names: Vec<String>,
    null: bool,
}

/// Returns `true` if a pointer is that of a schema in `/components/schemas`.
pub(super) fn is_named(pointer: &Pointer) -> bool {
    let mut segments = pointer.segments();
    (segments.next(), segments.next()) == (Some("components"), Some("schemas"))
        && segments.count() == 1
}

pub(super) fn resolved<'a>(place: &Place<'a>, shape: Shape<'a>) -> Resolved<'a> {
    Resolved {
        shape,
        about: About::of(place),
        home: place.pointer.clone(),
    }
}

/// Returns `true` if the keywords beside a reference decide the type too.
fn has_structure(place: &Place<'_>) -> bool {
    place.node.entries().any(|(keyword, value)| {
        let says_object = keyword == "type" && value.as_str() == Some("object");
        STRUCTURE.contains(&keyword) && !says_object
    })
}

/// Returns `true` for a member of `allOf` that says nothing about the type.
fn is_annotation(member: &Place<'_>) -> bool {
    let mut keywords = member.node.entries().map(|(keyword, _)| keyword);
    member.node.as_object().is_some()
        && keywords.all(|key| !STRUCTURE.contains(&key) && !REFERENCES.contains(&key))
}

/// Returns the schema with one of its types.
fn of_type<'a>(place: &Place<'a>, name: &str) -> Place<'a> {
    let mut node = place.node.clone().into_owned();
    if let Node::Object(fields) = &mut node {
        fields.insert("type".to_owned(), Node::string(name));
        for key in ["description", "deprecated", "nullable"] {
            fields.shift_remove(key);
        }
        fields.retain(|key, _| !keywords::LIMITS.contains(&key.as_str()));
    }
    Place::derived(node, place.pointer.clone())
}

/// Returns what is of the same type as all values, but for null.
fn shape_of_values<'a>(values: &[Node]) -> Shape<'a> {
    let is = |fits: fn(&Node) -> bool| {
        let mut values = values.iter().filter(|value| **value != Node::Null);
        values.all(fits)
    };
    let is_integer = |value: &Node| match value {
        Node::Number(number) => number.parse::<i64>().is_ok(),
        _ => false,
    };
    if is(is_integer) {
        Shape::Integer
    } else if is(|value| matches!(value, Node::Number(_))) {
        Shape::Number
    } else if is(|value| matches!(value, Node::Bool(_))) {
        Shape::Boolean
    } else {
        Shape::Any
    }
}

/// Returns the values of `enum` or `const`.
fn values(place: &Place<'_>) -> Vec<Node> {
    match (place.get("enum"), place.get("const")) {
        (Some(values), _) => values.items().to_vec(),
        (None, Some(value)) => vec![value.clone()],
        (None, None) => Vec::new(),
    }
}

/// Returns the values but for null, if all of them are texts.
fn known_texts(place: &Place<'_>) -> Option<Vec<String>> {
    let values = values(place);
    let values = values.iter().filter(|value| **value != Node::Null);
    let mut known = Vec::new();
    for value in values {
        let text = value.as_str()?.to_owned();
        if !known.contains(&text) {
            known.push(text);
        }
    }
    Some(known).filter(|known| !known.is_empty())
}

/// Tells the required keys of a map.
fn note_required(place: &Place<'_>, resolved: &mut Resolved<'_>) {
    let required = place.get("required").map_or(&[][..], Node::items);
    if required.is_empty() || !matches!(resolved.shape, Shape::Map(_)) {
        return;
    }
    let keys = required.iter().filter_map(Node::as_str);
    let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
    resolved.about.notes.push(format!(
        "Required in the document, which decoding does not check: {}.",
        keys.join(", ")
    ));
}

/// Tells the values of a schema that has no enum for them.
fn note_values(place: &Place<'_>, resolved: &mut Resolved<'_>) {
    let values = values(place);
    if values.is_empty() || matches!(resolved.shape, Shape::Enum(_)) {
        return;
    }
    let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    let note = format!("Values in the document: {}.", values.join(", "));
    resolved.about.notes.push(note);
}
