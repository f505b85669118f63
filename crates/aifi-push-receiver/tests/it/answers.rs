//! Questions: the event is stored, then somebody answers.

use std::{
    future::pending,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use aifi_push::{
    Json, from_slice,
    operations::{CHECKOUT, ENTRY_CODE_VERIFY, TRANSITION_LEFT},
    types::{CartMutator, Checkout, EntryCodeVerify, EntryCodeVerifyAnswer, EntryCodeVerifyStatus},
};
use aifi_push_receiver::{
    Receiver, ReceiverBuilder, Tokens,
    inbox::{Admin, Consumer, EventFilter, Inbox, MemoryInbox, Received, VIA_HEADER},
};
use aifi_push_testkit::{
    FaultyInbox,
    events::stored,
    http::{Response, head},
};
use bytes::Bytes;
use insta::assert_snapshot;
use serde_json::Value;
use tokio::{io::AsyncWriteExt, sync::Notify};

use crate::{new_inbox, running::Running};

type Question = Received<EntryCodeVerify>;

/// For answerers that never end.
const SOON: Duration = Duration::from_millis(20);

fn answer(status: EntryCodeVerifyStatus, reason: &str) -> EntryCodeVerifyAnswer {
    EntryCodeVerifyAnswer::builder()
        .status(status)
        .reason(reason.to_owned())
        .build()
}

fn fallback() -> EntryCodeVerifyAnswer {
    answer(EntryCodeVerifyStatus::Failed, "fallback")
}

fn verify() -> &'static str {
    ENTRY_CODE_VERIFY.example.unwrap()
}

async fn start(
    inbox: Arc<dyn Inbox>,
    receiver: impl FnOnce(ReceiverBuilder) -> ReceiverBuilder,
) -> Running {
    Running::start_with(inbox, receiver, |server| server).await
}

fn request(kind: &str, body: &str) -> Vec<u8> {
    let length = format!("Content-Length: {}", body.len());
    let mut request = head(&format!("POST /webhook/{kind}"), &[&length]);
    request.extend_from_slice(body.as_bytes());
    request
}

async fn ask(running: &Running, kind: &str, body: &str) -> Response {
    running.exchange(&request(kind, body)).await
}

