//! What is true of the SQLite inbox alone.

use std::{
    error::Error as StdError, fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc,
    time::Duration,
};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_inbox::{
    Admin, Append, AuditEntry, Event, EventFilter, EventState, NewEvent, OpenError, Outcome,
    Retention, SqliteInbox, Subject, SubjectKind,
};
use aifi_push_testkit::{
    TempInbox,
    events::{bodies, numbered, stored},
};
use insta::assert_snapshot;
use rusqlite::Connection;

use crate::{LEASE, conformance, name, new_sqlite, subscribe};

conformance::conformance!(new_sqlite);

fn text(error: &dyn StdError, path: &Path) -> String {
    error
        .to_string()
        .replace(&path.display().to_string(), "FILE")
}

#[tokio::test]
async fn one_process_receives_and_others_look() {
    let place = TempInbox::new().unwrap();
    let inbox = place.open().await.unwrap();
    let second = place.open().await.unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }));
    assert_snapshot!(text(&second, &place.path()), @"FILE: another process receives into this inbox: stop it, or choose another file");

    inbox.append(numbered(0..2)).await.unwrap();
    let beside = SqliteInbox::open_existing(place.path()).await.unwrap();
    assert_eq!(bodies(&beside).await.len(), 2);
    drop(inbox);
    place.open().await.unwrap();
}

#[tokio::test]
async fn events_survive_and_so_do_cursors() {
    let place = TempInbox::new().unwrap();
    {
        let inbox = place.open().await.unwrap();
        inbox.append(numbered(0..3)).await.unwrap();
        let a = subscribe(&inbox, "a").await;
        a.receive(2, LEASE).await.unwrap();
    }
    let inbox = place.open().await.unwrap();
    assert_eq!(bodies(&inbox).await.len(), 3);
    let a = subscribe(&inbox, "a").await;
    let rest = a.receive(2, LEASE).await.unwrap();
    assert_eq!(&rest[0].event.body[..], b"2");
}

#[tokio::test]
async fn a_process_beside_wakes_and_settles() {
    let (inbox, place) = new_sqlite().await;
    let beside = SqliteInbox::open_existing(place.path()).await.unwrap();
    let there = subscribe(&beside, "a").await;
    let (received, ()) = tokio::join!(there.receive(1, LEASE), async {
        inbox.append(numbered([1])).await.unwrap();
    });
    let receipt = received.unwrap().remove(0).receipt;
    // Also by a subscription of the other process.
    let here = subscribe(&*inbox, "a").await;
    here.settle(vec![(receipt, Outcome::Done)]).await.unwrap();
    assert_eq!(stored(&beside).await[0].state, EventState::Done);
}

#[tokio::test]
async fn a_body_that_is_too_large_fails_alone() {
    let (inbox, place) = new_sqlite().await;
    // As if SQLite were compiled for smaller values.
    let inbox = Arc::clone(&inbox);
    let connection = Connection::open(place.path()).unwrap();
    connection
        .execute_batch(
            "CREATE TRIGGER small BEFORE INSERT ON body WHEN length(NEW.bytes) > 1000
             BEGIN SELECT RAISE(ABORT, 'too large'); END",
        )
        .unwrap();
    drop(connection);
    let large = NewEvent::accepted(Event::new(&TRANSITION_LEFT, vec![b'x'; 1001]));
    let appends = (0..20).map(|number| {
        let (inbox, large) = (Arc::clone(&inbox), large.clone());
        tokio::spawn(async move {
            if number == 10 {
                inbox.append(vec![large]).await.unwrap_err();
            } else {
                inbox.append(numbered([number])).await.unwrap();
            }
        })
    });
    for append in appends.collect::<Vec<_>>() {
        append.await.unwrap();
    }
    assert_eq!(bodies(&*inbox).await.len(), 19);
}

#[tokio::test]
async fn the_files_are_private() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered([1])).await.unwrap();
    let files = fs::read_dir(place.directory()).unwrap();
    let modes: Vec<u32> = files
        .map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    // The database, its log, its index and the lock, and perhaps the reserve.
    assert!(
        modes.len() >= 4 && modes.iter().all(|mode| *mode == 0o600),
        "{modes:?}"
    );
}

