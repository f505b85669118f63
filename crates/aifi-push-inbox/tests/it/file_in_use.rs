//! An inbox whose files are deleted, moved, replaced or overwritten while it is open.

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use aifi_push_inbox::{
    Admin, Append, AuditEntry, ErrorChain, EventState, OpenError, Outcome, SqliteInbox,
    Subscription,
};
use aifi_push_testkit::{
    TempInbox,
    events::{bodies, numbered, stored},
};
use insta::assert_snapshot;
use rusqlite::Connection;
use tokio::time::{sleep, timeout};

use crate::{LEASE, name, new_sqlite, subscribe};

/// Longer than an inbox takes to recover.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What someone does, with a name for it.
type Case<F> = (&'static str, F);

/// From a backup to the database.
type Restore = fn(&Path, &Path);

/// The files beside the database, which an operator may forget.
fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn delete_all(database: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        fs::remove_file(beside(database, suffix)).unwrap();
    }
}

/// A consistent copy as SQLite makes it, written an hour ago.
fn backup(database: &Path) -> PathBuf {
    let backup = beside(database, ".backup");
    let connection = Connection::open(database).unwrap();
    connection
        .execute("VACUUM INTO ?", [backup.to_str().unwrap()])
        .unwrap();
    age(&backup);
    backup
}

fn age(file: &Path) {
    let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    fs::File::options()
        .write(true)
        .open(file)
        .unwrap()
        .set_modified(hour_ago)
        .unwrap();
}

async fn refused(inbox: &SqliteInbox, number: u32) -> String {
    let error = inbox.append(numbered([number])).await.unwrap_err();
    inbox.probe().await.unwrap_err();
    error.to_string() + ": " + &std::error::Error::source(&error).unwrap().to_string()
}

/// Appends an event again and again until it is stored.
async fn stored_again(inbox: &SqliteInbox, number: u32) {
    until(async || inbox.append(numbered([number])).await.is_ok()).await;
}

async fn until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let met = async {
        while !condition().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, met).await.unwrap();
}

/// The bodies in an inbox that is opened anew, sorted.
async fn after_restart(place: &TempInbox) -> Vec<String> {
    sorted(&place.open().await.unwrap()).await
}

