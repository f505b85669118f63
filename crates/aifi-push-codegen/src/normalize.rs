//! Brings an ordinary document, of OpenAPI 3.0 or 3.1, into the small part of OpenAPI 3.0 that the
//! passes after it support:
//!
//! - A named schema is an object, an extensible enum or a union; its name is that of its type.
//! - A value is any JSON, a text, a number, a boolean, a list or map of values, or `allOf` with one
//!   reference to a named schema. It is nullable or not.
//! - An operation has a body with a reference, and one response of success.
//!
//! What can't be brought into it is a problem, reported where the document says it.

mod about;
mod all_of;
mod alternatives;
mod keywords;
mod operations;
mod place;
mod place_names;
mod shape;
mod types;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use openapiv3::Schema;

use crate::{error::Problem, node::Node, pointer::Pointer};

/// A document in the supported part of OpenAPI 3.0.
pub(crate) struct Normalized {
    /// The document without schemas.
    pub(crate) document: Node,
    /// A schema for each type.
    pub(crate) types: IndexMap<String, Schema>,
    pub(crate) problems: Vec<Problem>,
}

pub(crate) fn normalize(root: &Node) -> Normalized {
    let mut normalizer = Normalizer {
        root,
        names: HashMap::new(),
        types: IndexMap::new(),
        merged: HashMap::new(),
        missing: Vec::new(),
        bases: HashSet::new(),
        problems: Vec::new(),
        resolving: Vec::new(),
        inside: Vec::new(),
        depth: 0,
    };
    normalizer.named_schemas();
    let document = normalizer.operations();
    normalizer.missing_properties();
    Normalized {
        document,
        types: normalizer.types,
        problems: normalizer.problems,
    }
}

struct Normalizer<'a> {
    root: &'a Node,
    /// The name of each type, by where its schema is.
    names: HashMap<Pointer, String>,
    types: IndexMap<String, Schema>,
    /// Where each merged schema is, by its definitions.
    merged: HashMap<String, Pointer>,
    /// Required properties that a schema does not have.
    missing: Vec<(Pointer, String)>,
    /// The schemas that others are merged of.
    bases: HashSet<Pointer>,
    problems: Vec<Problem>,
    /// The schemas that are being followed.
    resolving: Vec<Pointer>,
    /// The lists and maps that a value is inside of.
    inside: Vec<Pointer>,
    /// How many types are being defined, each for another.
    depth: usize,
}

impl Normalizer<'_> {
    /// Reports required properties that are nowhere. Of a schema that others are merged of, each of
    /// them may define its own.
    fn missing_properties(&mut self) {
        for (home, name) in std::mem::take(&mut self.missing) {
            if !self.bases.contains(&home) {
                let message = format!("`{name}` is required but not a property: add the property");
                self.problem(&home.join("required"), message);
            }
        }
    }

    /// Reports a problem, once.
    fn problem(&mut self, pointer: &Pointer, message: impl Into<String>) {
        // A merged schema is in several places.
        let mut ancestors = pointer.ancestors();
        let written = ancestors.find(|pointer| self.root.at(pointer).is_some());
        let problem = Problem {
            pointer: written.unwrap_or_else(Pointer::root).to_string(),
            message: message.into(),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}