#[tokio::test]
async fn files_of_other_programs_are_refused() {
    let place = TempInbox::new().unwrap();
    let path = place.path();
    let missing = SqliteInbox::open_existing(&path).await.unwrap_err();
    assert_snapshot!(text(&missing, &path), @"FILE: opening the inbox failed");

    let garbage = "this is no database, but long enough to look like one";
    fs::write(&path, garbage).unwrap();
    let no_database = place.open().await.unwrap_err();
    assert_snapshot!(text(&no_database, &path), @"FILE: opening the inbox failed");

    fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE song (title TEXT)")
        .unwrap();
    let other = place.open().await.unwrap_err();
    assert_snapshot!(text(&other, &path), @"inbox: FILE: this is the database of another program: choose another file");

    let newer = TempInbox::new().unwrap();
    drop(newer.open().await.unwrap());
    let connection = Connection::open(newer.path()).unwrap();
    connection
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    let refused = newer.open().await.unwrap_err();
    assert_snapshot!(text(&refused, &newer.path()), @"inbox: FILE: inbox schema version 1000 is newer than this build supports (4): upgrade aifi-push");
}

/// The number of blocks that a migration left to be indexed.
fn unindexed(place: &TempInbox) -> u64 {
    let connection = Connection::open(place.path()).unwrap();
    let count = "SELECT count(*) FROM event_block WHERE NOT is_indexed";
    connection.query_row(count, [], |row| row.get(0)).unwrap()
}

/// The number of events that are about a customer.
async fn find(inbox: &SqliteInbox, customer: &str) -> usize {
    let filter = EventFilter {
        subjects: vec![Subject::new(SubjectKind::Customer, customer)],
        ..EventFilter::default()
    };
    inbox.list(&filter, None, 9).await.unwrap().len()
}

#[tokio::test]
async fn an_inbox_of_the_first_version_is_migrated() {
    let place = TempInbox::new().unwrap();
    let connection = Connection::open(place.path()).unwrap();
    let schema = include_str!("../../src/sqlite/schema/1.sql");
    connection.execute_batch(schema).unwrap();
    connection
        .execute_batch(
            r#"INSERT INTO event VALUES
                 (1, x'01920000000070008000000000000001', 1, 'transition_left', zeroblob(32), 25, NULL),
                 (2, x'01920000000070008000000000000002', 2, 'transition_left', zeroblob(32), 1, 'no'),
                 (3, x'01920000000070008000000000000003', 3, 'transition_left', zeroblob(32), 1, NULL);
             INSERT INTO body VALUES
                 (1, CAST('{"customer": {"id": "k"}}' AS BLOB)), (2, x'62'), (3, x'63');
             INSERT INTO consumer VALUES ('forward', 1);
             INSERT INTO delivery VALUES ('forward', 1, 2, NULL, 5, 'it failed');
             PRAGMA user_version = 1"#,
        )
        .unwrap();
    drop(connection);
    let inbox = place.open().await.unwrap();
    // What it contained is counted and found, whether it is indexed already or not.
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.events, stats.quarantined, stats.bytes), (3, 1, 27));
    assert_eq!(stats.consumers[0].pending, 2);
    while unindexed(&place) > 0 {
        assert_eq!(find(&inbox, "k").await, 1);
    }
    assert_eq!(find(&inbox, "k").await, 1);
    assert_eq!(find(&inbox, "no").await, 0);
    let states: Vec<_> = stored(&inbox)
        .await
        .iter()
        .map(|stored| stored.state)
        .collect();
    assert_eq!(
        states,
        [
            EventState::Pending,
            EventState::Quarantined,
            EventState::Pending
        ]
    );
    let forward = subscribe(&inbox, "forward").await;
    let received = forward.receive(9, LEASE).await.unwrap();
    let attempts: Vec<_> = received.iter().map(|delivery| delivery.attempt).collect();
    assert_eq!(attempts, [3, 1]);
}

#[tokio::test]
async fn a_pause_is_seen_by_every_process_and_survives_a_restart() {
    let (inbox, place) = new_sqlite().await;
    let a = subscribe(&*inbox, "a").await;
    let beside = SqliteInbox::open_existing(place.path()).await.unwrap();
    beside.pause_consumer(&name("a")).await.unwrap();
    inbox.append(numbered([1])).await.unwrap();
    assert!(a.receive(9, Duration::ZERO).await.unwrap().is_empty());
    drop((a, inbox));
    let inbox = place.open().await.unwrap();
    let a = subscribe(&inbox, "a").await;
    assert!(a.receive(9, Duration::ZERO).await.unwrap().is_empty());
    let (received, ()) = tokio::join!(a.receive(9, LEASE), async {
        beside.resume_consumer(&name("a")).await.unwrap();
    });
    assert_eq!(received.unwrap().len(), 1);
}

