//! Neither the token nor customer data appears in logs.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use aifi_push::{Client, RetryPolicy};
use insta::assert_snapshot;
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

use crate::{
    document::example_event,
    server::{Answer, Server, TOKEN},
};

/// Returns everything that is logged while `run` runs, at the finest level.
async fn logged(run: impl Future<Output = ()>) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .without_time()
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    run.await;
    drop(guard);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[track_caller]
fn assert_no_secret(text: &str) {
    for secret in [TOKEN, "SHOPPER-4711"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn neither_debug_nor_errors_nor_logs_contain_a_secret() {
    let mut event = example_event();
    event.shopper_id = "SHOPPER-4711".to_owned();
    // A server that repeats what it was sent.
    let echo = format!("token {TOKEN} of SHOPPER-4711 is bad");
    let log = logged(async {
        for answer in [
            Answer::status(200, &echo),
            Answer::status(401, &echo),
            Answer::status(422, &echo),
            Answer::status(503, &echo),
            Answer::with_headers(302, &format!("location: /{TOKEN}\r\n"), &echo),
            Answer::Nothing,
            Answer::Silence,
            Answer::Text(format!("{echo}\r\n\r\n")),
        ] {
            let server = Server::start([answer]).await;
            let builder = server.builder().timeout(Duration::from_millis(50)).retry(
                RetryPolicy::default()
                    .max_attempts(2)
                    .first_delay(Duration::ZERO),
            );
            assert_no_secret(&format!("{builder:?} {builder:#?}"));
            let client = builder.build().unwrap();
            assert_no_secret(&format!("{client:?} {client:#?}"));
            let result = client.transition_left(&event).await;
            assert_no_secret(&format!("{result:?} {result:#?}"));
            if let Err(error) = result {
                assert_no_secret(&error.to_string());
            }
            assert!(!server.requests().is_empty());
        }
        for token in [format!("{TOKEN}\n"), format!("{TOKEN}\u{7f}")] {
            let error = Client::builder("http://127.0.0.1").bearer_token(token);
            let error = error.build().unwrap_err();
            assert_no_secret(&format!("{error} {error:?}"));
        }
    })
    .await;
    assert_no_secret(&log);
    assert!(log.contains("aifi_push"), "{log}");
}

#[tokio::test]
async fn a_span_has_operation_status_attempts_and_duration() {
    let log = logged(async {
        let server = Server::start([Answer::status(503, ""), Answer::status(201, "")]).await;
        let retries = RetryPolicy::default().first_delay(Duration::ZERO);
        let client = server.builder().retry(retries).build().unwrap();
        client.transition_left(&example_event()).await.unwrap();
    })
    .await;
    let closed = log.lines().find(|line| line.contains("close")).unwrap();
    let fields = closed.split_once(" close").unwrap().0;
    let (before, after) = fields.split_once("duration_ms=").unwrap();
    let digits = |c: char| c.is_ascii_digit();
    let after = after.trim_start_matches(digits);
    assert_snapshot!(format!("{before}duration_ms=N{after}"), @r#" INFO aifi_push{operation="transition_left" status=201 attempts=2 duration_ms=N}: aifi_push::client:"#);
}
