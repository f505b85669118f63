//! `allOf`, and a reference with siblings: one schema that says what each of its members says.

use indexmap::IndexMap;

use super::{
    Normalizer,
    keywords::{LIMITS, STRUCTURE},
    place::Place,
    shape::{ITSELF, is_named},
};
use crate::{document::SENSITIVE, node::Node, pointer::Pointer};

/// Merges a schema with the schemas that it refers to.
pub(super) fn merge<'a>(normalizer: &mut Normalizer<'a>, place: &Place<'a>) -> Option<Place<'a>> {
    let mut merged = Merged::default();
    merged.add(normalizer, place, Role::Own)?;
    let node = merged.into_node();
    Some(Place::derived(node, place.pointer.clone()))
}

/// How a member is written.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// The schema itself.
    Own,
    /// A member that is written in it.
    Inline,
    /// A schema that has documentation of its own.
    Named,
}

#[derive(Default)]
struct Merged {
    keywords: IndexMap<String, (Node, Pointer)>,
    /// Where each property is defined.
    properties: IndexMap<String, Vec<Pointer>>,
    required: Vec<Node>,
    /// The schemas that are being added.
    merging: Vec<Pointer>,
    /// Those of them that are complete.
    merged: Vec<(Pointer, Role)>,
}

impl Merged {
    fn add<'a>(
        &mut self,
        normalizer: &mut Normalizer<'a>,
        place: &Place<'a>,
        role: Role,
    ) -> Option<()> {
        let keywords: Vec<String> = place
            .node
            .entries()
            .map(|(key, _)| key.to_owned())
            .collect();
        for keyword in keywords {
            let value = place.get(&keyword)?.clone();
            match keyword.as_str() {
                "$ref" => {
                    let target = normalizer.follow(place, &value)?;
                    let role = match is_named(&target.pointer) {
                        true => Role::Named,
                        false => role,
                    };
                    if self.merging.contains(&target.pointer) {
                        normalizer.problem(&target.pointer, ITSELF);
                        return None;
                    }
                    let member = (target.pointer.clone(), role);
                    if !self.merged.contains(&member) {
                        normalizer.bases.insert(target.pointer.clone());
                        self.merging.push(target.pointer.clone());
                        self.add_member(normalizer, &target, role)?;
                        self.merging.pop();
                        self.merged.push(member);
                    }
                }
                "allOf" => {
                    let role = if role == Role::Own {
                        Role::Inline
                    } else {
                        role
                    };
                    for member in place.children("allOf") {
                        self.add_member(normalizer, &member, role)?;
                    }
                }
                "properties" => {
                    for (name, _) in value.entries() {
                        let pointer = place.pointer.join("properties").join(name);
                        let places = self.properties.entry(name.to_owned()).or_default();
                        if !places.contains(&pointer) {
                            places.push(pointer);
                        }
                    }
                }
                "required" => self.required.extend(value.items().iter().cloned()),
                // It is one of the alternatives, and not all of them.
                "oneOf" | "anyOf" | "discriminator"
                    if role == Role::Named && place.get("discriminator").is_some() => {}
                keyword if STRUCTURE.contains(&keyword) => {
                    self.add_structure(normalizer, keyword, value, place.pointer.join(keyword))?;
                }
                keyword => self.add_annotation(keyword, value, &place.pointer, role),
            }
        }
        Some(())
    }

    fn add_member<'a>(
        &mut self,
        normalizer: &mut Normalizer<'a>,
        member: &Place<'a>,
        role: Role,
    ) -> Option<()> {
        match &*member.node {
            Node::Object(_) => normalizer.check_keywords(member)?,
            Node::Bool(true) => return Some(()),
            _ => {
                normalizer.problem(&member.pointer, "invalid schema: expected an object");
                return None;
            }
        }
        self.add(normalizer, member, role)
    }

    fn add_structure(
        &mut self,
        normalizer: &mut Normalizer<'_>,
        keyword: &str,
        value: Node,
        pointer: Pointer,
    ) -> Option<()> {
        let Some((other, at)) = self.keywords.get_mut(keyword) else {
            self.keywords.insert(keyword.to_owned(), (value, pointer));
            return Some(());
        };
        match combine(keyword, other, &value) {
            Some(both) => {
                *other = both;
                Some(())
            }
            None => {
                let message = format!(
                    "`{keyword}` differs from the one at `{at}`: schemas are merged if they agree, so \
                     make them equal or remove one"
                );
                normalizer.problem(&pointer, message);
                None
            }
        }
    }

    fn add_annotation(&mut self, keyword: &str, value: Node, pointer: &Pointer, role: Role) {
        let is_limit = LIMITS.contains(&keyword);
        let counts = match role {
            Role::Own => true,
            Role::Inline => is_limit || !self.keywords.contains_key(keyword),
            Role::Named => is_limit || keyword == "nullable" || keyword == SENSITIVE,
        };
        if counts {
            let pointer = pointer.join(keyword);
            self.keywords.insert(keyword.to_owned(), (value, pointer));
        }
    }

    fn into_node(self) -> Node {
        let keywords = self.keywords.into_iter();
        let keywords = keywords.map(|(keyword, (value, pointer))| {
            let is_schema = matches!(keyword.as_str(), "items" | "additionalProperties");
            match value {
                // What is written elsewhere stays there, for its name and for messages.
                Node::Object(_) if is_schema => (keyword, all_of(&[pointer])),
                value => (keyword, value),
            }
        });
        let mut fields: IndexMap<String, Node> = keywords.collect();
        if !self.properties.is_empty() {
            let properties = self.properties.into_iter();
            let properties = properties.map(|(name, places)| (name, all_of(&places)));
            fields.insert("properties".to_owned(), Node::Object(properties.collect()));
        }
        if !self.required.is_empty() {
            fields.insert("required".to_owned(), Node::List(self.required));
        }
        Node::Object(fields)
    }
}

/// Returns a schema that refers to all places.
fn all_of(places: &[Pointer]) -> Node {
    let reference = |place: &Pointer| Node::object([("$ref", Node::String(place.to_string()))]);
    match places {
        [place] => reference(place),
        places => Node::object([("allOf", Node::List(places.iter().map(reference).collect()))]),
    }
}

/// Returns what follows from two values of a keyword that both hold, if anything does.
fn combine(keyword: &str, a: &Node, b: &Node) -> Option<Node> {
    if a == b {
        return Some(a.clone());
    }
    match (keyword, a, b) {
        // Integers are numbers.
        ("type", Node::String(a), Node::String(b)) => match (a.as_str(), b.as_str()) {
            ("integer", "number") | ("number", "integer") => Some(Node::string("integer")),
            _ => None,
        },
        ("type", _, _) => {
            let b = types(b);
            let both: Vec<Node> = types(a)
                .into_iter()
                .filter(|name| b.contains(name))
                .collect();
            (!both.is_empty()).then_some(Node::List(both))
        }
        ("enum", Node::List(a), Node::List(b)) => {
            let both: Vec<Node> = a
                .iter()
                .filter(|value| b.contains(value))
                .cloned()
                .collect();
            (!both.is_empty()).then_some(Node::List(both))
        }
        // Unknown fields are kept whatever their types.
        ("additionalProperties", _, Node::Bool(_)) => Some(a.clone()),
        ("additionalProperties", Node::Bool(_), _) => Some(b.clone()),
        _ => None,
    }
}

fn types(node: &Node) -> Vec<Node> {
    match node {
        Node::List(names) => names.clone(),
        name => vec![name.clone()],
    }
}
