//! Every kind of event that the vendor sends, at the URL that is configured for it.

use aifi_push::{CalledUrl, Operation, operations};
use aifi_push_testkit::{
    ServeProcess,
    http::{self, Response},
};
use insta::assert_snapshot;
use tempfile::TempDir;

use crate::{directory, printed, serving::serve, write};

/// The lines that `serve` prints after the first, one for each webhook.
fn printed_urls(serving: &mut ServeProcess) -> Vec<String> {
    let mut webhooks: Vec<_> = operations::ALL.iter().map(|it| it.webhook).collect();
    webhooks.dedup();
    let lines = webhooks.iter().map(|_| serving.next_line().unwrap());
    lines.collect()
}

/// The URL to configure for the webhook of an operation.
fn url_of<'a>(urls: &'a [String], operation: &Operation) -> &'a str {
    let mut words = urls.iter().map(|line| line.split_whitespace());
    let mut line = words
        .find(|words| words.clone().next() == Some(operation.webhook))
        .unwrap();
    line.nth(1).unwrap()
}

fn post(serving: &ServeProcess, path: &str, body: &str) -> Response {
    let length = format!("Content-Length: {}", body.len());
    let mut request = http::head(&format!("POST {path}"), &[&length]);
    request.extend_from_slice(body.as_bytes());
    serving.exchange(&request).unwrap()
}

/// The kinds of the events that are listed for a kind.
fn listed(directory: &TempDir, kind: &str) -> Vec<String> {
    let text = printed(directory, &["inbox", "list", "--json", "--kind", kind], 0);
    let entries = text.lines().map(|line| {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(entry["problem"].is_null(), "{entry}");
        entry["kind"].as_str().unwrap().to_owned()
    });
    entries.collect()
}

#[test]
fn each_arrives_where_the_platform_sends_it() {
    for arguments in [
        &[][..],
        &["--base-path", "/"],
        &[
            "--route",
            "transitions=/webhook,checkout-zone=/zones",
            "--route",
            "checkout=/webhook",
        ],
    ] {
        let directory = directory();
        let mut serving = serve(&directory, arguments);
        let urls = printed_urls(&mut serving);
        for operation in operations::ALL {
            let url = url_of(&urls, operation);
            let configured = url.strip_prefix(serving.origin()).unwrap();
            let called = match operation.url {
                CalledUrl::Base => format!("{configured}/{}", operation.segment()),
                _ => configured.to_owned(),
            };
            let stored = post(&serving, &called, operation.example.unwrap());
            assert_eq!(stored.status, 201, "{called}: {}", stored.body);
            assert_eq!(listed(&directory, operation.kind), [operation.kind]);
            let kebab = operation.id.replace('_', "-");
            for name in [operation.id, &kebab, operation.route] {
                assert_eq!(listed(&directory, name).len(), 1, "{name}");
            }
        }
        let metrics = serving.get("/metrics").unwrap().body;
        for operation in operations::ALL {
            let counted = format!(
                "aifi_push_received_total{{operation=\"{}\"}} 1",
                operation.id
            );
            assert!(metrics.contains(&counted), "{metrics}");
        }
    }
}

#[test]
fn each_is_sent_as_the_platform_does() {
    let directory = directory();
    let routes = ["--route", "checkout-zone=/zones,checkout=/orders"];
    let mut serving = serve(&directory, &routes);
    let urls = printed_urls(&mut serving);
    for operation in operations::ALL {
        write(&directory, "event.json", operation.example.unwrap());
        let url = url_of(&urls, operation);
        let base = serving.url();
        let send = ["send", "event.json", "--kind", operation.kind, "--url"];
        let by_url = match operation.url {
            CalledUrl::Base => vec![url],
            _ => vec![url, "--exact"],
        };
        printed(&directory, &[&send[..], &by_url].concat(), 0);
        // Who knows only the base path, or adds the path of the kind to any URL.
        printed(&directory, &[&send[..], &[base]].concat(), 0);
        printed(&directory, &[&send[..], &[url]].concat(), 0);
        assert_eq!(listed(&directory, operation.kind), [operation.kind; 3]);
    }
}

#[test]
fn the_urls_to_configure_are_printed() {
    let directory = directory();
    let routes = [
        "--route",
        "checkout-zone=/zones",
        "--route",
        "checkout=/b,checkout=/a",
    ];
    let mut serving = serve(&directory, &routes);
    let origin = serving.origin().to_owned();
    let text = serving.next_line().unwrap();
    let mut text = vec![text];
    while !text.last().unwrap().contains("suspected-fraud") {
        text.push(serving.next_line().unwrap());
    }
    let text = text.join("\n").replace(&origin, "http://127.0.0.1:8080");
    assert_snapshot!(text, @"
    transitions        http://127.0.0.1:8080/webhook/transition
    checkout-zone      http://127.0.0.1:8080/zones
    checkout           http://127.0.0.1:8080/b                          question
    checkout           http://127.0.0.1:8080/a                          question
    cart-mutator       http://127.0.0.1:8080/webhook/cart-mutator       question
    order-price        http://127.0.0.1:8080/webhook/order-price        question
    customer-created   http://127.0.0.1:8080/webhook/customer-created
    entry-code-verify  http://127.0.0.1:8080/webhook/entry-code/verify  question
    entry-code-notify  http://127.0.0.1:8080/webhook/entry-code/notify
    identity-matching  http://127.0.0.1:8080/webhook/identity-matching
    planogram-error    http://127.0.0.1:8080/webhook/planogram-error
    suspected-fraud    http://127.0.0.1:8080/webhook/suspected-fraud
    ");
}

#[cfg(unix)]
#[test]
fn of_a_socket_the_paths_are_printed() {
    let directory = directory();
    let mut serving = serve(&directory, &["--listen", "unix:aifi-push.sock"]);
    assert_eq!(serving.url(), "unix:aifi-push.sock/webhook");
    let line = serving.next_line().unwrap();
    assert_eq!(line, "  transitions        /webhook/transition");
}
