//! `aifi-push serve --keep-for`

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::inbox::{
    Append, ConsumerName, Event, NewEvent, SqliteInbox, Subscribe, SubscribeOptions,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{directory, printed, serving::serve};

/// An inbox with three events of last year, one of them quarantined, and a new one.
fn old_events(consumer: Option<&str>) -> TempDir {
    let directory = directory();
    let append = async {
        let inbox = SqliteInbox::open(directory.path().join("events.db"))
            .await
            .unwrap();
        if let Some(name) = consumer {
            let name: ConsumerName = name.parse().unwrap();
            inbox
                .subscribe(&name, SubscribeOptions::default())
                .await
                .unwrap();
        }
        let event = || Event::new(&TRANSITION_LEFT, "{}");
        let old = || {
            let mut event = event();
            event.received_at -= chrono::TimeDelta::days(365);
            event
        };
        let events = vec![
            NewEvent::accepted(old()),
            NewEvent::accepted(old()),
            NewEvent::quarantined(old(), "forced"),
            NewEvent::accepted(event()),
        ];
        inbox.append(events).await.unwrap();
    };
    Runtime::new().unwrap().block_on(append);
    directory
}

fn count(directory: &TempDir) -> usize {
    printed(directory, &["inbox", "list", "--json"], 0)
        .lines()
        .count()
}

#[test]
fn events_are_deleted_at_their_age_where_there_is_no_consumer() {
    let directory = old_events(None);
    let mut serving = serve(&directory, &["--keep-for", "90d"]);
    let line = serving.wait_for_log("acknowledged or not").unwrap();
    assert!(line.contains("90d"), "{line}");
    serving.wait_for_log("there is no consumer").unwrap();
    assert_eq!(count(&directory), 1);
}

#[test]
fn it_is_said_when_a_consumer_did_not_acknowledge_what_is_deleted() {
    let directory = old_events(Some("billing"));
    let mut serving = serve(&directory, &["--keep-for", "90d"]);
    let line = serving
        .wait_for_log("deleted before every consumer")
        .unwrap();
    assert!(line.contains("WARN") && line.contains("events=3"), "{line}");
    assert_eq!(count(&directory), 1);
}

#[test]
fn what_is_not_consumed_can_be_kept() {
    let directory = old_events(Some("billing"));
    let arguments = ["--keep-for", "90d", "--keep-unconsumed"];
    let mut serving = serve(&directory, &arguments);
    serving
        .wait_for_log("if every consumer acknowledged")
        .unwrap();
    serving.signal("TERM").unwrap();
    serving.wait().unwrap();
    assert_eq!(count(&directory), 4);

    let mut serving = serve(&directory, &[]);
    serving.wait_for_log("--keep-for is not set").unwrap();
}