/// The values of a metric, without those that are 0.
async fn counted(running: &Running, name: &str) -> String {
    let metrics = running.get("/metrics").await.body;
    let lines = metrics.lines().filter_map(|line| line.strip_prefix(name));
    let mut lines: Vec<_> = lines.filter(|line| !line.ends_with(" 0")).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[tokio::test]
async fn the_client_gets_the_typed_answer() {
    let (inbox, _directory) = new_inbox().await;
    let verify_store = |question: Question| async move {
        let store = question.event.store_id;
        let status = EntryCodeVerifyStatus::Ok;
        Ok::<_, io::Error>(answer(status, &format!("store {store}")))
    };
    let running = start(inbox.clone(), |receiver| receiver.answer(verify_store)).await;
    let mut event: EntryCodeVerify = from_slice(verify().as_bytes()).unwrap();
    event.store_id = 7;
    let response = running.client().entry_code_verify(&event).await.unwrap();
    assert_eq!(response.status(), 200);
    let expected = answer(EntryCodeVerifyStatus::Ok, "store 7");
    assert_eq!(response.decode().unwrap(), expected);

    let response = ask(&running, "entry-code/verify", verify()).await;
    assert_eq!(response.status, 200);
    assert!(
        response.head.contains("content-type: application/json\r\n")
            && response.head.contains("cache-control: no-store\r\n"),
        "{}",
        response.head
    );
    assert_snapshot!(response.body, @r#"{"status":"OK","reason":"store 0"}"#);

    // The event is that of a consumer as well.
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let consumer = Consumer::builder(inbox, "doors").handler(move |question: Question| {
        let sender = sender.clone();
        async move { sender.send(question.event.store_id) }
    });
    tokio::spawn(consumer.run(pending()));
    assert_eq!(seen.recv().await, Some(7));
    assert_eq!(
        counted(&running, "aifi_push_answered_total").await,
        r#"{operation="entry_code_verify"} 2"#
    );
    assert_eq!(
        counted(&running, "aifi_push_answer_seconds_count").await,
        r#"{operation="entry_code_verify"} 2"#
    );
}

#[tokio::test]
async fn an_answer_without_a_documented_form_is_any_json() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox, |receiver| {
        receiver.answer(|_: Received<CartMutator>| async {
            "{\"totalPrice\": \"12.10\", \"totalTax\": 1.10}".parse::<Json>()
        })
    })
    .await;
    let example = aifi_push::operations::CART_MUTATOR.example.unwrap();
    let response = ask(&running, "cart-mutator", example).await;
    assert_snapshot!(response.body, @r#"{"totalPrice":"12.10","totalTax":1.10}"#);
}

#[tokio::test]
async fn the_event_is_stored_before_somebody_is_asked() {
    let (inbox, _directory) = new_inbox().await;
    let seen = inbox.clone();
    let running = start(inbox.clone(), |receiver| {
        receiver.answer(move |question: Question| {
            let seen = seen.clone();
            async move {
                let filter = EventFilter {
                    id: Some(question.id),
                    ..EventFilter::default()
                };
                let found = seen.list(&filter, None, 1).await?;
                let found = found
                    .first()
                    .is_some_and(|it| it.event.body == question.body);
                let reason = if found { "stored" } else { "not stored" };
                Ok::<_, aifi_push_receiver::inbox::AdminError>(answer(
                    EntryCodeVerifyStatus::Ok,
                    reason,
                ))
            }
        })
    })
    .await;
    let response = ask(&running, "entry-code/verify", verify()).await;
    assert_snapshot!(response.body, @r#"{"status":"OK","reason":"stored"}"#);
}

/// Answers by what the entry code asks for.
#[allow(clippy::panic)]
async fn obey(question: Question) -> Result<EntryCodeVerifyAnswer, io::Error> {
    match question.event.entry_code.as_str() {
        "hang" => pending().await,
        "fail" => Err(io::Error::other("no database")),
        "panic" => panic!("on purpose"),
        code => Ok(answer(EntryCodeVerifyStatus::Ok, code)),
    }
}

fn with_code(code: &str) -> String {
    let mut event: EntryCodeVerify = from_slice(verify().as_bytes()).unwrap();
    code.clone_into(&mut event.entry_code);
    serde_json::to_string(&event).unwrap()
}

#[tokio::test]
async fn the_fallback_is_the_answer_when_there_is_no_other() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox.clone(), |receiver| {
        receiver
            .answer(obey)
            .answer_fallback::<EntryCodeVerify>(&fallback())
    })
    .await;
    let mut bodies: Vec<_> = ["fail", "panic"].map(with_code).into();
    bodies.extend(["{}".to_owned(), "no JSON".to_owned()]);
    for body in &bodies {
        let response = ask(&running, "entry-code/verify", body).await;
        assert_eq!(response.status, 200, "{body}");
        assert_eq!(response.body, r#"{"status":"FAILED","reason":"fallback"}"#);
    }
    let response = ask(&running, "entry-code/verify", &with_code("fine")).await;
    assert_eq!(response.body, r#"{"status":"OK","reason":"fine"}"#);

    let stored = stored(&*inbox).await;
    assert_eq!(stored.len(), 5);
    let quarantined = stored.iter().filter(|event| event.problem.is_some());
    assert_eq!(quarantined.count(), 2);
    assert_snapshot!(counted(&running, "aifi_push_answer_fallbacks_total").await, @r#"
    {operation="entry_code_verify",reason="error"} 1
    {operation="entry_code_verify",reason="panic"} 1
    {operation="entry_code_verify",reason="undecodable"} 2
    "#);
    assert_eq!(counted(&running, "aifi_push_unanswered_total").await, "");
}

#[tokio::test]
async fn one_that_hangs_is_not_waited_for() {
    let (inbox, _directory) = new_inbox().await;
    let impatient = |receiver: ReceiverBuilder| receiver.answer(obey).answer_timeout(SOON);
    let running = start(inbox.clone(), |receiver| {
        impatient(receiver).answer_fallback::<EntryCodeVerify>(&fallback())
    })
    .await;
    let response = ask(&running, "entry-code/verify", &with_code("hang")).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.body, r#"{"status":"FAILED","reason":"fallback"}"#);
    assert_snapshot!(counted(&running, "aifi_push_answer_fallbacks_total").await, @r#"{operation="entry_code_verify",reason="timeout"} 1"#);

    let running = start(inbox, impatient).await;
    let response = ask(&running, "entry-code/verify", &with_code("hang")).await;
    assert_eq!(response.status, 503);
    assert!(response.body.contains("E_UNANSWERED"), "{}", response.body);
    assert_snapshot!(counted(&running, "aifi_push_unanswered_total").await, @r#"{operation="entry_code_verify",reason="timeout"} 1"#);
}

#[tokio::test]
async fn without_a_fallback_the_sender_is_told_to_ask_again() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox.clone(), |receiver| receiver.answer(obey)).await;
    for code in ["fail", "panic"] {
        let response = ask(&running, "entry-code/verify", &with_code(code)).await;
        assert_eq!(response.status, 503, "{code}");
        assert!(response.head.contains("retry-after: 1\r\n"));
        let last = stored(&*inbox).await.pop().unwrap();
        let body: Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(body["type"], "E_UNANSWERED");
        assert_eq!(body["id"], last.event.id.to_string());
        assert!(last.problem.is_none());
    }
    let response = ask(&running, "entry-code/verify", "{}").await;
    assert_eq!(response.status, 422);
    assert!(
        response.body.contains("E_INVALID_BODY"),
        "{}",
        response.body
    );
    assert_eq!(stored(&*inbox).await.len(), 3);
    assert_snapshot!(counted(&running, "aifi_push_unanswered_total").await, @r#"
    {operation="entry_code_verify",reason="error"} 1
    {operation="entry_code_verify",reason="panic"} 1
    {operation="entry_code_verify",reason="undecodable"} 1
    "#);
}

#[tokio::test]
async fn all_counters_start_at_0() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox, |receiver| {
        let price = |_: Received<Checkout>| async { Ok::<_, io::Error>(Json::from(true)) };
        receiver
            .answer(price)
            .answer(obey)
            .answer_fallback::<EntryCodeVerify>(&fallback())
    })
    .await;
    let metrics = running.get("/metrics").await.body;
    let is_counter = |line: &&str| line.contains("answer") && line.contains("_total{");
    let mut counters: Vec<_> = metrics.lines().filter(is_counter).collect();
    counters.sort_unstable();
    assert_snapshot!(counters.join("\n"), @r#"
    aifi_push_answer_fallbacks_total{operation="entry_code_verify",reason="error"} 0
    aifi_push_answer_fallbacks_total{operation="entry_code_verify",reason="overloaded"} 0
    aifi_push_answer_fallbacks_total{operation="entry_code_verify",reason="panic"} 0
    aifi_push_answer_fallbacks_total{operation="entry_code_verify",reason="timeout"} 0
    aifi_push_answer_fallbacks_total{operation="entry_code_verify",reason="undecodable"} 0
    aifi_push_answered_total{operation="checkout"} 0
    aifi_push_answered_total{operation="entry_code_verify"} 0
    aifi_push_unanswered_total{operation="checkout",reason="error"} 0
    aifi_push_unanswered_total{operation="checkout",reason="overloaded"} 0
    aifi_push_unanswered_total{operation="checkout",reason="panic"} 0
    aifi_push_unanswered_total{operation="checkout",reason="timeout"} 0
    aifi_push_unanswered_total{operation="checkout",reason="undecodable"} 0
    "#);
}

#[tokio::test]
async fn a_question_that_nobody_answers_is_a_notification() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox.clone(), |receiver| receiver.answer(obey)).await;
    let response = ask(&running, "checkout", CHECKOUT.example.unwrap()).await;
    assert_eq!(response.status, 201);
    let last = stored(&*inbox).await.pop().unwrap();
    assert_eq!(response.body, format!("{:?}", last.event.id.to_string()));
}

/// A question with more headers.
fn with_headers(headers: &[&str]) -> Vec<u8> {
    let length = format!("Content-Length: {}", verify().len());
    let headers = [&[&*length], headers].concat();
    let mut request = head("POST /webhook/entry-code/verify", &headers);
    request.extend_from_slice(verify().as_bytes());
    request
}

#[tokio::test]
async fn nobody_is_asked_about_a_forwarded_question() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox.clone(), |receiver| receiver.answer(obey)).await;
    let response = running
        .exchange(&with_headers(&["Webhook-Attempt: 2"]))
        .await;
    assert_eq!(response.status, 201);
    let last = stored(&*inbox).await.pop().unwrap();
    assert_eq!(response.body, format!("{:?}", last.event.id.to_string()));
    assert_eq!(counted(&running, "aifi_push_answered_total").await, "");
}

