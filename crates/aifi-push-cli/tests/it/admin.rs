//! `serve --admin-listen`

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use aifi_push_testkit::{
    ServeProcess,
    http::{self, Response},
};
use insta::assert_snapshot;

use crate::{
    aifi_push_in, directory, documented, printed,
    serving::{serve, serve_with},
    write,
};

/// The address of the page, which is printed after the URLs of the webhooks.
pub(crate) fn admin_page(serving: &mut ServeProcess) -> String {
    loop {
        let line = serving.next_line().unwrap();
        assert!(!line.is_empty(), "no admin page");
        if let Some(url) = line.strip_prefix("admin page on ") {
            return url.to_owned();
        }
    }
}

pub(crate) fn get(url: &str, path: &str, token: &str) -> Response {
    let address = url.strip_prefix("http://").unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    http::exchange(address, request.as_bytes()).unwrap()
}

#[test]
fn it_has_an_address_and_tokens_of_its_own() {
    let directory = directory();
    write(&directory, "admin", "operator\n");
    write(&directory, "read", "reader\n");
    write(&directory, "event.json", documented());
    let arguments = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-file",
        "admin",
        "--admin-read-token-file",
        "read",
    ];
    let mut serving = serve(&directory, &arguments);
    let url = admin_page(&mut serving);
    let target = serving.url().to_owned();
    printed(&directory, &["send", "event.json", "--url", &target], 0);
    let listed = printed(&directory, &["inbox", "list", "--json"], 0);
    let id = listed.split('"').find(|part| part.len() == 36).unwrap();
    assert_eq!(get(&url, "/now", "reader").status, 200);
    for (token, status) in [
        ("operator", 200),
        ("reader", 403),
        ("s3cret-of-the-tests", 401),
    ] {
        let page = get(&url, "/events", token);
        assert_eq!(page.status, status);
        assert_eq!(page.body.contains(id), status == 200);
    }
    // It is nowhere else, and no event arrives here.
    assert_eq!(serving.get("/events").unwrap().status, 404);
    assert_eq!(get(&url, "/webhook/left", "operator").status, 404);

    write(&directory, "admin", "another\n");
    serving.signal("HUP").unwrap();
    serving
        .wait_for_log("reloaded the tokens option=\"--admin-token-file\"")
        .unwrap();
    assert_eq!(get(&url, "/figures", "operator").status, 401);
    assert_eq!(get(&url, "/figures", "another").status, 200);
    assert!(serving.terminate().unwrap().success());
}

#[test]
fn only_what_arrives_for_events_may_be_a_lost_event() {
    let directory = directory();
    write(&directory, "admin", "operator\n");
    let arguments = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-file",
        "admin",
    ];
    let mut serving = serve(&directory, &arguments);
    let url = admin_page(&mut serving);
    let page = url.strip_prefix("http://").unwrap();
    let refused = |address: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        // A browser that was given https://
        stream
            .write_all(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n")
            .unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        let metrics = serving.get("/metrics").unwrap().body;
        let series = "aifi_push_refused_total{reason=\"tls_on_plain_port\"} ";
        let line = metrics.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap().to_owned()
    };
    assert_eq!(refused(page), "0");
    assert_eq!(refused(serving.address()), "1");
}

#[test]
fn without_a_token_there_is_none() {
    let directory = directory();
    let refused = |arguments: &[&str]| {
        let serve = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--dangerously-accept-anyone",
        ];
        let mut command = aifi_push_in(&directory, &[&serve[..], arguments].concat());
        let assert = command.env_remove("AIFI_PUSH_ADMIN_TOKEN").assert().code(1);
        String::from_utf8(assert.get_output().stderr.clone()).unwrap()
    };
    let listen = ["--admin-listen", "127.0.0.1:0"];
    write(&directory, "read", "reader\n");
    let read = [&listen[..], &["--admin-read-token-file", "read"]].concat();
    for arguments in [&listen[..], &read] {
        let error = refused(arguments);
        let error = error.lines().last().unwrap();
        insta::allow_duplicates! { assert_snapshot!(error, @"aifi-push: --admin-listen: no token: use --admin-token-file FILE, set AIFI_PUSH_ADMIN_TOKEN, or go without by --admin-listen unix:PATH"); }
    }
    let variable = [("AIFI_PUSH_ADMIN_TOKEN", "of-the-environment")];
    let mut serving = serve_with(&directory, &listen, &variable);
    let url = admin_page(&mut serving);
    assert_eq!(get(&url, "/now", "of-the-environment").status, 200);
    assert_eq!(get(&url, "/now", "").status, 401);
}