async fn sorted(inbox: &SqliteInbox) -> Vec<String> {
    let mut bodies: Vec<_> = bodies(inbox)
        .await
        .iter()
        .map(|body| String::from_utf8(body.to_vec()).unwrap())
        .collect();
    bodies.sort();
    bodies.dedup();
    bodies
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_whatever_became_of_the_files() {
    let tamper: [Case<fn(&Path)>; 10] = [
        ("all deleted", delete_all),
        ("deleted", |database| fs::remove_file(database).unwrap()),
        ("moved away", |database| {
            fs::rename(database, beside(database, ".old")).unwrap();
        }),
        ("directory deleted", |database| {
            fs::remove_dir_all(database.parent().unwrap()).unwrap();
        }),
        ("directory moved", |database| {
            let directory = database.parent().unwrap();
            fs::rename(directory, beside(directory, ".old")).unwrap();
        }),
        ("log deleted", |database| {
            fs::remove_file(beside(database, "-wal")).unwrap();
        }),
        ("log replaced", |database| {
            let log = beside(database, "-wal");
            fs::copy(&log, beside(database, ".copy")).unwrap();
            fs::rename(beside(database, ".copy"), log).unwrap();
        }),
        ("log and index deleted", |database| {
            fs::remove_file(beside(database, "-wal")).unwrap();
            fs::remove_file(beside(database, "-shm")).unwrap();
        }),
        ("index deleted", |database| {
            fs::remove_file(beside(database, "-shm")).unwrap();
        }),
        ("replaced by an empty file", |database| {
            fs::remove_file(database).unwrap();
            fs::write(database, "").unwrap();
            age(database);
        }),
    ];
    for (what, tamper) in tamper {
        let place = TempInbox::new().unwrap();
        let inbox = place.open().await.unwrap();
        inbox.append(numbered(0..3)).await.unwrap();
        tamper(&place.path());
        refused(&inbox, 9).await;
        // As `serve` does when it ends.
        drop(inbox);
        let found = after_restart(&place).await;
        assert_eq!(found[..3], ["0", "1", "2"], "{what}");
    }
}

#[tokio::test]
async fn an_older_copy_in_its_place_gets_what_it_lacks() {
    let restore: [Case<Restore>; 4] = [
        ("moved over it", |backup, database| {
            fs::rename(backup, database).unwrap();
        }),
        (
            "copied after the deletion of all files",
            |backup, database| {
                delete_all(database);
                fs::copy(backup, database).unwrap();
            },
        ),
        ("copied after the deletion", |backup, database| {
            fs::remove_file(database).unwrap();
            fs::copy(backup, database).unwrap();
        }),
        ("written over it", |backup, database| {
            fs::copy(backup, database).unwrap();
        }),
    ];
    for (what, restore) in restore {
        let place = TempInbox::new().unwrap();
        let inbox = place.open().await.unwrap();
        let consumer = subscribe(&inbox, "billing").await;
        inbox.append(numbered(0..3)).await.unwrap();
        let backup = backup(&place.path());
        subscribe(&inbox, "later").await;
        inbox.append(numbered(3..6)).await.unwrap();
        settle_all(&*consumer).await;

        restore(&backup, &place.path());
        refused(&inbox, 6).await;
        stored_again(&inbox, 7).await;
        inbox.probe().await.unwrap();
        let found = sorted(&inbox).await;
        for number in [0, 1, 2, 3, 4, 5, 7] {
            assert!(
                found.contains(&number.to_string()),
                "{what}: {number} in {found:?}"
            );
        }
        // A subscription goes on in the file that is there now.
        assert!(
            !consumer.receive(20, LEASE).await.unwrap().is_empty(),
            "{what}"
        );
        let consumers = inbox.stats().await.unwrap().consumers;
        assert_eq!(
            consumers.len(),
            if what == "written over it" { 1 } else { 2 },
            "{what}"
        );
        drop(consumer);
        drop(inbox);
        assert_eq!(after_restart(&place).await, found, "{what}");
        check_integrity(&place.path());
    }
}

async fn settle_all(consumer: &dyn Subscription) {
    let deliveries = consumer.receive(10, LEASE).await.unwrap();
    let done = deliveries
        .into_iter()
        .map(|delivery| (delivery.receipt, Outcome::Done));
    consumer.settle(done.collect()).await.unwrap();
}

fn check_integrity(database: &Path) {
    let connection = Connection::open(database).unwrap();
    let found: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, "ok");
}

#[tokio::test]
async fn what_is_put_back_is_used_again() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..3)).await.unwrap();
    let away = beside(&place.path(), ".away");
    fs::rename(place.path(), &away).unwrap();
    assert_snapshot!(refused(&inbox, 3).await.replace(&place.path().display().to_string(), "FILE"), @"FILE: storing events failed: the file was deleted or moved while it was in use: put it back, or restore a backup; after 10 s, its events are written to a new file at its path");
    fs::rename(&away, place.path()).unwrap();
    stored_again(&inbox, 4).await;
    assert_eq!(sorted(&inbox).await[..3], ["0", "1", "2"]);
}

#[tokio::test]
async fn a_deleted_inbox_is_written_again_when_nobody_puts_it_back() {
    let (inbox, place) = new_sqlite().await;
    let consumer = subscribe(&*inbox, "billing").await;
    inbox.append(numbered(0..3)).await.unwrap();
    settle_all(&*consumer).await;
    delete_all(&place.path());
    refused(&inbox, 3).await;
    stored_again(&inbox, 4).await;
    // With the places of its consumers.
    let states: Vec<_> = stored(&*inbox)
        .await
        .iter()
        .map(|stored| stored.state)
        .collect();
    assert_eq!(states[..3], [EventState::Done; 3]);
    let second = place.open().await.unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }));
}

