//! Copies of an inbox, and what is restored from them.

use std::{
    fs,
    future::pending,
    path::{Path, PathBuf},
};

use aifi_push_inbox::{
    Admin, Append, BackupError, ErrorChain, InboxCopy, OpenError, Outcome, SqliteInbox,
};
use aifi_push_testkit::{
    TempInbox,
    events::{bodies, numbered},
};
use insta::assert_snapshot;
use rusqlite::Connection;

use crate::{LEASE, new_sqlite, subscribe};

async fn back_up(place: &TempInbox, name: &str) -> Result<InboxCopy, BackupError> {
    SqliteInbox::backup(place.path(), place.directory().join(name), false, pending()).await
}

async fn restore(from: &Path, place: &TempInbox) -> Result<InboxCopy, BackupError> {
    SqliteInbox::restore(from, place.path(), false, pending()).await
}

/// What is wrong, without the directory.
fn reason<T: std::fmt::Debug>(result: Result<T, BackupError>, place: &TempInbox) -> String {
    let text = ErrorChain(&result.unwrap_err()).to_string();
    text.replace(&place.directory().display().to_string(), "DIR")
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn numbers(count: u32) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| number.to_string().into_bytes())
        .collect()
}

/// An inbox of three events in a closed file.
async fn closed() -> TempInbox {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..3)).await.unwrap();
    drop(inbox);
    place
}

#[tokio::test]
async fn what_is_stored_is_in_the_copy_with_the_places_of_consumers() {
    let (inbox, place) = new_sqlite().await;
    let consumer = subscribe(&*inbox, "billing").await;
    inbox.append(numbered(0..3)).await.unwrap();
    let first = consumer.receive(1, LEASE).await.unwrap().remove(0);
    consumer
        .settle(vec![(first.receipt, Outcome::Done)])
        .await
        .unwrap();

    let made = back_up(&place, "copy.db").await.unwrap();
    assert_eq!((made.events, made.is_older), (3, false));
    assert!(made.newest.is_some());
    assert_eq!(made.bytes, fs::metadata(&made.path).unwrap().len());
    inbox.append(numbered(3..6)).await.unwrap();

    // It is one file, and readable by its owner only.
    let beside: Vec<_> = names(place.directory())
        .into_iter()
        .filter(|name| name.contains("copy"))
        .collect();
    assert_eq!(beside, ["copy.db"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(fs::metadata(&made.path).unwrap().mode() & 0o777, 0o600);
    }

    let other = TempInbox::new().unwrap();
    let restored = restore(&made.path, &other).await.unwrap();
    assert_eq!((restored.events, restored.replaced), (3, None));
    let opened = other.open().await.unwrap();
    assert_eq!(bodies(&opened).await, numbers(3));
    let consumers = opened.stats().await.unwrap().consumers;
    assert_eq!((&*consumers[0].name, consumers[0].pending), ("billing", 2));
    // The receiver goes on.
    assert_eq!(bodies(&*inbox).await, numbers(6));
}

#[tokio::test]
async fn every_event_that_was_acknowledged_before_is_in_the_copy() {
    let (inbox, place) = new_sqlite().await;
    let appended = std::sync::atomic::AtomicU32::new(0);
    let copied = std::sync::atomic::AtomicBool::new(false);
    let load = async {
        for number in 0_u32.. {
            inbox.append(numbered([number])).await.unwrap();
            appended.store(number + 1, std::sync::atomic::Ordering::SeqCst);
            if copied.load(std::sync::atomic::Ordering::SeqCst) {
                return number + 1;
            }
        }
        0
    };
    let copies = async {
        let mut before = Vec::new();
        for copy in ["1.db", "2.db", "3.db"] {
            let acknowledged = appended.load(std::sync::atomic::Ordering::SeqCst);
            let made = back_up(&place, copy).await.unwrap();
            before.push((acknowledged, made));
        }
        copied.store(true, std::sync::atomic::Ordering::SeqCst);
        before
    };
    let (all, copies) = tokio::join!(load, copies);
    assert_eq!(bodies(&*inbox).await, numbers(all));
    for (acknowledged, made) in copies {
        let copy = SqliteInbox::open_read_only(&made.path).await.unwrap();
        let found = bodies(&copy).await;
        assert!(found.len() >= acknowledged as usize);
        // It is of one moment: no event is missing between others.
        assert_eq!(found, numbers(u32::try_from(made.events).unwrap()));
    }
}

#[tokio::test]
async fn a_copy_is_told_from_the_inbox_that_it_is_written_over() {
    let place = closed().await;
    let made = back_up(&place, "copy.db").await.unwrap();
    SqliteInbox::restore(&made.path, place.path(), true, pending())
        .await
        .unwrap();
    let again = back_up(&place, "again.db").await.unwrap();
    let version = |path: &PathBuf| {
        let connection = Connection::open(path).unwrap();
        connection
            .pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let versions = [&place.path(), &made.path, &again.path].map(version);
    assert!(versions[0] != versions[1] && versions[1] != versions[2] && versions[0] != versions[2]);
}

#[tokio::test]
async fn a_file_is_only_replaced_when_asked_to() {
    let place = closed().await;
    fs::write(place.directory().join("copy.db"), "mine").unwrap();
    let refused = back_up(&place, "copy.db").await;
    assert_snapshot!(reason(refused, &place), @"DIR/copy.db: the file exists: choose another name, or allow to replace it");
    let path = place.directory().join("copy.db");
    let made = SqliteInbox::backup(place.path(), &path, true, pending()).await;
    assert_eq!(made.unwrap().events, 3);

    let itself = SqliteInbox::backup(place.path(), place.path(), true, pending()).await;
    assert_snapshot!(reason(itself, &place), @"DIR/events.db: the backup and the inbox are the same file");
    assert_snapshot!(reason(back_up(&place, "no/copy.db").await, &place), @"DIR/no: finding the directory failed: No such file or directory (os error 2)");
    assert_snapshot!(reason(SqliteInbox::backup(place.path(), place.directory(), true, pending()).await, &place), @"DIR: writing the backup failed: is a directory");
    assert_eq!(
        names(place.directory()),
        ["copy.db", "events.db", "events.db.lock"]
    );
}

#[tokio::test]
async fn what_is_no_inbox_is_not_backed_up() {
    let place = TempInbox::new().unwrap();
    assert_snapshot!(reason(back_up(&place, "copy.db").await, &place), @"DIR/events.db: opening the inbox failed: No such file or directory (os error 2)");
    let other = Connection::open(place.path()).unwrap();
    other
        .execute_batch("CREATE TABLE song (title TEXT)")
        .unwrap();
    drop(other);
    assert_snapshot!(reason(back_up(&place, "copy.db").await, &place), @"inbox: DIR/events.db: this is the database of another program: choose another file");
    assert_eq!(names(place.directory()), ["events.db"]);
}

#[tokio::test]
async fn a_damaged_inbox_gives_no_backup() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..500)).await.unwrap();
    drop(inbox);
    let mut bytes = fs::read(place.path()).unwrap();
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xff);
    fs::write(place.path(), bytes).unwrap();
    let refused = back_up(&place, "copy.db").await.unwrap_err();
    assert!(
        matches!(refused, BackupError::Damaged { .. }),
        "{refused:?}"
    );
    assert!(!names(place.directory()).join(" ").contains("copy"));
}

