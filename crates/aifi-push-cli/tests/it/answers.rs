//! `aifi-push serve --answer`: a service answers the questions.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Mutex, mpsc},
    thread,
};

use aifi_push::{
    Operation,
    operations::{CHECKOUT, ENTRY_CODE_VERIFY},
};
use aifi_push_testkit::{
    ServeProcess,
    http::{self, Response, TOKEN},
};
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    aifi_push_in, directory, printed,
    serving::{serve, serve_with},
    target::{Answer, Target},
    wait_until, write,
};

const FALLBACK: &str = r#"checkout={"status": "unpaid", "total": 1.10}"#;

fn request(operation: &Operation) -> Vec<u8> {
    let body = operation.example.unwrap();
    let length = format!("Content-Length: {}", body.len());
    let mut request = http::head(&format!("POST /webhook/{}", operation.route), &[&length]);
    request.extend_from_slice(body.as_bytes());
    request
}

fn ask(serving: &ServeProcess, operation: &Operation) -> Response {
    serving.exchange(&request(operation)).unwrap()
}

/// The option to ask a service.
fn by(operation: &Operation, url: &str) -> String {
    format!("{}={url}", operation.kind)
}

fn listed(directory: &TempDir) -> Vec<Value> {
    let text = printed(directory, &["inbox", "list", "--json"], 0);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What `serve` prints when it refuses to start.
fn refused(arguments: &[&str], code: i32) -> String {
    let directory = directory();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--log", "off"];
    let mut command = aifi_push_in(&directory, &[&serve, arguments].concat());
    let assert = command.env("AIFI_PUSH_TOKEN", TOKEN).assert().code(code);
    let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    text.split("\n\nUsage")
        .next()
        .unwrap()
        .trim_end()
        .to_owned()
}

#[test]
fn the_service_is_asked_and_its_answer_passed_on() {
    let directory = directory();
    let answer =
        "{ \"status\": \"paid\",\n  \"total\": 12.10, \"id\": 123456789012345678901234567890 }";
    let service = Target::start(move |_| Answer::status(202).body(answer));
    let url = by(&CHECKOUT, &(service.url() + "/till/ask?store=7&a=b"));
    let variables = [("AIFI_PUSH_ANSWER_TOKEN", "token-of-the-till")];
    let serving = serve_with(&directory, &["--answer", &url], &variables);
    let response = ask(&serving, &CHECKOUT);
    assert_eq!(response.status, 200);
    assert!(response.head.contains("content-type: application/json\r\n"));
    assert_eq!(response.body, answer);

    let calls = service.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].path, "/till/ask?store=7&a=b");
    assert_eq!(calls[0].body, CHECKOUT.example.unwrap().as_bytes());
    assert_eq!(calls[0].header("content-type"), "application/json");
    assert_eq!(calls[0].header("authorization"), "Bearer token-of-the-till");
    let stored = &listed(&directory)[0];
    assert_eq!(calls[0].header("webhook-id"), stored["id"]);
    assert_eq!(calls[0].header("aifi-push-via"), stored["id"]);
    assert_eq!(stored["state"], "pending");
}