#[tokio::test]
async fn pauses_and_actions_survive_a_backup_in_its_place() {
    let (inbox, place) = new_sqlite().await;
    let action = |target: &str| AuditEntry::new("cli:root", "discard", target);
    let record = async |target| inbox.record_action(action(target)).await.unwrap();
    subscribe(&*inbox, "billing").await;
    record("before").await;
    let backup = backup(&place.path());
    record("after").await;
    inbox.pause_consumer(&name("billing")).await.unwrap();
    fs::rename(&backup, place.path()).unwrap();
    stored_again(&inbox, 1).await;
    let actions = inbox.actions(None, 9).await.unwrap();
    let targets: Vec<_> = actions.iter().map(|entry| &*entry.target).collect();
    assert_eq!(targets, ["after", "before"]);
    assert!(inbox.stats().await.unwrap().consumers[0].is_paused);
}

/// It waits until something else is there, and nothing of it is lost or damaged.
#[tokio::test]
async fn what_is_no_inbox_in_its_place_is_left_alone() {
    let put: [Case<fn(&Path)>; 4] = [
        ("a directory", |database| fs::create_dir(database).unwrap()),
        ("another program's database", |database| {
            let other = Connection::open(database).unwrap();
            other
                .execute_batch("CREATE TABLE song (title TEXT)")
                .unwrap();
            drop(other);
            age(database);
        }),
        ("no database", |database| {
            fs::write(
                database,
                "this is no database, but long enough to look like one",
            )
            .unwrap();
            age(database);
        }),
        ("an inbox of a later version", |database| {
            let later = Connection::open(database).unwrap();
            later
                .execute_batch("CREATE TABLE event (seq); PRAGMA user_version = 1000")
                .unwrap();
            drop(later);
            age(database);
        }),
    ];
    for (what, put) in put {
        let (inbox, place) = new_sqlite().await;
        inbox.append(numbered(0..3)).await.unwrap();
        let backup = backup(&place.path());
        fs::remove_file(place.path()).unwrap();
        put(&place.path());
        let before = fs::read(place.path()).ok();
        until(async || refused(&inbox, 3).await.contains("can't be used")).await;
        assert_eq!(fs::read(place.path()).ok(), before, "{what}");
        if what == "a directory" {
            fs::remove_dir(place.path()).unwrap();
        }
        fs::rename(backup, place.path()).unwrap();
        stored_again(&inbox, 4).await;
        assert_eq!(sorted(&inbox).await[..3], ["0", "1", "2"], "{what}");
    }
}

#[tokio::test]
async fn what_can_not_be_put_back_is_saved_beside_it() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..3)).await.unwrap();
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    refused(&inbox, 3).await;
    drop(inbox);
    let files = fs::read_dir(place.directory()).unwrap();
    let saved = files
        .map(|file| file.unwrap().path())
        .find(|path| path.to_string_lossy().contains("events.db.saved-"))
        .unwrap();
    let saved = SqliteInbox::open(saved).await.unwrap();
    assert_eq!(sorted(&saved).await[..3], ["0", "1", "2"]);
}

#[tokio::test]
async fn a_touched_file_is_the_same_file() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..3)).await.unwrap();
    age(&place.path());
    inbox.append(numbered(3..6)).await.unwrap();
    // Another program moves the log into it.
    let other = Connection::open(place.path()).unwrap();
    other
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        .unwrap();
    inbox.append(numbered(6..9)).await.unwrap();
    // Or writes it anew.
    other.execute_batch("VACUUM").unwrap();
    other
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    inbox.append(numbered(9..12)).await.unwrap();
    drop(other);
    assert_eq!(sorted(&inbox).await.len(), 12);
}

