//! Operations with a body that has a name, and one response of success.

use indexmap::IndexMap;

use super::{
    Normalizer,
    place::Place,
    shape::{Shape, is_named},
};
use crate::{
    document::reference_to, names::operation_name, node::Node, pointer::Pointer, webhooks::ANSWER,
};

const JSON: &str = "application/json";

const METHODS: [&str; 8] = [
    "delete", "get", "head", "options", "patch", "post", "put", "trace",
];

impl<'a> Normalizer<'a> {
    /// Returns the document with its operations, and without what the passes need not know.
    pub(super) fn operations(&mut self) -> Node {
        let mut document = self.root.clone();
        let Node::Object(fields) = &mut document else {
            return document;
        };
        fields.insert("openapi".to_owned(), Node::string("3.0.3"));
        // Newer versions write more in them.
        fields.retain(|key, _| !matches!(key.as_str(), "externalDocs" | "webhooks"));
        if let Some(Node::Object(info)) = fields.get_mut("info") {
            info.retain(|key, _| !matches!(key.as_str(), "license" | "summary"));
            // In YAML, `1.0` is a number.
            if let Some(version) = info.get_mut("version")
                && let Node::Number(number) = version
            {
                *version = Node::string(number);
            }
        }
        if let Some(components) = fields.get_mut("components") {
            *components = security_schemes(components);
        }
        if self.root.get("webhooks").is_some() {
            self.problem(
                &Pointer::root().join("webhooks"),
                "unsupported webhooks: write each as an operation below `paths`, whose path a \
                 receiver can serve",
            );
        }
        let mut bodies = IndexMap::new();
        let pointer = Pointer::root().join("paths");
        if self.root.get("webhooks").is_some() {
            fields.entry("paths".to_owned()).or_insert(Node::object([]));
        }
        let Some(Node::Object(paths)) = fields.get_mut("paths") else {
            return document;
        };
        for (path, item) in paths {
            let Node::Object(item) = item else { continue };
            for (method, operation) in item {
                let pointer = pointer.join(path).join(method);
                match operation {
                    Node::Object(operation) if METHODS.contains(&method.as_str()) => {
                        self.operation(operation, &pointer, &mut bodies);
                    }
                    Node::List(parameters) if method == "parameters" => hide(parameters),
                    _ => {}
                }
            }
        }
        document
    }

    fn operation(
        &mut self,
        operation: &mut IndexMap<String, Node>,
        pointer: &Pointer,
        bodies: &mut IndexMap<String, Pointer>,
    ) {
        if let Some(Node::String(id)) = operation.get_mut("operationId") {
            *id = operation_name(id);
        }
        if let Some(Node::List(parameters)) = operation.get_mut("parameters") {
            hide(parameters);
        }
        if operation.shift_remove("callbacks").is_some() {
            self.problem(
                &pointer.join("callbacks"),
                "unsupported callbacks: write each as an operation below `paths`",
            );
        }
        operation.shift_remove("requestBody");
        if let Some(body) = self.body(pointer, bodies) {
            operation.insert("requestBody".to_owned(), body);
        }
        let is_question = operation.get(ANSWER).and_then(Node::as_str) == Some("used");
        let success = self.responses(pointer, is_question);
        operation.insert("responses".to_owned(), success);
    }

    fn body(
        &mut self,
        operation: &Pointer,
        bodies: &mut IndexMap<String, Pointer>,
    ) -> Option<Node> {
        let pointer = operation.join("requestBody");
        let body = self
            .root
            .at(&pointer)
            .map(|body| Place::new(body, pointer.clone()));
        let Some(body) = body else {
            self.problem(
                operation,
                "missing body: an operation sends an event, so it has a `requestBody`",
            );
            return None;
        };
        let body = self.target(body)?;
        let Some(media) = json(&body) else {
            self.problem(
                &body.pointer,
                format!("unsupported body: expected one of the type `{JSON}` with a schema"),
            );
            return None;
        };
        let Some(schema) = media.child("schema") else {
            self.problem(
                &media.pointer,
                "missing schema: write that of an object, it names the type of the body",
            );
            return None;
        };
        let mut resolved = self.resolve(&schema)?;
        // The fields of a map are unknown, and kept.
        let is_object = matches!(
            resolved.shape,
            Shape::Struct(_) | Shape::Tagged(_) | Shape::Map(_)
        );
        if !is_object || resolved.about.nullable {
            self.problem(
                &schema.pointer,
                "unsupported body: expected an object that is not nullable",
            );
            return None;
        }
        // Two schemas may be the same one by another name each.
        if let Some(pointer) = self.wrapper(&schema) {
            resolved.home = pointer;
        }
        let name = self.type_of(&resolved);
        if bodies
            .insert(name.clone(), schema.pointer.clone())
            .is_some()
        {
            self.problem(
                &schema.pointer,
                format!(
                    "`{name}` is already the body of another operation: use another schema, as a \
                     consumer identifies the operation by the type"
                ),
            );
        }
        let mut content = media.node.into_owned();
        if let Node::Object(content) = &mut content {
            content.retain(|key, _| key == "example" || key == "examples");
            if content.is_empty()
                && let Some(example) = self.example(&schema)
            {
                content.insert("example".to_owned(), example);
            }
            if let Some(Node::Object(examples)) = content.get_mut("examples") {
                for example in examples.values_mut() {
                    self.follow_example(example);
                }
            }
            let reference = Node::String(reference_to(&name));
            let reference = Node::object([("$ref", reference)]);
            content.insert("schema".to_owned(), reference);
        }
        Some(Node::object([
            ("required", Node::Bool(true)),
            ("content", Node::object([(JSON, content)])),
        ]))
    }

