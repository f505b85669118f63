//! Rules for operations: one JSON body, one type of response, a bearer token.

use std::collections::HashSet;

use heck::ToSnakeCase;
use openapiv3::{
    MediaType, OpenAPI, Operation, ReferenceOr, RequestBody, Response, Schema, SecurityScheme,
    StatusCode,
};

use super::{Problems, names, schemas};
use crate::{
    document::{Document, object},
    pointer::Pointer,
};

const JSON: &str = "application/json";

pub(super) fn check(document: &Document, problems: &mut Problems) {
    let mut ids = HashSet::new();
    let mut bodies = HashSet::new();
    let mut segments = HashSet::new();
    let paths = Pointer::root().join("paths");
    for (path, item) in document.api.paths.iter() {
        let pointer = paths.join(path);
        let ReferenceOr::Item(item) = item else {
            problems.add(&pointer, "unsupported reference: write the path out here");
            continue;
        };
        if !item.parameters.is_empty() || path.contains('{') {
            problems.add(
                &pointer,
                "parameters are not supported: send everything in the body",
            );
        }
        if path.split('/').skip(1).any(|segment| !is_plain(segment)) && !path.contains('{') {
            problems.add(
                &pointer,
                "invalid path: expected segments of letters, digits, `-`, `_`, `.` and `~`",
            );
        }
        let segment = path.rsplit('/').next().unwrap_or_default();
        if segment.is_empty() || !segments.insert(segment) {
            problems.add(
                &pointer,
                "the last segment of a path must be unique: a receiver identifies the operation by it",
            );
        }
        for (method, operation) in item.iter() {
            let pointer = pointer.join(method);
            check_id(operation, &mut ids, &pointer, problems);
            check_request(document, operation, &mut bodies, &pointer, problems);
            check_responses(document, operation, &pointer, problems);
            check_security(&document.api, operation, &pointer, problems);
        }
    }
}

/// Returns `true` if a segment means itself in every router, and in every URL.
fn is_plain(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    segment.bytes().all(is_plain) && !matches!(segment, "." | "..")
}

fn check_id<'a>(
    operation: &'a Operation,
    ids: &mut HashSet<&'a str>,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    let Some(id) = &operation.operation_id else {
        problems.add(
            pointer,
            "missing operationId: add one, it names the client's method",
        );
        return;
    };
    let pointer = pointer.join("operationId");
    if id.to_snake_case() != *id || syn::parse_str::<syn::Ident>(id).is_err() {
        problems.add(
            &pointer,
            format!(
                "invalid operationId `{id}`: expected snake case, such as `{}`",
                id.to_snake_case()
            ),
        );
    }
    if names::is_taken_operation(id) {
        problems.add(
            &pointer,
            format!("`{id}` is the name of something else in the source: choose another"),
        );
    }
    if !ids.insert(id) {
        problems.add(
            &pointer,
            format!("duplicate operationId `{id}`: choose another"),
        );
    }
}

fn check_request<'a>(
    document: &Document,
    operation: &'a Operation,
    bodies: &mut HashSet<&'a str>,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    if !operation.parameters.is_empty() {
        problems.add(
            &pointer.join("parameters"),
            "parameters are not supported: send everything in the body",
        );
    }
    let pointer = pointer.join("requestBody");
    let body = operation
        .request_body
        .as_ref()
        .and_then(ReferenceOr::as_item);
    let Some(schema) = body.and_then(|body| named_object(document, body)) else {
        problems.add(
            &pointer,
            format!(
                "unsupported body: expected one written here, `required: true`, of the only type \
                 `{JSON}`, with a `$ref` to an object of /components/schemas that is not nullable"
            ),
        );
        return;
    };
    if !bodies.insert(schema) {
        problems.add(
            &pointer.join("content").join(JSON).join("schema"),
            format!(
                "`{schema}` is already the body of another operation: use another schema, as a \
                 consumer identifies the operation by the type"
            ),
        );
    }
}

/// Returns the reference of a supported body.
fn named_object<'a>(document: &Document, body: &'a RequestBody) -> Option<&'a str> {
    let [(JSON, media)] = media_types(&body.content)[..] else {
        return None;
    };
    let ReferenceOr::Reference { reference } = media.schema.as_ref()? else {
        return None;
    };
    let schema = document.schema(reference)?;
    let is_object = object(schema).is_some() && !schema.schema_data.nullable;
    (body.required && is_object).then_some(reference)
}