#[tokio::test]
async fn the_newest_actions_are_remembered() {
    let (inbox, place) = new_sqlite().await;
    inbox
        .record_action(AuditEntry::new("cli:root", "prune", "first"))
        .await
        .unwrap();
    Connection::open(place.path())
        .unwrap()
        .execute_batch("UPDATE sqlite_sequence SET seq = 99999 WHERE name = 'action'")
        .unwrap();
    let targets = async || {
        let actions = inbox.actions(None, 9).await.unwrap();
        let targets = actions.into_iter().map(|entry| entry.target);
        targets.collect::<Vec<_>>()
    };
    for (target, expected) in [
        ("second", &["second", "first"][..]),
        ("third", &["third", "second"]),
    ] {
        inbox
            .record_action(AuditEntry::new("cli:root", "prune", target))
            .await
            .unwrap();
        assert_eq!(targets().await, expected);
    }
}

/// The files of an inbox that contain some bytes.
fn files_with(place: &TempInbox, wanted: &[u8]) -> Vec<String> {
    let files = fs::read_dir(place.directory()).unwrap();
    let mut names = Vec::new();
    for file in files {
        let file = file.unwrap();
        let bytes = fs::read(file.path()).unwrap();
        if bytes.windows(wanted.len()).any(|found| found == wanted) {
            names.push(file.file_name().to_string_lossy().into_owned());
        }
    }
    names
}

#[tokio::test]
async fn the_bytes_of_erased_events_are_gone() {
    let (inbox, place) = new_sqlite().await;
    // As `inbox` does while `serve` receives, with a consumer of its own.
    let beside = SqliteInbox::open_existing(place.path()).await.unwrap();
    let consumer = subscribe(&beside, "a").await;
    let mut ids = Vec::new();
    for round in 0..40 {
        // Bodies that share a page with others, and bodies that take many.
        let padding = "p".repeat([10, 700, 3000, 9000][round % 4]);
        for person in ["alice", "carol"] {
            let body = format!(
                r#"{{"customer": {{"id": "{person}-{round}"}}, "sessionId": "of-{person}", "p": "{padding}"}}"#
            );
            let event = Event::new(&TRANSITION_LEFT, body);
            if person == "alice" {
                ids.push(event.id);
            }
            let new = if round % 3 == 0 {
                NewEvent::quarantined(event, "no")
            } else {
                NewEvent::accepted(event)
            };
            inbox.append(vec![new]).await.unwrap();
        }
        let received = consumer.receive(9, Duration::ZERO).await.unwrap();
        let outcome = if round % 2 == 0 {
            Outcome::Done
        } else {
            Outcome::Dead {
                problem: "it failed".to_owned(),
            }
        };
        let receipts = received.into_iter().map(|delivery| delivery.receipt);
        let outcomes = receipts.map(|receipt| (receipt, outcome.clone()));
        consumer.settle(outcomes.collect()).await.unwrap();
    }
    // Some are discarded before, so that pages are merged.
    for id in &ids[..5] {
        inbox.discard(*id).await.unwrap();
    }
    assert!(!files_with(&place, b"of-alice").is_empty());
    assert_eq!(beside.erase(ids.clone()).await.unwrap(), 35);
    for gone in ["of-alice", "alice-"] {
        assert_eq!(files_with(&place, gone.as_bytes()), [""; 0]);
    }
    for id in ids {
        assert_eq!(files_with(&place, id.as_bytes()), [""; 0]);
    }
    assert_eq!(files_with(&place, b"of-carol"), ["events.db"]);
    assert_eq!(bodies(&*inbox).await.len(), 40);
}

#[tokio::test]
async fn the_log_does_not_grow_without_bound() {
    let (inbox, place) = new_sqlite().await;
    let log = place.directory().join("events.db-wal");
    for _ in 0..200 {
        inbox.append(numbered(0..1000)).await.unwrap();
    }
    let length = log.metadata().unwrap().len();
    assert!(length < 64 * 1024 * 1024, "{length} bytes");
}

#[tokio::test]
async fn room_is_returned_to_the_disk() {
    let (inbox, place) = new_sqlite().await;
    let body = vec![b'x'; 100_000];
    let event = |_| NewEvent::accepted(Event::new(&TRANSITION_LEFT, body.clone()));
    inbox.append((0..100).map(event).collect()).await.unwrap();
    let retention = Retention {
        max_bytes: Some(0),
        include_unconsumed: true,
        ..Default::default()
    };
    assert_eq!(inbox.prune(&retention).await.unwrap().events, 100);
    drop(inbox);
    // The last connection folds the log into the file.
    let length = place.path().metadata().unwrap().len();
    assert!(length < 1_000_000, "{length} bytes");
}