#[tokio::test]
async fn an_inbox_with_events_is_only_replaced_when_asked_to_and_kept() {
    let place = closed().await;
    let made = back_up(&place, "copy.db").await.unwrap();
    let inbox = place.open().await.unwrap();
    inbox.append(numbered(3..5)).await.unwrap();
    let in_use = SqliteInbox::restore(&made.path, place.path(), true, pending()).await;
    assert!(matches!(
        in_use,
        Err(BackupError::Open(OpenError::InUse { .. }))
    ));
    drop(inbox);

    let refused = restore(&made.path, &place).await;
    assert_snapshot!(reason(refused, &place), @"DIR/events.db: the inbox has 5 events: choose another file, or allow to replace it, which keeps the old file beside it");
    let restored = SqliteInbox::restore(&made.path, place.path(), true, pending())
        .await
        .unwrap();
    assert_eq!(bodies(&place.open().await.unwrap()).await, numbers(3));
    let kept = SqliteInbox::open(restored.replaced.unwrap()).await.unwrap();
    assert_eq!(bodies(&kept).await, numbers(5));
    // Twice is no different.
    let twice = SqliteInbox::restore(&made.path, place.path(), true, pending()).await;
    assert!(twice.unwrap().replaced.is_some());
    assert_eq!(bodies(&place.open().await.unwrap()).await, numbers(3));
}

#[tokio::test]
async fn an_inbox_without_events_is_replaced() {
    let place = closed().await;
    let made = back_up(&place, "copy.db").await.unwrap();
    let (inbox, empty) = new_sqlite().await;
    drop(inbox);
    assert_eq!(restore(&made.path, &empty).await.unwrap().events, 3);
    assert_eq!(bodies(&empty.open().await.unwrap()).await, numbers(3));
}

