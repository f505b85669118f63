//! `inbox backup` and `inbox restore`, beside a `serve` that runs

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use aifi_push_testkit::{ServeProcess, http, send_signal};
use assert_cmd::cargo_bin;
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::{directory, documented, printed, serving::serve, wait_until, write};

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn ids(directory: &TempDir, inbox: &str) -> BTreeSet<String> {
    let listed = printed(
        directory,
        &[
            "inbox", "--inbox", inbox, "list", "--json", "--limit", "1000000",
        ],
        0,
    );
    let ids = listed.lines().map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        entry["id"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

/// Sends events until it is told to stop, and notes the id of each that was acknowledged.
fn send(serving: &ServeProcess, acknowledged: &Mutex<BTreeSet<String>>, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        let response = serving
            .exchange(&http::post(documented().as_bytes()))
            .unwrap();
        assert_eq!(response.status, 201);
        let id = serde_json::from_str(&response.body).unwrap();
        acknowledged.lock().unwrap().insert(id);
    }
}

#[test]
fn what_was_acknowledged_before_a_backup_is_restored_from_it() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    let (acknowledged, stop) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
    let backups = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| send(&serving, &acknowledged, &stop));
        }
        let backups = ["1.db", "2.db"].map(|file| {
            let many = acknowledged.lock().unwrap().len() + 50;
            wait_until(|| acknowledged.lock().unwrap().len() > many);
            let before = acknowledged.lock().unwrap().clone();
            let text = printed(&directory, &["inbox", "backup", file], 0);
            assert!(
                text.contains(&format!("to {file}, the newest of 20")),
                "{text}"
            );
            (file, before)
        });
        stop.store(true, Ordering::SeqCst);
        backups
    });
    let all = acknowledged.into_inner().unwrap();
    assert_eq!(ids(&directory, "sqlite:events.db"), all);

    for (file, before) in backups {
        let elsewhere = format!("sqlite:of-{file}");
        let restore = ["inbox", "--inbox", &elsewhere, "restore", file];
        printed(&directory, &restore, 0);
        let found = ids(&directory, &elsewhere);
        assert!(found.is_superset(&before) && found.is_subset(&all));
        // `serve` goes on with it.
        let again = serve(&directory, &["--inbox", &elsewhere]);
        let response = again
            .exchange(&http::post(documented().as_bytes()))
            .unwrap();
        assert_eq!(response.status, 201);
        again.terminate().unwrap();
        assert_eq!(ids(&directory, &elsewhere).len(), found.len() + 1);
    }
    assert!(serving.terminate().unwrap().success());
}

#[test]
fn the_newest_backups_of_a_directory_are_kept() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    serving
        .exchange(&http::post(documented().as_bytes()))
        .unwrap();
    let backups = directory.path().join("backups");
    let backup = ["inbox", "backup", "backups", "--keep", "2"];
    assert_snapshot!(printed(&directory, &backup, 1), @"aifi-push: backups: --keep needs a directory that exists");
    fs::create_dir(&backups).unwrap();
    for name in [
        "events-20261120T211500Z.db",
        "events-20261121T211500Z.db",
        "events-20261122T211500Z.db",
        "events-mine.db",
        "others-20261120T211500Z.db",
    ] {
        write(&directory, &format!("backups/{name}"), "");
    }
    let text = printed(&directory, &backup, 0);
    assert!(
        text.starts_with("1 event, ") && text.ends_with("2 older backups deleted\n"),
        "{text}"
    );
    let kept = names(&backups);
    assert_eq!(kept.len(), 4, "{kept:?}");
    assert_eq!(kept[0], "events-20261122T211500Z.db");
    assert_eq!(kept[2..], ["events-mine.db", "others-20261120T211500Z.db"]);

    // Nothing is deleted for a backup that fails.
    serving.terminate().unwrap();
    write(&directory, "events.db", "this is no database any more");
    let refused = printed(&directory, &backup, 1);
    assert!(refused.contains("file is not a database"), "{refused}");
    assert_eq!(names(&backups), kept);
}

#[test]
fn an_inbox_in_use_or_with_events_is_not_restored_into() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    serving
        .exchange(&http::post(documented().as_bytes()))
        .unwrap();
    printed(&directory, &["inbox", "backup", "copy.db"], 0);
    let twice = printed(&directory, &["inbox", "backup", "copy.db"], 1);
    assert_snapshot!(twice, @"aifi-push: copy.db: the file exists: choose another name, or replace it with --force");
    let restore = ["inbox", "restore", "copy.db", "--force"];
    assert_snapshot!(printed(&directory, &restore, 1), @"aifi-push: events.db: another process receives into this inbox: stop it, or choose another file");
    serving.terminate().unwrap();
    assert_snapshot!(printed(&directory, &restore[..3], 1), @"aifi-push: events.db: the inbox has 1 events: choose another file, or replace it with --force, which keeps the old file beside it");
    let text = printed(&directory, &restore, 0);
    assert!(
        text.contains("is kept, with its personal data, as "),
        "{text}"
    );
}

#[test]
fn brokers_are_backed_up_by_their_own_tool() {
    let nats = ["inbox", "--inbox", "nats://localhost", "backup", "copy.db"];
    assert_snapshot!(printed(&directory(), &nats, 1), @"aifi-push: an inbox on brokers is backed up by their own tool: `nats stream backup STREAM DIRECTORY` and `nats stream restore DIRECTORY`, for each stream that `nats stream ls` names AIFI_PUSH…");
}

/// Until it has its name, a backup is a file that is deleted.
#[cfg(unix)]
#[test]
fn an_interrupted_backup_leaves_nothing() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    // Enough that it is not done before it is interrupted.
    let large = vec![b'x'; 1_000_000];
    for _ in 0..60 {
        assert_eq!(serving.exchange(&http::post(&large)).unwrap().status, 422);
    }
    let backup = std::process::Command::new(cargo_bin!("aifi-push"))
        .current_dir(directory.path())
        .args(["inbox", "backup", "copy.db"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| names(directory.path()).join(" ").contains(".partial"));
    send_signal(backup.id(), "INT").unwrap();
    let output = backup.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_snapshot!(text, @"aifi-push: interrupted: nothing was changed");
    assert_eq!(output.status.code(), Some(1));
    assert!(!names(directory.path()).join(" ").contains("copy"));
}
