//! A program with a consumer of its own, beside a `serve` that receives into the same file

use std::{io, sync::Arc};

use aifi_push::types::TransitionLeft;
use aifi_push_receiver::inbox::{Consumer, OpenError, Received, SqliteInbox};
use aifi_push_testkit::http;
use tokio::{runtime::Runtime, sync::mpsc};

use crate::{directory, documented, printed, serving::serve, wait_until};

#[test]
fn a_consumer_beside_serve_handles_each_event_once() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    let post = || {
        let posted = serving.exchange(&http::post(documented().as_bytes()));
        assert_eq!(posted.unwrap().status, 201);
    };
    (0..3).for_each(|_| post());

    let file = directory.path().join("events.db");
    let (handled, mut ids) = mpsc::unbounded_channel();
    let runtime = Runtime::new().unwrap();
    // To receive into it, or to restore it, is for one process.
    let second = runtime.block_on(SqliteInbox::open(&file));
    assert!(matches!(second, Err(OpenError::InUse { .. })));
    let inbox = runtime.block_on(SqliteInbox::open_existing(&file)).unwrap();
    let consumer = Consumer::builder(Arc::new(inbox), "billing")
        .concurrency(4)
        .handler(move |left: Received<TransitionLeft>| {
            let sent = handled.send(left.id);
            async move { sent.map_err(io::Error::other) }
        });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = runtime.spawn(consumer.run(async {
        let _ = stopped.await;
    }));
    // Those that are there, and those that arrive while it runs.
    let mut seen: Vec<_> = (0..3).map(|_| ids.blocking_recv().unwrap()).collect();
    for _ in 0..20 {
        post();
    }
    seen.extend((0..20).map(|_| ids.blocking_recv().unwrap()));
    let pending = || {
        let consumers = printed(&directory, &["inbox", "consumers", "--json"], 0);
        let consumer: serde_json::Value = serde_json::from_str(&consumers).unwrap();
        consumer["pending"].clone()
    };
    wait_until(|| pending() == 0);
    drop(stop);
    runtime.block_on(running).unwrap().unwrap();
    drop(runtime);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 23);
    assert!(ids.blocking_recv().is_none());

    // Nothing of it is in the way of `serve`, which also sees what it acknowledged.
    post();
    assert_eq!(pending(), 1);
    assert!(serving.terminate().unwrap().success());
}
