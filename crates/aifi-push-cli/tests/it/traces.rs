//! The trace of a request, from the sender to whom the event is forwarded to.

use aifi_push_testkit::http;

use crate::{
    directory, documented,
    serving::serve_with,
    target::{Answer, Target},
    wait_until,
};

#[cfg(feature = "otel")]
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn post(trace_parent: &str) -> Vec<u8> {
    let body = documented();
    let headers = [
        format!("Content-Length: {}", body.len()),
        format!("traceparent: {trace_parent}"),
    ];
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    let mut request = http::head("POST /webhook/left", &headers);
    request.extend_from_slice(body.as_bytes());
    request
}

#[test]
fn a_trace_is_handed_on() {
    let directory = directory();
    let target = Target::start(|_| Answer::status(200));
    let forward = ["--forward", &target.url(), "--forward-no-token"];
    let serving = serve_with(&directory, &forward, &[]);
    for trace_parent in [PARENT, "nonsense"] {
        let response = serving.exchange(&post(trace_parent)).unwrap();
        assert_eq!(response.status, 201);
    }
    wait_until(|| target.calls().len() == 2);
    let mut calls = target.calls();
    calls.sort_by_key(|call| call.find("traceparent").is_none());
    assert_eq!(calls[0].header("traceparent"), PARENT);
    assert_eq!(calls[1].find("traceparent"), None);
}

#[cfg(feature = "otel")]
mod otlp {
    use insta::assert_snapshot;

    use super::*;

    /// What of a span in a message of OTLP says where it belongs.
    #[derive(Debug, PartialEq)]
    struct Span {
        id: Vec<u8>,
        parent: Vec<u8>,
        name: String,
    }

    /// The fields of a message of protobuf that have a length.
    fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
        let mut found = Vec::new();
        while !message.is_empty() {
            let tag = varint(&mut message);
            match tag & 7 {
                0 => {
                    varint(&mut message);
                }
                1 => message = &message[8..],
                2 => {
                    let length = usize::try_from(varint(&mut message)).unwrap();
                    let (field, rest) = message.split_at(length);
                    found.push((tag >> 3, field));
                    message = rest;
                }
                5 => message = &message[4..],
                other => panic!("wire type {other}"),
            }
        }
        found
    }

    fn varint(message: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (byte, rest) = message.split_first().unwrap();
            *message = rest;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }

    fn inner<'a>(messages: &[&'a [u8]], number: u64) -> Vec<&'a [u8]> {
        let all = messages.iter().flat_map(|message| fields(message));
        let wanted = all.filter(|(found, _)| *found == number);
        wanted.map(|(_, field)| field).collect()
    }

    /// The spans of a trace, in requests of which each is an `ExportTraceServiceRequest`.
    fn spans(target: &Target, trace: &[u8]) -> Vec<Span> {
        let calls = target.calls();
        let bodies: Vec<&[u8]> = calls.iter().map(|call| &*call.body).collect();
        // Resources, scopes, spans.
        let spans = inner(&inner(&inner(&bodies, 1), 2), 2);
        let read = spans.iter().map(|span| {
            let field = |number| inner(&[*span], number).first().map(|field| field.to_vec());
            let name = String::from_utf8(field(5).unwrap()).unwrap();
            let of_trace = field(1).unwrap() == trace;
            let span = Span {
                id: field(2).unwrap(),
                parent: field(4).unwrap_or_default(),
                name,
            };
            (of_trace, span)
        });
        let of_trace = read.filter(|(of_trace, _)| *of_trace);
        of_trace.map(|(_, span)| span).collect()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = (0..hex.len()).step_by(2);
        digits
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn spans_are_sent_with_the_trace_of_the_sender() {
        let directory = directory();
        let (sink, target) = (
            Target::start(|_| Answer::status(200)),
            Target::start(|_| Answer::status(200)),
        );
        let forward = ["--forward", &target.url(), "--forward-no-token"];
        // What is logged is another question.
        let arguments = [&forward[..], &["--log", "error"]].concat();
        let serving = serve_with(
            &directory,
            &arguments,
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.url())],
        );
        // Who has no token chooses nothing.
        let other = "5bf92f3577b34da6a3ce929d0e0e4736";
        let request = post(&PARENT.replace(TRACE, other));
        let request = String::from_utf8(request).unwrap();
        let request = request.replace("Authorization: Bearer ", "Authorization: Bearer no");
        let refused = serving.exchange(request.as_bytes()).unwrap();
        assert_eq!(refused.status, 401);
        serving.exchange(&post(PARENT)).unwrap();
        wait_until(|| target.calls().len() == 1);
        let handed_on = target.calls()[0].header("traceparent").to_owned();
        serving.terminate().unwrap();

        assert_eq!(sink.calls()[0].path, "/v1/traces");
        assert!(spans(&sink, &bytes(other)).is_empty());
        let spans = spans(&sink, &bytes(TRACE));
        let span = |name: &str| {
            let found = spans.iter().find(|span| span.name == name);
            found.unwrap_or_else(|| panic!("no {name}: {spans:?}"))
        };
        let (request, receive, handle) = (
            span("aifi_push_request"),
            span("aifi_push_receive"),
            span("aifi_push_handle"),
        );
        assert_eq!(request.parent, bytes("00f067aa0ba902b7"));
        assert_eq!(
            (&receive.parent, &handle.parent),
            (&request.id, &request.id)
        );
        let handled: String = handle.id.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(handed_on, format!("00-{TRACE}-{handled}-01"));
    }

    /// The platform says nothing of a trace: one begins here.
    #[test]
    fn a_trace_begins_with_a_request_of_none() {
        let directory = directory();
        let (sink, target) = (
            Target::start(|_| Answer::status(200)),
            Target::start(|_| Answer::status(200)),
        );
        let forward = ["--forward", &target.url(), "--forward-no-token"];
        let sink_url = format!("{}/v1/traces", sink.url());
        let variables = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*sink_url)];
        let serving = serve_with(&directory, &forward, &variables);
        serving
            .exchange(&http::post(documented().as_bytes()))
            .unwrap();
        wait_until(|| target.calls().len() == 1);
        let handed_on = target.calls()[0].header("traceparent").to_owned();
        serving.terminate().unwrap();
        let trace = handed_on.split('-').nth(1).unwrap();
        let mut names: Vec<_> = spans(&sink, &bytes(trace))
            .into_iter()
            .map(|span| span.name)
            .collect();
        names.sort();
        assert_snapshot!(names.join("\n"), @"
        aifi_push
        aifi_push_handle
        aifi_push_receive
        aifi_push_request
        ");
    }

    #[test]
    fn events_are_received_whatever_became_of_the_collector() {
        let directory = directory();
        let nobody = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")];
        let serving = serve_with(&directory, &[], &nobody);
        let response = serving
            .exchange(&http::post(documented().as_bytes()))
            .unwrap();
        assert_eq!(response.status, 201);
        assert!(serving.terminate().unwrap().success());
        let nonsense = [("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense")];
        let mut serving = serve_with(&directory, &[], &nonsense);
        serving.wait_for_log("no traces are sent").unwrap();
        let response = serving
            .exchange(&http::post(documented().as_bytes()))
            .unwrap();
        assert_eq!(response.status, 201);
    }
}