/// Whoever has the token of the webhooks could read bodies and discard events.
#[test]
fn a_token_is_for_one_purpose() {
    let directory = directory();
    write(&directory, "hook", "token-of-the-vendor\n");
    write(&directory, "admin", "token-of-an-operator\n");
    write(&directory, "read", "token-of-a-screen\n");
    let refused = |command: &[&str], [hook, admin, read]: [&str; 3]| {
        let arguments = [
            "--token-file",
            hook,
            "--admin-listen",
            "127.0.0.1:0",
            "--admin-token-file",
            admin,
            "--admin-read-token-file",
            read,
        ];
        let output = printed(&directory, &[command, &arguments].concat(), 1);
        output.lines().last().unwrap().to_owned()
    };
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["config", "check"],
    ] {
        insta::allow_duplicates! {
            assert_snapshot!(refused(command, ["hook", "hook", "read"]), @"aifi-push: --admin-token-file: a token is one of --token-file as well: use another for one of them");
            assert_snapshot!(refused(command, ["hook", "admin", "hook"]), @"aifi-push: --admin-read-token-file: a token is one of --token-file as well: use another for one of them");
            assert_snapshot!(refused(command, ["hook", "admin", "admin"]), @"aifi-push: --admin-read-token-file: a token is one of --admin-token-file as well: use another for one of them");
        }
    }

    let arguments = [
        "--token-file",
        "hook",
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-file",
        "admin",
        "--admin-read-token-file",
        "read",
    ];
    let mut serving = serve(&directory, &arguments);
    let url = admin_page(&mut serving);
    let status = |token: &str| get(&url, "/now", token).status;
    write(&directory, "admin", "token-of-the-vendor\n");
    serving.signal("HUP").unwrap();
    let problem = "the tokens stay as they were option=\"--admin-token-file\"";
    serving.wait_for_log(problem).unwrap();
    assert_eq!(status("token-of-the-vendor"), 401);
    assert_eq!(status("token-of-an-operator"), 200);
    // What moves from one list to another is accepted when it left the first.
    write(&directory, "hook", "another-of-the-vendor\n");
    let reloaded = "reloaded the tokens option=\"--admin-token-file\"";
    serving.wait_for_log(reloaded).unwrap();
    assert_eq!(status("token-of-the-vendor"), 200);
    assert_eq!(status("token-of-an-operator"), 401);
}

#[test]
fn a_short_token_is_warned_about() {
    let directory = directory();
    write(&directory, "admin", "operator\n");
    let arguments = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-file",
        "admin",
    ];
    let mut serving = serve(&directory, &arguments);
    serving
        .wait_for_log("a token is short enough to be guessed")
        .unwrap();
}

/// Sends a form with a token.
pub(crate) fn post(url: &str, path: &str, token: &str, form: &str) -> Response {
    let address = url.strip_prefix("http://").unwrap();
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    );
    http::exchange(address, request.as_bytes()).unwrap()
}

/// A page that is open does not keep the process from ending.
#[test]
fn open_pages_end_with_it() {
    let directory = directory();
    write(&directory, "admin", "operator\n");
    let arguments = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-file",
        "admin",
    ];
    for signal in ["TERM", "INT"] {
        let mut serving = serve(&directory, &arguments);
        let url = admin_page(&mut serving);
        let mut stream = TcpStream::connect(&url["http://".len()..]).unwrap();
        let request =
            "GET /live?page=now HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer operator\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains("tile-rate") {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap();
            assert!(read > 0);
            text.extend_from_slice(&bytes[..read]);
        }
        serving.signal(signal).unwrap();
        let (status, log) = serving.wait().unwrap();
        assert!(status.success(), "{log}");
        assert!(
            !log.contains("closed connections that took longer"),
            "{log}"
        );
    }
}

/// Whoever gives a token to read only does not want everyone to act.
#[cfg(unix)]
#[test]
fn a_read_token_alone_is_refused_on_a_unix_socket() {
    let directory = directory();
    write(&directory, "read", "reader\n");
    let serve = [
        "serve",
        "--dangerously-accept-anyone",
        "--admin-listen",
        "unix:admin.sock",
    ];
    let file = [&serve[..], &["--admin-read-token-file", "read"]].concat();
    let mut by_file = aifi_push_in(&directory, &file);
    let mut by_variable = aifi_push_in(&directory, &serve);
    by_variable.env("AIFI_PUSH_ADMIN_READ_TOKEN", "reader");
    for (command, named) in [
        (&mut by_file, "--admin-read-token-file"),
        (&mut by_variable, "AIFI_PUSH_ADMIN_READ_TOKEN"),
    ] {
        let assert = command.env_remove("AIFI_PUSH_ADMIN_TOKEN").assert().code(1);
        let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        let expected = format!("{named}: without an admin token, everyone");
        assert!(error.contains(&expected), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn on_a_unix_socket_no_token_is_needed() {
    use std::{
        io::{Read, Write},
        os::unix::{fs::PermissionsExt, net::UnixStream},
    };

    let directory = directory();
    let mut serving = serve(&directory, &["--admin-listen", "unix:admin.sock"]);
    assert_eq!(admin_page(&mut serving), "unix:admin.sock");
    let path = directory.path().join("admin.sock");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "{mode:o}");
    let mut stream = UnixStream::connect(&path).unwrap();
    stream
        .write_all(b"GET /figures HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(Response::parse(&bytes).status, 200);
}
