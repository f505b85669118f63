//! What is true of the SQLite inbox alone.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use aifi_push_receiver::{Error, Inbox, SqliteInbox};
use insta::assert_snapshot;
use rusqlite::Connection;

use crate::{bodies, events, inbox_suite, new_inbox};

inbox_suite::suite!(new_inbox);

fn text(error: &Error, path: &Path) -> String {
    error
        .to_string()
        .replace(&path.display().to_string(), "FILE")
}

#[tokio::test]
async fn one_process_receives_and_others_look() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let inbox = SqliteInbox::open(&path).await.unwrap();
    let second = SqliteInbox::open(&path).await.unwrap_err();
    assert!(matches!(second, Error::InUse { .. }));
    assert_snapshot!(text(&second, &path), @"FILE: another process receives into this inbox: stop it, or name another file");

    inbox.append(events(0..2)).await.unwrap();
    let beside = SqliteInbox::open_beside(&path).await.unwrap();
    assert_eq!(bodies(&beside).await.len(), 2);
    drop(inbox);
    SqliteInbox::open(&path).await.unwrap();
}

#[tokio::test]
async fn events_survive_and_so_do_cursors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let lease = std::time::Duration::from_secs(600);
    {
        let inbox = SqliteInbox::open(&path).await.unwrap();
        inbox.append(events(0..3)).await.unwrap();
        inbox.take("a", 2, lease, lease).await.unwrap();
    }
    let inbox = SqliteInbox::open(&path).await.unwrap();
    assert_eq!(bodies(&inbox).await.len(), 3);
    let rest = inbox.take("a", 2, lease, lease).await.unwrap();
    assert_eq!(&rest[0].event.body[..], b"2");
}

#[tokio::test]
async fn the_files_are_private() {
    let (inbox, directory) = new_inbox().await;
    inbox.append(events([1])).await.unwrap();
    let files = fs::read_dir(directory.path()).unwrap();
    let modes: Vec<u32> = files
        .map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert_eq!(
        modes, [0o600; 4],
        "the database, its log, its index and the lock"
    );
}

#[tokio::test]
async fn files_of_others_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let missing = SqliteInbox::open_beside(&path).await.unwrap_err();
    assert_snapshot!(text(&missing, &path), @"FILE: opening the inbox failed");

    fs::write(
        &path,
        "this is no database, but long enough to look like one",
    )
    .unwrap();
    let no_database = SqliteInbox::open(&path).await.unwrap_err();
    assert_snapshot!(text(&no_database, &path), @"FILE: opening the inbox failed");

    fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE song (title TEXT)")
        .unwrap();
    let other = SqliteInbox::open(&path).await.unwrap_err();
    assert_snapshot!(text(&other, &path), @"inbox: FILE: this is the database of another program: name another file");

    let newer = directory.path().join("newer.db");
    drop(SqliteInbox::open(&newer).await.unwrap());
    let connection = Connection::open(&newer).unwrap();
    connection
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    let newer_error = SqliteInbox::open(&newer).await.unwrap_err();
    assert_snapshot!(text(&newer_error, &newer), @"inbox: FILE: the inbox is of version 1000, and this program knows 1: use a later program");
}

#[tokio::test]
async fn the_log_does_not_grow_without_bound() {
    let (inbox, directory) = new_inbox().await;
    let log = directory.path().join("events.db-wal");
    for _ in 0..200 {
        inbox.append(events(0..1000)).await.unwrap();
    }
    let length = log.metadata().unwrap().len();
    assert!(length < 64 * 1024 * 1024, "{length} bytes");
}

#[tokio::test]
async fn room_is_given_back_to_the_disk() {
    let (inbox, directory) = new_inbox().await;
    let body = vec![b'x'; 100_000];
    let event =
        |_| aifi_push_receiver::Event::arrived(&aifi_push::operations::ALL[0], body.clone());
    inbox.append((0..100).map(event).collect()).await.unwrap();
    let retention = aifi_push_receiver::Retention {
        max_bytes: Some(0),
        even_unseen: true,
        ..Default::default()
    };
    assert_eq!(inbox.prune(&retention).await.unwrap().events, 100);
    drop(inbox);
    // The last connection folds the log into the file.
    let length = directory.path().join("events.db").metadata().unwrap().len();
    assert!(length < 1_000_000, "{length} bytes");
}
