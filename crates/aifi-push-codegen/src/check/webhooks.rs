//! Rules for webhooks: a receiver can tell the operations of each apart, and has a URL for it.

use std::collections::HashMap;

use openapiv3::Operation;
use serde_json::Value;

use super::Problems;
use crate::{
    document::Document,
    pointer::Pointer,
    webhooks::{self, ANSWER, CalledUrl, URL, WEBHOOK, Webhook},
};

pub(super) fn check(document: &Document, problems: &mut Problems) {
    let mut kinds = HashMap::new();
    let mut webhooks: HashMap<String, (&str, &Operation)> = HashMap::new();
    for (path, method, operation) in document.operations() {
        let pointer = Pointer::root().join("paths").join(path).join(method);
        check_extensions(operation, &pointer, problems);

        let Webhook { name, kind, .. } = Webhook::of(document, path, operation);
        if let Some(other) = kinds.insert(kind.clone(), path) {
            let message = format!(
                "the kind of its events would be `{kind}`, as of `{other}`: choose another path"
            );
            problems.add(&pointer, message);
        }
        let first = *webhooks.entry(name).or_insert((path, operation));
        // Without a name in the document, their ids are the same, which is reported there.
        let is_named = [first.1, operation].map(|it| it.extensions.contains_key(WEBHOOK));
        if first.0 != path && is_named.contains(&true) && !have_one_url(first, (path, operation)) {
            let message = format!(
                "expected the URL of `{}`, which is of the same webhook: the same path but for the \
                 last segment, and `{URL}: base`",
                first.0
            );
            let pointer = match is_named[1] {
                true => pointer.join(WEBHOOK),
                false => pointer,
            };
            problems.add(&pointer, message);
        }
    }
}

/// Returns `true` if one configured URL is that of both operations.
fn have_one_url(one: (&str, &Operation), other: (&str, &Operation)) -> bool {
    let is_base = |(_, operation)| webhooks::called_url(operation) == CalledUrl::Base;
    is_base(one)
        && is_base(other)
        && webhooks::configured(one.0, one.1) == webhooks::configured(other.0, other.1)
}

fn check_extensions(operation: &Operation, pointer: &Pointer, problems: &mut Problems) {
    let choices = [(URL, ["base", "exact"]), (ANSWER, ["ignored", "used"])];
    for (extension, [one, other]) in choices {
        let value = operation.extensions.get(extension);
        let is_known = |value: &Value| value == one || value == other;
        if value.is_some_and(|value| !is_known(value)) {
            problems.add(
                &pointer.join(extension),
                format!("expected `{one}` or `{other}`"),
            );
        }
    }
    let is_name = |name: &str| {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !name.is_empty() && name.bytes().all(is_plain)
    };
    let webhook = operation.extensions.get(WEBHOOK);
    if webhook.is_some_and(|name| !name.as_str().is_some_and(is_name)) {
        problems.add(
            &pointer.join(WEBHOOK),
            "invalid name: expected lower case letters, digits and `-`, such as `checkout-zone`",
        );
    }
}