#[test]
fn each_kind_has_its_service_and_its_token() {
    let directory = directory();
    write(&directory, "door-token", "token-of-the-door\n");
    let door = Target::start(|_| Answer::status(200).body(r#"{"status":"OK"}"#));
    let till = Target::start(|_| Answer::status(200).body("true"));
    let (verify, checkout) = (
        by(&ENTRY_CODE_VERIFY, &door.url()),
        by(&CHECKOUT, &till.url()),
    );
    let mut serving = serve(
        &directory,
        &[
            "--answer",
            &verify,
            "--answer",
            &checkout,
            "--answer-token-file",
            "entry-code-verify=door-token",
        ],
    );
    let line = serving.wait_for_log("answered as notifications").unwrap();
    assert!(
        line.contains(r#"kinds="cart-mutator, order-price""#),
        "{line}"
    );
    assert_eq!(ask(&serving, &ENTRY_CODE_VERIFY).body, r#"{"status":"OK"}"#);
    assert_eq!(ask(&serving, &CHECKOUT).body, "true");
    let mutator = &aifi_push::operations::CART_MUTATOR;
    assert_eq!(ask(&serving, mutator).status, 201);
    assert_eq!(
        door.calls()[0].header("authorization"),
        "Bearer token-of-the-door"
    );
    assert!(till.calls()[0].find("authorization").is_none());
    assert_eq!(listed(&directory).len(), 3);
}

#[test]
fn a_large_answer_is_passed_on() {
    let directory = directory();
    let cart = format!("[{}1.10]", "\"an item\",".repeat(90_000));
    let answer = cart.clone();
    let service = Target::start(move |_| Answer::status(200).body(&answer));
    let serving = serve(&directory, &["--answer", &by(&CHECKOUT, &service.url())]);
    assert_eq!(ask(&serving, &CHECKOUT).body, cart);
}

#[test]
fn what_is_no_answer_leads_to_the_fallback() {
    let huge = format!("\"{}\"", "x".repeat(1024 * 1024));
    let responses = [
        Answer::status(500).body("{}"),
        Answer::status(404).body("{}"),
        Answer::status(302).headers("Location: /elsewhere\r\n"),
        Answer::status(200),
        Answer::status(204),
        Answer::status(200).body("<html>paid</html>"),
        Answer::status(200).body("{\"status\": \"pa"),
        Answer::status(200).body(&huge),
    ];
    let count = responses.len();
    let responses = Mutex::new(responses.into_iter());
    let service = Target::start(move |_| responses.lock().unwrap().next().unwrap());
    let directory = directory();
    let serving = serve(
        &directory,
        &[
            "--answer",
            &by(&CHECKOUT, &service.url()),
            "--answer-fallback",
            FALLBACK,
        ],
    );
    for _ in 0..count {
        let response = ask(&serving, &CHECKOUT);
        assert_eq!(response.status, 200);
        assert_eq!(response.body, r#"{"status": "unpaid", "total": 1.10}"#);
    }
    // No redirect was followed, nobody was asked twice, and each event is stored.
    assert!(service.calls().iter().all(|call| call.path == "/"));
    assert_eq!(service.calls().len(), count);
    assert_eq!(listed(&directory).len(), count);
    let metrics = serving.get("/metrics").unwrap().body;
    let errors = format!(
        "aifi_push_answer_fallbacks_total{{operation=\"checkout\",reason=\"error\"}} {count}\n"
    );
    assert!(metrics.contains(&errors), "{metrics}");
    // Readiness is that of the inbox.
    assert_eq!(serving.get("/readyz").unwrap().status, 200);
}

#[test]
fn an_answer_that_breaks_off_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 16];
            stream.read_exact(&mut head).unwrap();
            // A number that is valid where it ends.
            let response = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12";
            stream.write_all(response.as_bytes()).unwrap();
        }
    });
    let (directory, url) = (directory(), by(&CHECKOUT, &url));
    let arguments = ["--answer", &url, "--answer-fallback", FALLBACK];
    let mut serving = serve(&directory, &arguments);
    let response = ask(&serving, &CHECKOUT);
    assert_eq!(response.body, r#"{"status": "unpaid", "total": 1.10}"#);
    let line = serving.wait_for_log("question not answered").unwrap();
    assert!(line.contains("reason=\"error\""), "{line}");
}

#[test]
fn a_dead_or_slow_service_leads_to_the_fallback() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let slow = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow_url = format!("http://{}", slow.local_addr().unwrap());
    for (url, reason) in [(&dead, "error"), (&slow_url, "timeout")] {
        let directory = directory();
        write(&directory, "fallback.json", "{\"status\": \"unpaid\"}\n");
        let url = by(&CHECKOUT, url);
        let timeout = ["--answer-timeout", "200ms"];
        let fallback = ["--answer-fallback", "checkout=@fallback.json"];
        let arguments = [&["--answer", &url], &timeout[..], &fallback].concat();
        let mut serving = serve(&directory, &arguments);
        let response = ask(&serving, &CHECKOUT);
        assert_eq!(response.status, 200);
        assert_eq!(response.body.trim(), "{\"status\": \"unpaid\"}");
        assert_eq!(listed(&directory).len(), 1);
        let line = serving.wait_for_log("question not answered").unwrap();
        assert!(line.contains(&format!("reason={reason:?}")), "{line}");
    }
}

#[test]
fn without_a_fallback_it_can_be_asked_again() {
    let service = Target::start(|call| match call.number {
        0 => Answer::status(500),
        _ => Answer::status(200).body("1"),
    });
    let directory = directory();
    let serving = serve(&directory, &["--answer", &by(&CHECKOUT, &service.url())]);
    let response = ask(&serving, &CHECKOUT);
    assert_eq!(response.status, 503);
    assert!(response.head.contains("retry-after: 1\r\n"));
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(body["id"], listed(&directory)[0]["id"]);
    assert_eq!(ask(&serving, &CHECKOUT).body, "1");
}

#[test]
fn a_forwarded_question_is_an_event_that_asks_nobody() {
    let service = Target::start(|_| Answer::status(500));
    let (near, far) = (directory(), directory());
    let there = serve(&far, &["--answer", &by(&CHECKOUT, &service.url())]);
    let variables = [("AIFI_PUSH_FORWARD_TOKEN", TOKEN)];
    let here = serve_with(&near, &["--forward", there.url()], &variables);
    assert_eq!(ask(&here, &CHECKOUT).status, 201);
    wait_until(|| listed(&near)[0]["state"] == "done");
    assert_eq!(listed(&far).len(), 1);
    assert_eq!(service.calls().len(), 0);
}

