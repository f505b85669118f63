//! The names by which people call an inbox.

use std::fs;

use aifi_push_testkit::ServeProcess;
use tempfile::TempDir;

use crate::{aifi_push_in, directory, documented, printed, serving::serve, write};

fn names(directory: &TempDir) -> Vec<String> {
    let files = fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What `serve` says that does not start with this inbox.
fn refused(directory: &TempDir, url: &str) -> String {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--inbox", url];
    let mut command = aifi_push_in(directory, &arguments);
    let assert = command.env("AIFI_PUSH_TOKEN", "a").assert().failure();
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

fn serve_at(directory: &TempDir, url: &str) -> ServeProcess {
    serve(directory, &["--inbox", url])
}

#[test]
fn forms_of_other_programs_mean_the_same_file() {
    let directory = directory();
    let absolute = format!("sqlite://{}/events.db", directory.path().display());
    for url in ["sqlite://events.db", &absolute, "SQLITE:file:events.db", ""] {
        let serving = serve_at(&directory, url);
        assert!(names(&directory).contains(&"events.db".to_owned()), "{url}");
        assert_eq!(serving.get("/readyz").unwrap().status, 200);
        serving.terminate().unwrap();
    }
    let mut command = aifi_push_in(&directory, &["inbox", "stats"]);
    command.env("AIFI_PUSH_INBOX", "").assert().code(0);
    let unexpected = names(&directory);
    assert!(
        unexpected.iter().all(|name| name.starts_with("events.db")),
        "{unexpected:?}"
    );
}

#[test]
fn what_is_refused_leaves_no_file() {
    let directory = directory();
    fs::create_dir(directory.path().join("data")).unwrap();
    for url in [
        "sqlite::memory:",
        "sqlite:events.db?mode=ro",
        "sqlite:my%20events.db",
        "sqlite:data",
        "sqlite:data/",
        "sqlite:missing/events.db",
        "sqlite://missing/events.db",
        "postgres://user:secret@host/db",
        "events.db",
    ] {
        let text = refused(&directory, url);
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(names(&directory), ["data"], "{url}");
        assert!(
            fs::read_dir(directory.path().join("data"))
                .unwrap()
                .next()
                .is_none()
        );
    }
}

#[test]
fn a_link_to_an_inbox_in_use_is_the_same_inbox() {
    let directory = directory();
    let serving = serve_at(&directory, "sqlite:events.db");
    write(&directory, "event.json", documented());
    printed(
        &directory,
        &["send", "event.json", "--url", serving.url()],
        0,
    );
    std::os::unix::fs::symlink("events.db", directory.path().join("link.db")).unwrap();
    let text = refused(&directory, "sqlite:link.db");
    assert!(
        text.contains("another process receives into this inbox"),
        "{text}"
    );
    let linked = printed(
        &directory,
        &["inbox", "list", "--json", "--inbox", "sqlite:link.db"],
        0,
    );
    assert_eq!(linked.lines().count(), 1);
    fs::hard_link(
        directory.path().join("events.db"),
        directory.path().join("hard.db"),
    )
    .unwrap();
    let text = refused(&directory, "sqlite:hard.db");
    assert!(text.contains("hard link"), "{text}");
}

#[test]
fn an_inbox_that_is_deleted_while_it_is_used_is_not_ready() {
    let directory = directory();
    let mut serving = serve_at(&directory, "sqlite:events.db");
    write(&directory, "event.json", documented());
    let url = serving.url().to_owned();
    printed(&directory, &["send", "event.json", "--url", &url], 0);
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(directory.path().join(format!("events.db{suffix}"))).unwrap();
    }
    let post = aifi_push_testkit::http::post(documented().as_bytes());
    assert_eq!(serving.exchange(&post).unwrap().status, 503);
    assert_eq!(serving.get("/readyz").unwrap().status, 503);
    let line = serving.wait_for_log("events can't be stored").unwrap();
    assert!(line.contains("deleted or moved"), "{line}");
    serving.terminate().unwrap();
    let listed = printed(&directory, &["inbox", "list", "--json"], 0);
    assert!(listed.lines().count() >= 1, "{listed}");
}
