//! An inbox that is looked at: nothing of it changes.

use std::{collections::BTreeMap, fs, path::Path};

use aifi_push_inbox::{
    Admin, Append, ErrorChain, OpenError, SqliteInbox, Subscribe, SubscribeOptions,
};
use aifi_push_testkit::{
    TempInbox,
    events::{bodies, numbered},
};
use insta::assert_snapshot;
use rusqlite::Connection;

use crate::name;

/// Every file of a directory, byte for byte.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(directory).unwrap();
    files
        .map(|file| file.unwrap())
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read(file.path()).unwrap())
        })
        .collect()
}

async fn look(place: &TempInbox) -> Result<SqliteInbox, OpenError> {
    SqliteInbox::open_read_only(place.path()).await
}

/// Copies some files of an inbox elsewhere.
fn copy(from: &TempInbox, names: &[&str]) -> TempInbox {
    let to = TempInbox::new().unwrap();
    for name in names {
        fs::copy(from.directory().join(name), to.directory().join(name)).unwrap();
    }
    to
}

#[tokio::test]
async fn an_inbox_that_is_closed_stays_as_it_is() {
    let place = TempInbox::new().unwrap();
    let inbox = place.open().await.unwrap();
    inbox.append(numbered(0..3)).await.unwrap();
    drop(inbox);
    let before = contents(place.directory());
    let looking = look(&place).await.unwrap();
    assert_eq!(bodies(&looking).await.len(), 3);
    assert_eq!(looking.stats().await.unwrap().events, 3);
    assert_eq!(contents(place.directory()), before);

    // It follows who receives from now on, and sees what is left in the end.
    let inbox = place.open().await.unwrap();
    inbox.append(numbered(3..6)).await.unwrap();
    assert_eq!(bodies(&looking).await.len(), 6);
    drop(inbox);
    assert_eq!(bodies(&looking).await.len(), 6);
}

#[tokio::test]
async fn a_copy_stays_as_it_is() {
    let place = TempInbox::new().unwrap();
    let inbox = place.open().await.unwrap();
    inbox.append(numbered(0..3)).await.unwrap();
    for names in [
        &["events.db", "events.db-wal"][..],
        &["events.db", "events.db-wal", "events.db-shm"],
        &[
            "events.db",
            "events.db-wal",
            "events.db-shm",
            "events.db.lock",
        ],
    ] {
        let copy = copy(&place, names);
        let before = contents(copy.directory());
        let looking = look(&copy).await.unwrap();
        assert_eq!(bodies(&looking).await.len(), 3, "{names:?}");
        drop(looking);
        let after = contents(copy.directory());
        assert!(after.keys().eq(before.keys()), "{:?}", after.keys());
        assert!(after == before, "{names:?} changed");
    }
}

/// As root, permissions refuse nothing: a read-only mount is tried at the command line.
#[tokio::test]
async fn it_works_where_nothing_can_be_written() {
    let place = TempInbox::new().unwrap();
    let inbox = place.open().await.unwrap();
    inbox.append(numbered(0..3)).await.unwrap();
    let copy = copy(&place, &["events.db", "events.db-wal"]);
    let mut read_only = fs::metadata(copy.path()).unwrap().permissions();
    read_only.set_readonly(true);
    for file in ["events.db", "events.db-wal", ""] {
        fs::set_permissions(copy.directory().join(file), read_only.clone()).unwrap();
    }
    #[cfg(unix)]
    fs::set_permissions(
        copy.directory(),
        std::os::unix::fs::PermissionsExt::from_mode(0o500),
    )
    .unwrap();
    assert_eq!(bodies(&look(&copy).await.unwrap()).await.len(), 3);
    #[cfg(unix)]
    fs::set_permissions(
        copy.directory(),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
}

#[tokio::test]
async fn what_would_change_it_fails() {
    let place = TempInbox::new().unwrap();
    drop(place.open().await.unwrap());
    let looking = look(&place).await.unwrap();
    let error = looking.append(numbered([1])).await.unwrap_err();
    let text = ErrorChain(&error).to_string();
    assert_snapshot!(text.replace(&place.path().display().to_string(), "FILE"), @"FILE: storing events failed: it is open to be read only");
    let id = numbered([1])[0].event.id;
    looking.discard(id).await.unwrap_err();
    let subscribed = looking
        .subscribe(&name("a"), SubscribeOptions::default())
        .await;
    subscribed.unwrap_err();
}

#[tokio::test]
async fn what_is_no_inbox_stays_as_it_is() {
    let refused = async |place: &TempInbox| {
        let before = contents(place.directory());
        let texts = [
            look(place).await.unwrap_err(),
            SqliteInbox::open_existing(place.path()).await.unwrap_err(),
        ]
        .map(|error| {
            let text = ErrorChain(&error).to_string();
            text.replace(&place.path().display().to_string(), "FILE")
        });
        assert_eq!(contents(place.directory()), before);
        texts.join("\n")
    };
    let empty = TempInbox::new().unwrap();
    fs::write(empty.path(), "").unwrap();
    assert_snapshot!(refused(&empty).await, @"
    inbox: FILE: the file is empty: it is no inbox
    inbox: FILE: the file is empty: it is no inbox
    ");

    let other = TempInbox::new().unwrap();
    let database = Connection::open(other.path()).unwrap();
    database
        .execute_batch("CREATE TABLE song (title TEXT)")
        .unwrap();
    drop(database);
    assert_snapshot!(refused(&other).await, @"
    inbox: FILE: this is the database of another program: choose another file
    inbox: FILE: this is the database of another program: choose another file
    ");

    let earlier = TempInbox::new().unwrap();
    let database = Connection::open(earlier.path()).unwrap();
    database
        .execute_batch(include_str!("../../src/sqlite/schema/1.sql"))
        .unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    drop(database);
    assert_snapshot!(refused(&earlier).await, @"
    inbox: FILE: inbox schema version 1 is older than this build reads (4): start `aifi-push serve` with it, or with a copy, to migrate it
    inbox: FILE: inbox schema version 1 is older than this build reads (4): start `aifi-push serve` with it, or with a copy, to migrate it
    ");
}

#[cfg(unix)]
#[tokio::test]
async fn an_inbox_in_use_is_the_same_by_whatever_name() {
    let place = TempInbox::new().unwrap();
    let link = place.directory().join("link.db");
    std::os::unix::fs::symlink("events.db", &link).unwrap();
    // Also by the link first, when the file does not exist yet.
    let inbox = SqliteInbox::open(&link).await.unwrap();
    inbox.append(numbered(0..3)).await.unwrap();
    let second = place.open().await.unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");
    drop(inbox);
    let inbox = place.open().await.unwrap();
    assert_eq!(bodies(&inbox).await.len(), 3);
    let second = SqliteInbox::open(&link).await.unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");

    let hard = place.directory().join("hard.db");
    fs::hard_link(place.path(), &hard).unwrap();
    let refused = SqliteInbox::open(&hard).await.unwrap_err().to_string();
    assert_snapshot!(refused.replace(&hard.display().to_string(), "FILE"), @"inbox: FILE: the file has another name as well, by a hard link, and SQLite's log belongs to one name: remove the other, or use a symbolic link");
    let beside = SqliteInbox::open_existing(&hard).await.unwrap_err();
    assert_eq!(beside.to_string(), refused);
    // Who receives goes on.
    inbox.append(numbered(3..6)).await.unwrap();
    let mut names: Vec<_> = contents(place.directory()).into_keys().collect();
    names.retain(|name| !name.starts_with("events.db"));
    assert_eq!(names, ["hard.db", "link.db"]);
}
