//! Rules for operations: a path and an id of its own, no parameters, a bearer token.

use std::collections::HashSet;

use openapiv3::{OpenAPI, Operation, ReferenceOr, SecurityScheme};

use super::Problems;
use crate::{document::Document, names::is_ident, pointer::Pointer, taken, webhooks};

pub(super) fn check(document: &Document, problems: &mut Problems) {
    let mut ids = HashSet::new();
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
        let is_plain = path.split('/').all(is_plain) && !path.contains("//");
        if !is_plain && !path.contains('{') {
            problems.add(
                &pointer,
                "invalid path: expected segments of letters, digits, `-`, `_`, `.` and `~`",
            );
        }
        if webhooks::last_segment(path).is_empty() {
            problems.add(
                &pointer,
                "missing last segment: a receiver identifies the operation by it",
            );
        }
        for (method, operation) in item.iter() {
            let pointer = pointer.join(method);
            if !matches!(method, "post" | "put" | "patch") {
                problems.add(
                    &pointer,
                    "unsupported method: expected `post`, `put` or `patch`, as an event is the body",
                );
            }
            check_id(operation, &mut ids, &pointer, problems);
            check_parameters(operation, &pointer, problems);
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
    if !is_ident(id) {
        problems.add(
            &pointer,
            format!("invalid operationId `{id}`: expected a name, such as `order_placed`"),
        );
    }
    if taken::is_operation(id) {
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

fn check_parameters(operation: &Operation, pointer: &Pointer, problems: &mut Problems) {
    if !operation.parameters.is_empty() {
        problems.add(
            &pointer.join("parameters"),
            "parameters are not supported: send everything in the body",
        );
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