/// The log has what is missing in the file. When a backup is written over it, it goes on.
#[tokio::test]
async fn what_can_not_be_read_is_not_taken_for_a_restored_copy() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..3)).await.unwrap();
    let backup = backup(&place.path());
    inbox.append(numbered(3..6)).await.unwrap();
    fs::write(place.path(), "this is no database").unwrap();
    age(&place.path());
    until(async || refused(&inbox, 6).await.contains("can't be read")).await;
    fs::copy(backup, place.path()).unwrap();
    stored_again(&inbox, 7).await;
    let found = sorted(&inbox).await;
    for number in ["0", "1", "2", "7"] {
        assert!(
            found.iter().any(|body| body == number),
            "{number} in {found:?}"
        );
    }
    drop(inbox);
    check_integrity(&place.path());
}

#[tokio::test]
async fn what_the_log_has_of_a_truncated_file_is_stored_again() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..3)).await.unwrap();
    fs::write(place.path(), "").unwrap();
    refused(&inbox, 3).await;
    stored_again(&inbox, 4).await;
    assert_eq!(sorted(&inbox).await[..3], ["0", "1", "2"]);
    drop(inbox);
    check_integrity(&place.path());
}

/// As `cp events.db backup.db` does it, which lacks what is in the log.
#[tokio::test]
async fn a_copy_of_the_file_alone_is_written_over_it() {
    let (inbox, place) = new_sqlite().await;
    inbox.append(numbered(0..100)).await.unwrap();
    let copy = beside(&place.path(), ".copy");
    fs::copy(place.path(), &copy).unwrap();
    inbox.append(numbered(100..200)).await.unwrap();
    // The next event is in the log alone.
    let moved = Connection::open(place.path()).unwrap();
    moved
        .pragma_query(None, "wal_checkpoint", |_| Ok(()))
        .unwrap();
    inbox.append(numbered([200])).await.unwrap();
    fs::copy(copy, place.path()).unwrap();
    drop(moved);
    refused(&inbox, 300).await;
    stored_again(&inbox, 400).await;
    drop(inbox);
    check_integrity(&place.path());
    // What was in the log is there again.
    assert!(
        sorted(&place.open().await.unwrap())
            .await
            .contains(&"200".to_owned())
    );
}

#[tokio::test]
async fn a_deleted_lock_is_taken_again() {
    let (inbox, place) = new_sqlite().await;
    fs::remove_file(beside(&place.path(), ".lock")).unwrap();
    inbox.append(numbered([1])).await.unwrap();
    let second = place.open().await.unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }));
    // If another process was quicker, it is the one that receives.
    fs::remove_file(beside(&place.path(), ".lock")).unwrap();
    let other = fs::File::create(beside(&place.path(), ".lock")).unwrap();
    other.try_lock().unwrap();
    let error = inbox.append(numbered([2])).await.unwrap_err();
    let text = ErrorChain(&error).to_string();
    assert_snapshot!(text.replace(&place.path().display().to_string(), "FILE"), @"FILE: storing events failed: the lock beside it was deleted, and can't be taken again: FILE: another process receives into this inbox: stop it, or choose another file");
    drop(other);
    stored_again(&inbox, 3).await;
}

/// Who does not receive follows to the file that is at the path, and changes no other.
#[tokio::test]
async fn a_process_beside_it_follows() {
    let (inbox, place) = new_sqlite().await;
    let beside_it = SqliteInbox::open_existing(place.path()).await.unwrap();
    let consumer = subscribe(&beside_it, "billing").await;
    inbox.append(numbered(0..3)).await.unwrap();
    let backup = backup(&place.path());
    fs::rename(backup, place.path()).unwrap();
    stored_again(&inbox, 4).await;
    until(async || {
        let received = consumer.receive(20, Duration::ZERO).await;
        received.is_ok_and(|deliveries| {
            deliveries
                .iter()
                .any(|delivery| &delivery.event.body[..] == b"4")
        })
    })
    .await;
    assert!(bodies(&beside_it).await.len() >= 4);
    drop((consumer, beside_it, inbox));
    check_integrity(&place.path());
}
