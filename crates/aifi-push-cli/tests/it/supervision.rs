//! `serve` under a supervisor, behind a balancer, and with files that change.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixStream},
    },
    process::{Command, Stdio},
};

use aifi_push_testkit::{ServeProcess, http};
use assert_cmd::cargo_bin;
use tempfile::TempDir;

use crate::{
    aifi_push_in, directory, documented, printed,
    serving::{serve, serve_with},
};

fn post(address: &str) -> u16 {
    let request = http::post(documented().as_bytes());
    http::exchange(address, &request).unwrap().status
}

fn get(address: &str, path: &str) -> u16 {
    let request = http::head(&format!("GET {path}"), &[]);
    http::exchange(address, &request).unwrap().status
}

#[test]
fn it_listens_where_people_say() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let any = format!(":{port}");
    for (address, url) in [
        ("localhost:0", "http://localhost:"),
        (&*any, "http://localhost:"),
        (&*port, "http://localhost:"),
        ("0.0.0.0:0", "http://0.0.0.0:"),
        ("[::]:0", "http://[::]:"),
    ] {
        let directory = directory();
        let serving = serve(&directory, &["--listen", address]);
        assert!(
            serving.url().starts_with(url),
            "{address}: {}",
            serving.url()
        );
        let (_, port) = serving.address().rsplit_once(':').unwrap();
        for host in ["127.0.0.1", "localhost"] {
            assert_eq!(post(&format!("{host}:{port}")), 201, "{address} by {host}");
        }
    }
}

#[test]
fn it_listens_in_several_places() {
    let directory = directory();
    let socket = directory.path().join("receiver.sock");
    let unix = format!("unix:{}", socket.display());
    // As a process leaves it that was killed.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let arguments = ["--listen", "127.0.0.1:0", "--listen", &unix];
    let mut serving = serve(&directory, &arguments);
    assert_eq!(
        serving.next_line().unwrap(),
        format!("listening on {unix}/webhook")
    );
    assert_eq!(post(serving.address()), 201);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream
        .write_all(&http::post(documented().as_bytes()))
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    // One that is in use is left alone.
    let mut second = aifi_push_in(
        &directory,
        &["serve", "--listen", &unix, "--inbox", "sqlite:2.db"],
    );
    second.env("AIFI_PUSH_TOKEN", "x").assert().code(1);
    assert!(serving.terminate().unwrap().success());
    assert!(!socket.exists());
}

/// Starts `serve` with a socket as its descriptor 3, as systemd does.
fn serve_on(directory: &TempDir, socket: OwnedFd) -> ServeProcess {
    let mut command = Command::new("sh");
    let script = r#"exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@""#;
    command
        .args(["-c", script])
        .arg(cargo_bin!("aifi-push"))
        .current_dir(directory.path())
        .stdin(socket)
        .stderr(Stdio::piped());
    ServeProcess::serve_with(command, &[]).unwrap()
}

#[test]
fn an_upgrade_on_a_socket_of_systemd_refuses_no_request() {
    let directory = directory();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let serving = serve_on(&directory, socket.try_clone().unwrap().into());
    assert_eq!(serving.address(), address);
    assert_eq!(post(&address), 201);
    assert!(serving.terminate().unwrap().success());
    // In between, a request waits.
    let mut waiting = TcpStream::connect(&address).unwrap();
    waiting
        .write_all(&http::post(documented().as_bytes()))
        .unwrap();
    let _serving = serve_on(&directory, socket.into());
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[test]
fn systemd_is_told_what_it_does() {
    let directory = directory();
    let path = directory.path().join("notify");
    let notified = UnixDatagram::bind(&path).unwrap();
    let timeout = Some(std::time::Duration::from_secs(60));
    notified.set_read_timeout(timeout).unwrap();
    let variables = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "200000"),
    ];
    let serving = serve_with(&directory, &[], &variables);
    let next = || {
        let mut message = [0; 100];
        let length = notified.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length])
            .trim()
            .to_owned()
    };
    let mut messages = Vec::new();
    while messages.iter().filter(|one| **one == "WATCHDOG=1").count() < 3 {
        messages.push(next());
    }
    assert!(messages.contains(&"READY=1".to_owned()), "{messages:?}");
    serving.signal("TERM").unwrap();
    while next() != "STOPPING=1" {}
    assert!(serving.wait().unwrap().0.success());
}

#[test]
fn after_sigterm_it_receives_while_it_is_not_ready() {
    let directory = directory();
    let mut serving = serve(&directory, &["--drain", "1h"]);
    let address = serving.address().to_owned();
    assert_eq!(get(&address, "/readyz"), 200);
    serving.signal("TERM").unwrap();
    serving.wait_for_log("not ready any more").unwrap();
    assert_eq!(get(&address, "/readyz"), 503);
    assert_eq!(get(&address, "/livez"), 200);
    assert_eq!(post(&address), 201);
    // The second signal ends the wait.
    assert!(serving.terminate().unwrap().success());
}

