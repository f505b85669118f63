//! A schema of the document with the place where it is.

use std::borrow::Cow;

use crate::{node::Node, pointer::Pointer};

/// A schema, and where it is in the document.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub(super) node: Cow<'a, Node>,
    pub(super) pointer: Pointer,
}

impl<'a> Place<'a> {
    pub(super) fn new(node: &'a Node, pointer: Pointer) -> Self {
        Self {
            node: Cow::Borrowed(node),
            pointer,
        }
    }

    /// A schema that is not written in the document but follows from it.
    pub(super) fn derived(node: Node, pointer: Pointer) -> Self {
        Self {
            node: Cow::Owned(node),
            pointer,
        }
    }

    /// Returns the value of a keyword.
    pub(super) fn get(&self, keyword: &str) -> Option<&Node> {
        self.node.get(keyword)
    }

    /// Returns the schema below a keyword.
    pub(super) fn child(&self, keyword: &str) -> Option<Self> {
        let pointer = self.pointer.join(keyword);
        self.select(pointer, |node| node.get(keyword))
    }

    /// Returns the schemas in the list below a keyword.
    pub(super) fn children(&self, keyword: &str) -> Vec<Self> {
        let pointer = self.pointer.join(keyword);
        let count = self.get(keyword).map_or(0, |node| node.items().len());
        let child = |index: usize| {
            self.select(pointer.join(&index.to_string()), |node| {
                node.get(keyword)?.items().get(index)
            })
        };
        (0..count).filter_map(child).collect()
    }

    /// Returns the schema of a property.
    pub(super) fn property(&self, name: &str) -> Option<Self> {
        let pointer = self.pointer.join("properties").join(name);
        self.select(pointer, |node| node.get("properties")?.get(name))
    }

    fn select(&self, pointer: Pointer, select: impl Fn(&Node) -> Option<&Node>) -> Option<Self> {
        let node = match &self.node {
            Cow::Borrowed(node) => Cow::Borrowed(select(node)?),
            Cow::Owned(node) => Cow::Owned(select(node)?.clone()),
        };
        Some(Self { node, pointer })
    }
}