#[tokio::test]
async fn a_question_that_comes_back_is_not_answered_by_its_id() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox.clone(), |receiver| receiver).await;
    ask(&running, "entry-code/verify", verify()).await;
    let id = stored(&*inbox).await.pop().unwrap().event.id;
    let via = format!("{VIA_HEADER}: {id}");
    let response = running.exchange(&with_headers(&[&via])).await;
    assert_eq!(response.status, 508);
    assert_snapshot!(response.body, @r#"{"message":"this question was asked from here: receivers ask each other in a circle","type":"E_CIRCLE","errors":[]}"#);
    // A copy of it is known here.
    let response = running
        .exchange(&with_headers(&[&via, "webhook-attempt: 1"]))
        .await;
    assert_eq!(response.status, 200);
    assert_eq!(response.body, format!("{:?}", id.to_string()));
    assert_eq!(stored(&*inbox).await.len(), 1);
}

#[tokio::test]
async fn bytes_of_another_form_are_no_answer() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox, |receiver| {
        receiver
            .answer_raw(&ENTRY_CODE_VERIFY, |event| async move {
                let question: EntryCodeVerify = from_slice(&event.body)?;
                Ok::<_, aifi_push::DecodeError>(Bytes::from(question.entry_code))
            })
            .answer_fallback::<EntryCodeVerify>(&fallback())
    })
    .await;
    let denied = r#"{"status":"FAILED","reason":"fallback"}"#;
    for (answer, expected) in [
        (r#""0197a2b4-0000-7000-8000-000000000000""#, denied),
        ("[]", denied),
        ("true", denied),
        ("null", denied),
        (
            r#"{ "status": "NEW", "customerId": "1", "more": 1.10 }"#,
            r#"{ "status": "NEW", "customerId": "1", "more": 1.10 }"#,
        ),
    ] {
        let response = ask(&running, "entry-code/verify", &with_code(answer)).await;
        assert_eq!(response.body, expected, "{answer}");
    }
}