#[test]
fn a_question_that_is_sent_once_is_stored_once() {
    let service = Target::start(|_| Answer::status(500));
    let directory = directory();
    let serving = serve(&directory, &["--answer", &by(&CHECKOUT, &service.url())]);
    write(&directory, "checkout.json", CHECKOUT.example.unwrap());
    let (url, failed) = (serving.url(), "failed.ndjson");
    let send = ["send", "checkout.json", "--kind", "checkout", "--url", url];
    let text = printed(
        &directory,
        &[&send[..], &["--failures", failed]].concat(),
        0,
    );
    let id = listed(&directory)[0]["id"].clone();
    let (sent, rest) = text.split_once('\n').unwrap();
    assert!(sent.starts_with("sent 1 of 1 in "), "{text}");
    assert!(
        sent.ends_with(" s, 1 of them stored but unanswered"),
        "{text}"
    );
    let expected = format!(
        "checkout.json:1: stored but unanswered under the id {}",
        id.as_str().unwrap()
    );
    assert_eq!(rest.trim_end(), expected);
    assert_eq!(listed(&directory).len(), 1);
    assert_eq!(service.calls().len(), 1);
    assert!(!directory.path().join(failed).exists());
}

#[test]
fn a_question_in_flight_is_answered_after_a_signal() {
    let (asked, is_asked) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let service = Target::start(move |_| {
        asked.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        Answer::status(200).body("\"paid\"")
    });
    let (directory, url) = (directory(), by(&CHECKOUT, &service.url()));
    let arguments = ["--answer", &url, "--answer-timeout", "60s"];
    let mut serving = serve(&directory, &arguments);
    let mut stream = TcpStream::connect(serving.address()).unwrap();
    stream.write_all(&request(&CHECKOUT)).unwrap();
    is_asked.recv().unwrap();
    serving.signal("TERM").unwrap();
    serving.wait_for_log("stopping").unwrap();
    release.send(()).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    assert_eq!(Response::parse(&response).body, "\"paid\"");
    assert!(serving.wait().unwrap().0.success());
}

#[test]
fn options_that_make_no_sense_are_named() {
    let url = "http://127.0.0.1:1";
    let checkout = format!("checkout={url}");
    let verify = format!("entry-code-verify={url}");
    let answer = ["--answer", &checkout];
    let and = |more: &[&str]| refused(&[&answer, more].concat(), 1);

    // No value is printed: it may contain a key.
    for (value, option) in [
        ("left=http://127.0.0.1:1/?code=s3cret", "--answer"),
        ("chekout=http://127.0.0.1:1/?code=s3cret", "--answer"),
        ("http://u:s3cret@127.0.0.1:1/?a=b", "--answer"),
        ("s3cret", "--answer"),
        ("left={\"pin\": \"s3cret\"}", "--answer-fallback"),
        ("checkout={\"pin\": s3cret}", "--answer-fallback"),
        ("checkout=\"s3cret", "--answer-fallback"),
    ] {
        let text = and(&[option, value]);
        assert!(text.contains(&format!("{option}: ")), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_snapshot!(refused(&["--answer", "left=http://127.0.0.1:1"], 1), @"aifi-push: --answer: expected the kind of a question and a `=` first: these are checkout, cart-mutator, order-price, entry-code-verify");
    assert_snapshot!(refused(&["--answer", "checkout="], 1), @"aifi-push: --answer: no value after checkout=");
    assert_snapshot!(refused(&["--answer", &checkout, "--answer-timeout", "0s"], 2), @"
    error: invalid value '0s' for '--answer-timeout <TIME>': expected more than 0 seconds

    For more information, try '--help'.
    ");
    assert_snapshot!(refused(&["--answer", "checkout=till.internal/ask"], 1), @"aifi-push: --answer checkout: base_url: invalid URL: expected scheme and host, as in https://retailer.example/hooks: relative URL without a base");
    assert_snapshot!(and(&["--answer", &checkout]), @"aifi-push: --answer: given twice for checkout");
    assert_snapshot!(and(&["--answer-fallback", "checkout={\"a\" 1}"]), @"aifi-push: --answer-fallback: checkout: expected `:` at line 1 column 6");
    assert_snapshot!(and(&["--answer-fallback", "checkout=@missing.json"]), @"aifi-push: --answer-fallback checkout: missing.json: No such file or directory (os error 2)");
    assert_snapshot!(and(&["--answer-fallback", "entry-code-verify={}"]), @"aifi-push: --answer-fallback: no service answers entry-code-verify: add --answer entry-code-verify=URL");
    assert_snapshot!(and(&["--answer-token-file", "order-price=token"]), @"aifi-push: --answer-token-file: no service answers order-price: add --answer order-price=URL");
    assert_snapshot!(refused(&["--answer", &verify, "--answer-fallback", "entry-code-verify=\"no\""], 1), @"aifi-push: --answer-fallback: entry-code-verify: line 1, column 4: expected an object, found a string");
}
