//! A disk that is full, on a small file system that is mounted for the test.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use aifi_push_testkit::{ServeProcess, http};
use assert_cmd::cargo_bin;
use tempfile::TempDir;

use crate::{directory, documented};

/// Longer than `serve` takes to look how much room there is.
const TIMEOUT: Duration = Duration::from_secs(60);

/// `serve` in a mount namespace of its own, where the directory is a disk of 64 MiB. Its log is elsewhere.
fn serve(directory: &TempDir, log: &Path) -> ServeProcess {
    let script = r#"mount -t tmpfs -o size=64m none . && cd "$PWD" && exec "$0" "$@""#;
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(cargo_bin!("aifi-push"))
        .current_dir(directory.path())
        .stderr(File::create(log).unwrap());
    ServeProcess::serve_with(command, &[]).unwrap()
}

/// Runs a script on that disk, with the program as `$0`.
fn run(directory: &TempDir, serving: &ServeProcess, script: &str) -> Output {
    let pid = serving.id().to_string();
    let script = format!("cd {} && {script}", directory.path().display());
    Command::new("nsenter")
        .args([
            "--user",
            "--preserve-credentials",
            "--mount",
            "--target",
            &pid,
        ])
        .args(["sh", "-c", &script])
        .arg(cargo_bin!("aifi-push"))
        .output()
        .unwrap()
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < TIMEOUT, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn events_can_be_deleted_on_a_full_disk_and_it_recovers() {
    let namespaces = Command::new("unshare").args(["-Urm", "true"]).status();
    if !namespaces.is_ok_and(|status| status.success()) {
        // Not everywhere may a user mount something.
        return;
    }
    let directory = directory();
    let elsewhere = crate::directory();
    let log = elsewhere.path().join("log");
    let serving = serve(&directory, &log);
    let reserve = PathBuf::from(format!("/proc/{}/root", serving.id()))
        .join(directory.path().strip_prefix("/").unwrap())
        .join("events.db.reserve");
    until("no room is kept", || reserve.exists());

    let large = vec![b'x'; 900_000];
    let mut stored = 0;
    while serving.exchange(&http::post(&large)).unwrap().status == 422 {
        stored += 1;
    }
    assert!(stored > 3, "{stored} events");
    run(&directory, &serving, "cat /dev/zero > other 2> /dev/null");
    until("it is ready on a full disk", || {
        serving.get("/readyz").unwrap().status == 503
    });

    until("nobody is warned", || {
        fs::read_to_string(&log)
            .unwrap()
            .contains("the disk is nearly full")
    });

    let backup = run(&directory, &serving, r#""$0" inbox backup copy.db; ls"#);
    let text = String::from_utf8_lossy(&backup.stderr).into_owned();
    assert!(
        text.contains("copy.db: no room for the copy: it needs "),
        "{text}"
    );
    assert!(!String::from_utf8_lossy(&backup.stdout).contains("copy"));

    let prune = r#""$0" inbox prune --older-than 0s --include-unconsumed"#;
    let pruned = run(&directory, &serving, prune);
    let text = String::from_utf8_lossy(&pruned.stdout).into_owned();
    assert!(
        pruned.status.success(),
        "{}",
        String::from_utf8_lossy(&pruned.stderr)
    );
    assert!(text.contains("events deleted"), "{text}");
    until("nothing is stored", || {
        serving
            .exchange(&http::post(documented().as_bytes()))
            .unwrap()
            .status
            == 201
    });
    run(&directory, &serving, "rm other");
    until("no room is kept any more", || reserve.exists());
    let metrics = serving.get("/metrics").unwrap().body;
    assert!(metrics.contains("aifi_push_disk_free_bytes"), "{metrics}");
}