#[tokio::test]
async fn nobody_is_asked_about_an_event_that_is_not_stored() {
    let asked = Arc::new(AtomicUsize::new(0));
    let faulty = FaultyInbox::new(Arc::new(MemoryInbox::new()));
    let count = Arc::clone(&asked);
    let running = start(faulty.clone(), |receiver| {
        let answerer = move |question| {
            count.fetch_add(1, Ordering::SeqCst);
            obey(question)
        };
        receiver
            .answer(answerer)
            .answer_fallback::<EntryCodeVerify>(&fallback())
    })
    .await;
    faulty.set_broken(true);
    let response = ask(&running, "entry-code/verify", verify()).await;
    assert_eq!(response.status, 503);
    assert!(response.body.contains("E_UNAVAILABLE"), "{}", response.body);
    assert_eq!(asked.load(Ordering::SeqCst), 0);

    faulty.set_broken(false);
    for times in 1..=2 {
        let response = ask(&running, "entry-code/verify", verify()).await;
        assert_eq!(response.status, 200);
        // The same question is asked anew.
        assert_eq!(asked.load(Ordering::SeqCst), times);
    }
}

#[tokio::test]
async fn questions_that_wait_are_bounded_and_keep_no_event_from_being_stored() {
    let (inbox, _directory) = new_inbox().await;
    let (asked, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ask_all, released) = (Arc::clone(&asked), Arc::clone(&release));
    let running = start(inbox.clone(), |receiver| {
        receiver
            .answer(move |question: Question| {
                let (asked, released) = (Arc::clone(&ask_all), Arc::clone(&released));
                async move {
                    asked.notify_one();
                    released.notified().await;
                    obey(question).await
                }
            })
            .answer_fallback::<EntryCodeVerify>(&fallback())
            .answer_timeout(Duration::from_secs(60))
            .max_body_bytes(10_000)
            .max_queued(1, 10_000)
    })
    .await;
    let running = Arc::new(running);
    let first = Arc::clone(&running);
    let waiting =
        tokio::spawn(async move { ask(&first, "entry-code/verify", &with_code("first")).await });
    asked.notified().await;
    let response = ask(&running, "entry-code/verify", &with_code("second")).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.body, r#"{"status":"FAILED","reason":"fallback"}"#);
    let left = TRANSITION_LEFT.example.unwrap();
    assert_eq!(ask(&running, "left", left).await.status, 201);
    assert_eq!(stored(&*inbox).await.len(), 3);
    assert_snapshot!(counted(&running, "aifi_push_answer_fallbacks_total").await, @r#"{operation="entry_code_verify",reason="overloaded"} 1"#);

    // Who was answered makes room.
    release.notify_one();
    let body = waiting.await.unwrap().body;
    assert_eq!(body, r#"{"status":"OK","reason":"first"}"#);
    release.notify_one();
    let response = ask(&running, "entry-code/verify", &with_code("third")).await;
    assert_eq!(response.body, r#"{"status":"OK","reason":"third"}"#);
}

#[tokio::test]
async fn one_that_hangs_holds_up_no_other() {
    let (inbox, _directory) = new_inbox().await;
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let running = start(inbox, |receiver| {
        receiver
            .answer(move |question: Question| {
                let released = Arc::clone(&released);
                async move {
                    if question.event.entry_code == "wait" {
                        released.notified().await;
                    }
                    obey(question).await
                }
            })
            .answer_timeout(Duration::from_secs(60))
    })
    .await;
    let running = Arc::new(running);
    let ask = |code: String| {
        let running = Arc::clone(&running);
        tokio::spawn(async move { ask(&running, "entry-code/verify", &with_code(&code)).await })
    };
    let hanging = ask("wait".to_owned());
    let others: Vec<_> = (0..100).map(|number| ask(number.to_string())).collect();
    for (number, other) in others.into_iter().enumerate() {
        let body = other.await.unwrap().body;
        assert_eq!(body, format!(r#"{{"status":"OK","reason":"{number}"}}"#));
    }
    assert!(!hanging.is_finished());
    release.notify_one();
    assert_eq!(hanging.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_blocks_its_thread_is_not_waited_for() {
    let (inbox, _directory) = new_inbox().await;
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let running = start(inbox, |receiver| {
        receiver
            .answer(move |question: Question| {
                let _ = released.lock().unwrap().recv();
                obey(question)
            })
            .answer_fallback::<EntryCodeVerify>(&fallback())
            .answer_timeout(SOON)
    })
    .await;
    let response = ask(&running, "entry-code/verify", verify()).await;
    assert_eq!(response.body, r#"{"status":"FAILED","reason":"fallback"}"#);
    drop(release);
}

#[tokio::test]
async fn a_sender_that_hangs_up_interrupts_nobody() {
    let (inbox, _directory) = new_inbox().await;
    let (asked, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let (ask, released) = (Arc::clone(&asked), Arc::clone(&release));
    let running = start(inbox.clone(), |receiver| {
        receiver
            .answer(move |question: Question| {
                let (ask, released) = (Arc::clone(&ask), Arc::clone(&released));
                let sender = sender.clone();
                async move {
                    ask.notify_one();
                    released.notified().await;
                    sender.send(question.id)?;
                    Ok::<_, tokio::sync::mpsc::error::SendError<_>>(fallback())
                }
            })
            .answer_timeout(Duration::from_secs(60))
    })
    .await;
    let mut stream = running.connect().await;
    let request = request("entry-code/verify", verify());
    stream.write_all(&request).await.unwrap();
    asked.notified().await;
    drop(stream);
    release.notify_one();
    let id = stored(&*inbox).await.pop().unwrap().event.id;
    assert_eq!(ended.recv().await, Some(id));
}

#[tokio::test]
async fn a_question_in_flight_is_answered_before_the_end() {
    let (inbox, _directory) = new_inbox().await;
    let (asked, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ask, released) = (Arc::clone(&asked), Arc::clone(&release));
    let mut running = start(inbox, |receiver| {
        receiver
            .answer(move |question: Question| {
                let (ask, released) = (Arc::clone(&ask), Arc::clone(&released));
                async move {
                    ask.notify_one();
                    released.notified().await;
                    obey(question).await
                }
            })
            .answer_fallback::<EntryCodeVerify>(&fallback())
            .answer_timeout(Duration::from_secs(60))
    })
    .await;
    let mut stream = running.connect().await;
    let request = request("entry-code/verify", &with_code("in flight"));
    stream.write_all(&request).await.unwrap();
    asked.notified().await;
    let (response, ()) = tokio::join!(Response::read(&mut stream), async {
        let stop = running.stop();
        release.notify_one();
        stop.await;
    });
    assert_eq!(response.body, r#"{"status":"OK","reason":"in flight"}"#);
}

#[tokio::test]
async fn one_that_hangs_does_not_hold_up_the_end() {
    let (inbox, _directory) = new_inbox().await;
    let mut running = start(inbox.clone(), |receiver| {
        receiver
            .answer(obey)
            .answer_fallback::<EntryCodeVerify>(&fallback())
            .answer_timeout(SOON)
    })
    .await;
    let mut stream = running.connect().await;
    let request = request("entry-code/verify", &with_code("hang"));
    stream.write_all(&request).await.unwrap();
    while stored(&*inbox).await.is_empty() {
        tokio::task::yield_now().await;
    }
    running.stop().await;
    let response = Response::read(&mut stream).await;
    assert_eq!(response.body, r#"{"status":"FAILED","reason":"fallback"}"#);
}

#[tokio::test]
async fn bytes_are_passed_on_as_they_are_if_they_are_json() {
    let (inbox, _directory) = new_inbox().await;
    let running = start(inbox, |receiver| {
        receiver
            .answer_raw(&CHECKOUT, |event| async move {
                let order: Checkout = from_slice(&event.body)?;
                let status = order.extra["answer"].decode::<String>()?;
                Ok::<_, aifi_push::DecodeError>(Bytes::from(status))
            })
            .answer_fallback_raw(&CHECKOUT, "\u{feff}{ \"status\": \"unpaid\" }\n")
    })
    .await;
    let fallback = "{ \"status\": \"unpaid\" }\n";
    for (answer, expected) in [
        (
            "{ \"total\": 12.10,\n \"n\": 123456789012345678901234567890 }",
            None,
        ),
        ("\u{feff}[1e400]", Some("[1e400]")),
        ("null", None),
        ("", Some(fallback)),
        ("<html>", Some(fallback)),
        ("{} {}", Some(fallback)),
        ("\"\u{1}\"", Some(fallback)),
    ] {
        let mut order: Checkout = from_slice(CHECKOUT.example.unwrap().as_bytes()).unwrap();
        order.extra.insert("answer".to_owned(), Json::from(answer));
        let body = serde_json::to_string(&order).unwrap();
        let response = ask(&running, "checkout", &body).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.body, expected.unwrap_or(answer));
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_are_named() {
    let inbox = Arc::new(MemoryInbox::new());
    let builder = || Receiver::builder(inbox.clone(), Tokens::new(["a"]).unwrap());
    let error = |builder: ReceiverBuilder| builder.build().unwrap_err().to_string();
    let raw = |_| async { Ok::<_, io::Error>(Bytes::from("{}")) };
    assert_snapshot!(error(builder().answer(obey).answer(obey)), @"answer: two answerers of entry-code-verify: remove one");
    assert_snapshot!(error(builder().answer_raw(&TRANSITION_LEFT, raw)), @"answer: left is not a question: the questions are checkout, cart-mutator, order-price, entry-code-verify");
    assert_snapshot!(error(builder().answer_fallback::<EntryCodeVerify>(&fallback())), @"answer_fallback: entry-code-verify: it has no answerer: add one, or remove this");
    let answered = || builder().answer(obey);
    let denied =
        |receiver: ReceiverBuilder| receiver.answer_fallback::<EntryCodeVerify>(&fallback());
    assert_snapshot!(error(denied(denied(answered()))), @"answer_fallback: two fallbacks of entry-code-verify: remove one");
    for json in ["", "[]", "{\"a\" 1}", "\"no\""] {
        let builder = answered().answer_fallback_raw(&ENTRY_CODE_VERIFY, json);
        assert!(
            error(builder).starts_with("answer_fallback: entry-code-verify: "),
            "{json}"
        );
    }
    let wrong = r#"{"status": "FAILED", "customerId": "123"}"#;
    assert_snapshot!(error(answered().answer_fallback_raw(&ENTRY_CODE_VERIFY, wrong)), @"answer_fallback: entry-code-verify: `customerId` at line 1, column 41: expected a 64-bit integer, found a string");
    assert_snapshot!(error(answered().answer_fallback_raw(&ENTRY_CODE_VERIFY, "[]")), @"answer_fallback: entry-code-verify: line 1, column 0: expected an object, found a list");
    assert_snapshot!(error(answered().answer_timeout(Duration::ZERO)), @"answer_timeout: nobody answers within 0 seconds: allow more time");
    assert!(answered().answer_timeout(Duration::MAX).build().is_ok());
}