    /// Returns where a named schema is that is nothing but `allOf` another one, if a body is such.
    fn wrapper(&self, body: &Place<'a>) -> Option<Pointer> {
        let reference = body.get("$ref").and_then(Node::as_str)?;
        let pointer = Pointer::parse(reference).filter(is_named)?;
        self.root.at(&pointer)?.get("allOf")?;
        Some(pointer)
    }

    /// Returns the example that a schema has itself, or the schema that it refers to.
    fn example(&mut self, schema: &Place<'a>) -> Option<Node> {
        let target = match schema.get("$ref").cloned() {
            Some(reference) => self.follow(schema, &reference)?,
            None => schema.clone(),
        };
        let examples = target.get("examples").map_or(&[][..], Node::items);
        target.get("example").or(examples.first()).cloned()
    }

    fn follow_example(&self, example: &mut Node) {
        let reference = example.get("$ref").and_then(Node::as_str);
        let target = reference.and_then(Pointer::parse);
        if let Some(target) = target.and_then(|pointer| self.root.at(&pointer)) {
            *example = target.clone();
        }
    }

    /// Returns what a reference to a body or a response refers to.
    fn target(&mut self, mut place: Place<'a>) -> Option<Place<'a>> {
        /// More than any chain of references.
        const MAX_HOPS: usize = 8;
        for _ in 0..MAX_HOPS {
            let Some(reference) = place.get("$ref").cloned() else {
                return Some(place);
            };
            let target = reference
                .as_str()
                .and_then(Pointer::parse)
                .and_then(|pointer| Some(Place::new(self.root.at(&pointer)?, pointer)));
            let Some(target) = target else {
                self.problem(&place.pointer, "unresolved reference");
                return None;
            };
            place = target;
        }
        self.problem(&place.pointer, "unresolved reference");
        None
    }

    /// Returns the responses with one of success, which says what the client returns: the only type
    /// of the document, or any JSON if there are several, or none for a question.
    fn responses(&mut self, operation: &Pointer, is_question: bool) -> Node {
        let pointer = operation.join("responses");
        let responses = self.root.at(&pointer).and_then(Node::as_object);
        let mut bodies: Vec<Node> = Vec::new();
        let has_success = responses
            .into_iter()
            .flatten()
            .any(|(status, _)| status.starts_with('2'));
        for (status, response) in responses.into_iter().flatten() {
            if status.starts_with("x-") {
                continue;
            }
            let place = Place::new(response, pointer.join(status));
            let Some(schema) = self.target(place).and_then(|place| self.response(&place)) else {
                continue;
            };
            let is_success = status.starts_with('2') || status == "default" && !has_success;
            if is_success && !bodies.contains(&schema) {
                bodies.push(schema);
            }
        }
        if is_question && bodies.is_empty() {
            bodies.push(Node::object([]));
        }
        let mut response = IndexMap::from([("description".to_owned(), Node::string(""))]);
        if let Some(body) = bodies.pop() {
            let schema = if bodies.is_empty() {
                body
            } else {
                Node::object([])
            };
            let content = Node::object([(JSON, Node::object([("schema", schema)]))]);
            response.insert("content".to_owned(), content);
        }
        Node::Object(IndexMap::from([("2XX".to_owned(), Node::Object(response))]))
    }

    /// Returns the schema of a response, if it has one.
    fn response(&mut self, response: &Place<'a>) -> Option<Node> {
        let Some(schema) = json(response)?.child("schema") else {
            return Some(Node::object([]));
        };
        let resolved = self.resolve(&schema)?;
        let mut value = self.value(&resolved);
        value.schema_data = openapiv3::SchemaData {
            nullable: value.schema_data.nullable,
            ..openapiv3::SchemaData::default()
        };
        let text = serde_json::to_string(&value).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// Returns the JSON of a body or a response, whatever else it may be: that of `application/json`
/// before that of a type such as `application/vnd.shop+json`.
fn json<'a>(place: &Place<'a>) -> Option<Place<'a>> {
    let content = place.child("content")?;
    let essence = |name: &str| {
        let essence = name.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    };
    let names = || content.node.entries().map(|(name, _)| name);
    let name = names()
        .find(|name| essence(name) == JSON)
        .or_else(|| names().find(|name| essence(name).ends_with("+json")))?;
    let name = name.to_owned();
    content.child(&name)
}

/// Returns the components without schemas and what is only referred to.
fn security_schemes(components: &Node) -> Node {
    let known = ["apiKey", "http", "oauth2", "openIdConnect"];
    let schemes = components.get("securitySchemes").into_iter();
    let schemes = schemes.flat_map(Node::entries).filter(|(_, scheme)| {
        let kind = scheme.get("type").and_then(Node::as_str);
        kind.is_some_and(|kind| known.contains(&kind))
    });
    let schemes = schemes.map(|(name, scheme)| (name.to_owned(), scheme.clone()));
    Node::object([("securitySchemes", Node::Object(schemes.collect()))])
}

/// Parameters are not supported, so the parser need not understand them.
fn hide(parameters: &mut [Node]) {
    for parameter in parameters {
        *parameter = Node::object([("$ref", Node::string("#/components/parameters/_"))]);
    }
}