/// What a crash left in the log is part of the file that is kept, and of no other.
#[tokio::test]
async fn a_log_that_was_left_goes_with_its_file() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..3)).await.unwrap();
    // As after a crash: file and log, of which nobody made one.
    let crashed = TempInbox::new().unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("events.db{suffix}");
        fs::copy(
            place.directory().join(&name),
            crashed.directory().join(name),
        )
        .unwrap();
    }
    // It is backed up as well.
    assert_eq!(back_up(&crashed, "copy.db").await.unwrap().events, 3);
    for suffix in ["", "-wal"] {
        let name = format!("events.db{suffix}");
        fs::copy(
            place.directory().join(&name),
            crashed.directory().join(name),
        )
        .unwrap();
    }
    inbox.append(numbered(3..9)).await.unwrap();
    let made = back_up(&place, "copy.db").await.unwrap();
    let restored = SqliteInbox::restore(&made.path, crashed.path(), true, pending())
        .await
        .unwrap();
    assert_eq!(bodies(&crashed.open().await.unwrap()).await, numbers(9));
    let kept = SqliteInbox::open(restored.replaced.unwrap()).await.unwrap();
    assert_eq!(bodies(&kept).await, numbers(3));
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let place = closed().await;
    let made = back_up(&place, "copy.db").await.unwrap();
    let whole = fs::read(&made.path).unwrap();
    let bad = place.directory().join("bad.db");
    let mut reasons = Vec::new();
    for bytes in [
        &whole[..whole.len() / 2],
        &whole[..1000],
        b"",
        b"this is no database, but long enough to look like one",
    ] {
        fs::write(&bad, bytes).unwrap();
        let refused = SqliteInbox::restore(&bad, place.path(), true, pending()).await;
        reasons.push(reason(refused, &place));
    }
    fs::remove_file(&bad).unwrap();
    let other = Connection::open(&bad).unwrap();
    other.execute_batch("CREATE TABLE event (seq)").unwrap();
    drop(other);
    for later in [false, true] {
        if later {
            let other = Connection::open(&bad).unwrap();
            other.pragma_update(None, "user_version", 1000).unwrap();
        }
        let refused = SqliteInbox::restore(&bad, place.path(), true, pending()).await;
        reasons.push(reason(refused, &place));
    }
    let missing = place.directory().join("missing.db");
    reasons.push(reason(
        SqliteInbox::restore(missing, place.path(), true, pending()).await,
        &place,
    ));
    assert_snapshot!(reasons.join("\n"), @"
    DIR/bad.db: opening the inbox failed: database disk image is malformed: Error code 11: database disk image is malformed
    DIR/bad.db: opening the inbox failed: database disk image is malformed: Error code 11: database disk image is malformed
    inbox: DIR/bad.db: the file is empty: it is no inbox
    DIR/bad.db: opening the inbox failed: file is not a database: Error code 26: file is not a database
    inbox: DIR/bad.db: this is the database of another program: choose another file
    inbox: DIR/bad.db: inbox schema version 1000 is newer than this build supports (4): upgrade aifi-push
    DIR/missing.db: opening the inbox failed: No such file or directory (os error 2)
    ");
    // Nothing was changed, and nothing is left.
    assert_eq!(bodies(&place.open().await.unwrap()).await, numbers(3));
    assert_eq!(
        names(place.directory()),
        ["bad.db", "copy.db", "events.db", "events.db.lock"]
    );
}

#[tokio::test]
async fn a_backup_of_an_earlier_version_is_migrated_when_it_is_opened() {
    let place = TempInbox::new().unwrap();
    let old = Connection::open(place.path()).unwrap();
    old.execute_batch(include_str!("../../src/sqlite/schema/1.sql"))
        .unwrap();
    old.execute_batch(&format!(
        "INSERT INTO event VALUES (7, x'{}', 1, 'leftTransition', x'{}', 1, NULL);
         INSERT INTO body VALUES (7, x'37');
         PRAGMA user_version = 1",
        "07".repeat(16),
        "07".repeat(32)
    ))
    .unwrap();
    drop(old);
    let made = back_up(&place, "copy.db").await.unwrap();
    assert!(made.is_older);
    let other = TempInbox::new().unwrap();
    assert!(restore(&made.path, &other).await.unwrap().is_older);
    assert_eq!(bodies(&other.open().await.unwrap()).await, [b"7"]);
}

#[tokio::test]
async fn nothing_is_left_of_a_copy_that_nobody_waits_for() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..1000)).await.unwrap();
    let copying = back_up(&place, "copy.db");
    // It is dropped when it has begun.
    assert!(
        tokio::time::timeout(std::time::Duration::ZERO, copying)
            .await
            .is_err()
    );
    // The next one runs behind it or beside it.
    back_up(&place, "next.db").await.unwrap();
    let is_gone = || {
        names(place.directory())
            .iter()
            .all(|name| !name.contains("copy"))
    };
    while !is_gone() {
        tokio::task::yield_now().await;
    }
}

/// Who restores it may be the administrator; who receives into it is somebody else.
#[cfg(unix)]
#[tokio::test]
async fn an_inbox_belongs_to_whom_it_belonged() {
    use std::os::unix::fs::{MetadataExt, chown};
    let place = closed().await;
    let made = back_up(&place, "copy.db").await.unwrap();
    let other = TempInbox::new().unwrap();
    let nobody = 65534;
    if chown(other.directory(), Some(nobody), None).is_err() {
        // Only the administrator can give files away.
        return;
    }
    restore(&made.path, &other).await.unwrap();
    let owner = |path: PathBuf| fs::metadata(path).unwrap().uid();
    assert_eq!(owner(other.path()), nobody);
    assert_eq!(owner(other.directory().join("events.db.lock")), nobody);
}