fn media_types(content: &openapiv3::Content) -> Vec<(&str, &MediaType)> {
    content
        .iter()
        .map(|(name, media)| (name.as_str(), media))
        .collect()
}

/// Progenitor panics if the success responses of an operation have several types, or its errors.
fn check_responses(
    document: &Document,
    operation: &Operation,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    let pointer = pointer.join("responses");
    let mut successes = OneType::new("success");
    let mut errors = OneType::new("error");
    for (status, response) in &operation.responses.responses {
        let side = match status {
            StatusCode::Code(200..=299) | StatusCode::Range(2) => &mut successes,
            StatusCode::Code(400..=599) | StatusCode::Range(4 | 5) => &mut errors,
            StatusCode::Code(_) | StatusCode::Range(_) => {
                problems.add(
                    &pointer.join(&status.to_string()),
                    "unsupported status: expected 2xx, 4xx, 5xx or `default`",
                );
                continue;
            }
        };
        let pointer = pointer.join(&status.to_string());
        if let Some(body) = response_body(document, response, &pointer, problems) {
            side.add(body, &pointer, problems);
        }
    }
    if let Some(response) = &operation.responses.default {
        let pointer = pointer.join("default");
        if let Some(body) = response_body(document, response, &pointer, problems) {
            errors.add(body, &pointer, problems);
        }
    }
    if !operation
        .responses
        .responses
        .contains_key(&StatusCode::Range(2))
    {
        problems.add(
            &pointer,
            "missing `2XX`: add it, as the client treats any 2xx as success",
        );
    }
}

/// The schema of a response; `None` if it has no body.
type Body<'a> = Option<&'a ReferenceOr<Schema>>;

struct OneType<'a> {
    side: &'static str,
    first: Option<Body<'a>>,
}

impl<'a> OneType<'a> {
    fn new(side: &'static str) -> Self {
        Self { side, first: None }
    }

    fn add(&mut self, body: Body<'a>, pointer: &Pointer, problems: &mut Problems) {
        match self.first {
            None => self.first = Some(body),
            Some(first) if first == body => {}
            Some(_) => problems.add(
                pointer,
                format!(
                    "a second type of {} response (no body counts as a type): use the same schema \
                     for all",
                    self.side
                ),
            ),
        }
    }
}

/// The outer `None` is for an unsupported response, which is then reported.
fn response_body<'a>(
    document: &'a Document,
    response: &'a ReferenceOr<Response>,
    pointer: &Pointer,
    problems: &mut Problems,
) -> Option<Body<'a>> {
    let Some(response) = document.response(response) else {
        problems.add(pointer, "unresolved reference");
        return None;
    };
    match &media_types(&response.content)[..] {
        [] => Some(None),
        [
            (
                JSON,
                MediaType {
                    schema: Some(schema),
                    ..
                },
            ),
        ] => {
            let pointer = pointer.join("content").join(JSON).join("schema");
            schemas::check_use(document, schema, &pointer, problems);
            Some(Some(schema))
        }
        _ => {
            problems.add(
                &pointer.join("content"),
                format!("unsupported content: expected `{JSON}` with a schema, or none"),
            );
            None
        }
    }
}

/// The client sends one bearer token with every call, so the document must require just that.
fn check_security(
    api: &OpenAPI,
    operation: &Operation,
    pointer: &Pointer,
    problems: &mut Problems,
) {
    let required = operation.security.as_ref().or(api.security.as_ref());
    let is_bearer = |name: &String| {
        let schemes = api.components.as_ref().map(|c| &c.security_schemes);
        let scheme = schemes.and_then(|schemes| schemes.get(name)?.as_item());
        matches!(scheme, Some(SecurityScheme::HTTP { scheme, .. }) if scheme.eq_ignore_ascii_case("bearer"))
    };
    let only_bearer = match required.map(Vec::as_slice) {
        Some([requirement]) => requirement.len() == 1 && requirement.keys().all(is_bearer),
        _ => false,
    };
    if !only_bearer {
        problems.add(
            &pointer.join("security"),
            "unsupported security: expected one scheme of type `http`, scheme `bearer`, here or for \
             the whole document",
        );
    }
}