#[test]
fn a_signal_before_it_listens_ends_it() {
    let directory = directory();
    let mut command = Command::new(cargo_bin!("aifi-push"));
    // Nobody answers there, so that it waits.
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let inbox = format!("nats://{}", broker.local_addr().unwrap());
    let mut child = command
        .args(["serve", "--listen", "127.0.0.1:0", "--inbox", &inbox])
        .current_dir(directory.path())
        .env("AIFI_PUSH_TOKEN", "x")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _connection = broker.accept().unwrap();
    for signal in ["HUP", "TERM"] {
        aifi_push_testkit::send_signal(child.id(), signal).unwrap();
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn files_that_change_are_noticed_without_a_signal() {
    let directory = directory();
    let place = |name: &str| directory.path().join(name);
    let certify = |name: &str| {
        let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        fs::write(place("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        fs::write(place("cert.pem"), certified.cert.pem()).unwrap();
    };
    certify("old.example");
    // As Kubernetes mounts a secret: a link to a directory that is replaced as a whole.
    for version in ["1", "2"] {
        fs::create_dir(place(version)).unwrap();
        fs::write(
            place(version).join("tokens"),
            format!("token-{version}\nboth\n"),
        )
        .unwrap();
    }
    std::os::unix::fs::symlink("1", place("data")).unwrap();
    let arguments = [
        "--token-file",
        "data/tokens",
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-file",
        "admin",
    ];
    fs::write(place("admin"), "operator\n").unwrap();
    let mut serving = serve(&directory, &arguments);
    let line = serving.wait_for_log("receiving").unwrap();
    assert!(
        line.contains("tokens=2") && line.contains("certificate_valid_until"),
        "{line}"
    );

    let page = crate::admin::admin_page(&mut serving);
    let now = crate::admin::get(&page, "/now", "operator").body;
    assert!(
        now.contains("Certificate") && now.contains("days left"),
        "{now}"
    );

    std::os::unix::fs::symlink("2", place("next")).unwrap();
    fs::rename(place("next"), place("data")).unwrap();
    let line = serving.wait_for_log("reloaded the tokens").unwrap();
    assert!(line.contains("tokens=2 added=1 removed=1"), "{line}");
    certify("new.example");
    let line = serving.wait_for_log("reloaded the certificate").unwrap();
    assert!(line.contains("changed=true"), "{line}");

    // What is wrong with a file does not stop what was read before.
    fs::write(place("cert.pem"), "no certificate").unwrap();
    serving
        .wait_for_log("the certificate stays as it was")
        .unwrap();
    fs::write(place("2").join("tokens"), "").unwrap();
    serving
        .wait_for_log("the tokens stay as they were")
        .unwrap();
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let directory = directory();
    // Its pipe is never read, and full after 64 KiB.
    let serving = serve(&directory, &["--log", "trace"]);
    let unauthorized = b"POST /webhook/left HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let dropped = || {
        let metrics = serving.get("/metrics").unwrap().body;
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("aifi_push_log_lines_dropped_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    while dropped() == 0 {
        for _ in 0..100 {
            assert_eq!(serving.exchange(unauthorized).unwrap().status, 401);
        }
    }
    assert_eq!(post(serving.address()), 201);
    serving.signal("TERM").unwrap();
    // Its end is what closes the pipe.
    assert!(serving.wait().unwrap().0.success());
    let events = printed(&directory, &["inbox", "list", "--json"], 0);
    assert_eq!(events.lines().count(), 1);
}

#[test]
fn a_limit_of_nothing_is_refused() {
    let directory = directory();
    for (option, value) in [
        ("--max-connections", "0"),
        ("--header-timeout", "0s"),
        ("--idle-timeout", "0s"),
        ("--body-timeout", "0s"),
    ] {
        let mut command = aifi_push_in(&directory, &["serve", option, value]);
        command.env("AIFI_PUSH_TOKEN", "x").assert().code(2);
    }
    for (option, value) in [
        ("--max-body", "0"),
        ("--max-queued", "0"),
        ("--max-queued-bytes", "0"),
        ("--accepted-status", "404"),
        ("--quarantined-status", "503"),
    ] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", option, value];
        let mut command = aifi_push_in(&directory, &arguments);
        command.env("AIFI_PUSH_TOKEN", "x").assert().code(1);
    }
    let accepted = serve(&directory, &["--accepted-status", "204"]);
    assert_eq!(post(accepted.address()), 204);
}
