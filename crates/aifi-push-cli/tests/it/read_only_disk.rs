//! Looking at an inbox on a disk that is mounted to be read only.

use std::{fs, process::Command};

use assert_cmd::cargo_bin;

use crate::{directory, documented, printed, serving::serve, write};

#[test]
fn an_inbox_can_be_looked_at_on_a_disk_that_can_not_be_written() {
    let namespaces = Command::new("unshare").args(["-Urm", "true"]).status();
    if !namespaces.is_ok_and(|status| status.success()) {
        // Not everywhere may a user mount something.
        return;
    }
    let directory = directory();
    let serving = serve(&directory, &[]);
    write(&directory, "event.json", documented());
    printed(
        &directory,
        &["send", "event.json", "--url", serving.url()],
        0,
    );
    for files in [
        &["events.db", "events.db-wal"][..],
        &[
            "events.db",
            "events.db-wal",
            "events.db-shm",
            "events.db.lock",
        ],
    ] {
        let copy = crate::directory();
        for file in files {
            fs::copy(directory.path().join(file), copy.path().join(file)).unwrap();
        }
        let script = r#"mount --bind -o ro . . && cd "$PWD" && ! touch file 2> /dev/null &&
            "$0" inbox list --json && "$0" inbox stats"#;
        let output = Command::new("unshare")
            .args(["-Urm", "sh", "-c", script])
            .arg(cargo_bin!("aifi-push"))
            .current_dir(copy.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(text.contains("1 events"), "{text}");
        assert_eq!(fs::read_dir(copy.path()).unwrap().count(), files.len());
    }
}
