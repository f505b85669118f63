//! `serve` with a configuration file, and `config`

use std::fs;

use aifi_push_testkit::http::{self, TOKEN};

use crate::{
    aifi_push_in, directory, documented, printed,
    serving::{serve, serve_with},
    write,
};

/// The file of a receiver that needs no flag.
const FILE: &str = r#"
listen = "127.0.0.1:0"
base-path = "/events"
token-file = "tokens"
accepted-status = 202
log-format = "json"
"#;

#[test]
fn serve_reads_a_file_and_flags_and_variables_override_it() {
    let directory = directory();
    write(&directory, "config.toml", FILE);
    write(&directory, "tokens", TOKEN);
    let status = |server: &aifi_push_testkit::ServeProcess, path: &str| {
        let mut request = http::head(
            &format!("POST {path}"),
            &[&format!("Content-Length: {}", documented().len())],
        );
        request.extend_from_slice(documented().as_bytes());
        server.exchange(&request).unwrap().status
    };
    let mut from_file = serve(&directory, &["--config", "config.toml"]);
    assert!(from_file.url().ends_with("/events"), "{}", from_file.url());
    assert_eq!(status(&from_file, "/events/left"), 202);
    let log = from_file.wait_for_log("config.toml").unwrap();
    assert!(log.starts_with('{'), "{log}");
    drop(from_file);
    let overridden = serve_with(
        &directory,
        &["--base-path", "/mine"],
        &[
            ("AIFI_PUSH_CONFIG", "config.toml"),
            ("AIFI_PUSH_BASE_PATH", "/theirs"),
            ("AIFI_PUSH_ACCEPTED_STATUS", "200"),
            ("AIFI_PUSH_LOG_FORMAT", ""),
        ],
    );
    assert!(overridden.url().ends_with("/mine"), "{}", overridden.url());
    assert_eq!(status(&overridden, "/mine/left"), 200);
}

#[test]
fn check_prints_each_value_with_its_source() {
    let directory = directory();
    let file = "\
        listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n\
        max-body = 0x1000\n\
        token-file = \"tokens\"\n\
        keep-for = \"90d\"\n\
        keep-unconsumed = true\n\
        inbox = \"nats://user:s3cret@broker\"\n\
        forward = ['till=https://till.internal/?key=s3cret']\n\
        forward-from = 2026-11-24\n\
        forward-no-token = true\n";
    write(&directory, "config.toml", file);
    write(&directory, "tokens", TOKEN);
    let flags = ["--config", "config.toml", "--listen", ":9"];
    let arguments = [&["config", "check"], &flags[..]].concat();
    let check = |arguments: &[&str]| {
        let mut command = aifi_push_in(&directory, arguments);
        command.env("AIFI_PUSH_KEEP_UNCONSUMED", "false");
        command.env("AIFI_PUSH_ROUTE", "transitions=/a\ncheckout=/b\n");
        command.env("AIFI_PUSH_INBOX", "");
        let assert = command.env("AIFI_PUSH_MAX_QUEUED", "7").assert().success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    };
    let typo = [&["config", "check"], &flags[..]].concat();
    let mut typo = aifi_push_in(&directory, &typo);
    let assert = typo.env("AIFI_PUSH_LISTN", ":8").assert().success();
    let notes = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(
        notes.contains("AIFI_PUSH_LISTN: no variable of serve: did you mean AIFI_PUSH_LISTEN?"),
        "{notes}"
    );
    let first = check(&arguments);
    insta::assert_snapshot!(first, @r#"
    # Configuration file: config.toml

    # Listening
    listen = [":9"]  # flag
    base-path = "/webhook"  # default
    route = ["transitions=/a", "checkout=/b"]  # AIFI_PUSH_ROUTE

    # Limits
    max-connections = 1024  # default
    header-timeout = "10s"  # default
    idle-timeout = "620s"  # default
    max-body = 4096  # config.toml:2
    max-queued = 7  # AIFI_PUSH_MAX_QUEUED
    max-queued-bytes = "64MiB"  # default
    body-timeout = "30s"  # default

    # Stopping
    stop-within = "10s"  # default
    drain = "2s"  # default

    # Storage
    inbox = "nats://***@broker"  # config.toml:6
    nats-replicas = 3  # default

    # Tokens
    token-file = "tokens"  # config.toml:3
    dangerously-accept-anyone = false  # default

    # Forwarding
    forward = ["till=https://till.internal/?***"]  # config.toml:7
    forward-from = "2026-11-24"  # config.toml:8
    forward-no-token = true  # config.toml:9
    forward-concurrency = 16  # default
    forward-timeout = "30s"  # default

    # Retention
    keep-for = "90d"  # config.toml:4
    keep-unconsumed = false  # AIFI_PUSH_KEEP_UNCONSUMED

    # Responses
    accepted-status = 201  # default
    quarantined-status = 422  # default

    # Logging
    log = "info"  # default
    log-format = "text"  # default
    "#);
    // What it prints is a file with the same values, but for passwords.
    let printed = first.replace("***@", "").replace("?***", "");
    write(&directory, "config.toml", &printed);
    let values = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let values = lines.map(|line| line.split("  #").next().unwrap_or_default());
        values.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(values(&check(&arguments)), values(&printed));
}

#[test]
fn a_flag_replaces_what_excludes_it_in_the_file() {
    let directory = directory();
    write(&directory, "tokens", TOKEN);
    write(&directory, "open.toml", "dangerously-accept-anyone = true");
    write(&directory, "closed.toml", "token-file = 'tokens'");
    let check = |file: &str, flags: &[&str]| {
        let arguments = [&["config", "check", "--config", file], flags].concat();
        printed(&directory, &arguments, 0)
    };
    let closed = check("open.toml", &["--token-file", "tokens"]);
    assert!(
        closed.contains("dangerously-accept-anyone = false  # default"),
        "{closed}"
    );
    let open = check("closed.toml", &["--dangerously-accept-anyone"]);
    assert!(
        open.contains("dangerously-accept-anyone = true  # flag"),
        "{open}"
    );
    assert!(!open.contains("token-file"), "{open}");
}

#[test]
fn the_commands_of_the_inbox_find_the_one_in_the_file() {
    let directory = directory();
    write(
        &directory,
        "config.toml",
        "inbox = 'sqlite:mine.db'\nmax-body = 1000",
    );
    write(&directory, "tokens", TOKEN);
    let file = ["--config", "config.toml", "--token-file", "tokens"];
    drop(serve(&directory, &file));
    let stats = |arguments: &[&str], code| {
        let all = [&["inbox", "stats"], arguments].concat();
        let mut command = aifi_push_in(&directory, &all);
        command.env("AIFI_PUSH_CONFIG", "config.toml");
        command.assert().code(code);
    };
    stats(&[], 0);
    stats(&["--inbox", "sqlite:other.db"], 1);
    assert!(directory.path().join("mine.db").exists());
}

#[test]
fn a_broken_file_is_no_reason_to_fail_for_what_does_not_need_it() {
    let directory = directory();
    write(&directory, "tokens", TOKEN);
    drop(serve(&directory, &["--token-file", "tokens"]));
    write(&directory, "broken.toml", "inbox = \n");
    for (arguments, code) in [
        (&["--version"][..], 0),
        (&["serve", "--help"], 0),
        (&["inbox", "--help"], 0),
        (&["inbox", "help", "list"], 0),
        (&["inbox", "list", "-h"], 0),
        (&["inbox", "stats", "--inbox", "sqlite:events.db"], 0),
        (&["inbox", "--inbox=sqlite:events.db", "stats"], 0),
        (&["inbox", "stats", "--unknown"], 2),
        (&["inbox", "stats"], 1),
    ] {
        for file in ["broken.toml", "missing.toml"] {
            let mut command = aifi_push_in(&directory, arguments);
            let command = command.env("AIFI_PUSH_CONFIG", file);
            let output = command.output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
            let is_about_the_file = error.contains(file) && error.contains("--inbox");
            assert_eq!(is_about_the_file, code == 1, "{arguments:?}: {error}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let directory = directory();
    let texts = [
        "listn = ':1'",
        "max_body = 1",
        "max-body = '12XB'",
        "max-body = ['1', '2']",
        "log-format = 'tex'",
        "keep-unconsumed = 'yes'",
        "forward = [true]",
        "tls-cert = 'cert.pem'",
        "inbox = 'postgres://user:s3cret@host'",
        "token = 's3cret'",
        "tokens = ['s3cret']",
        "forward-secret = 's3cret'",
        "config = 'other.toml'",
        "[listening]\naddress = ':1'",
        "[forward]\nurl = 'https://till.internal'",
        "log = 's3cret",
        "drain = '1s'\ndrain = '2s'",
        "token-file = 'tokens'\ndangerously-accept-anyone = true",
        "token-file = 'missing'",
        "dangerously-accept-anyone = true\nspool = 'spool.db'",
        "dangerously-accept-anyone = true\nnats-credentials = 'missing'",
    ];
    let problems = texts.map(|text| {
        write(&directory, "c.toml", format!("# Mine.\n{text}\n"));
        let arguments = ["config", "check", "--config", "c.toml"];
        let mut command = aifi_push_in(&directory, &arguments);
        let assert = command.env_remove("AIFI_PUSH_TOKEN").assert().code(1);
        let log = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        let problem = log.lines().last().unwrap_or_default();
        // How the system says that there is no file.
        let problem = problem
            .find("missing: ")
            .map_or(problem, |end| &problem[..end + 7]);
        format!("{text}\n    {}", problem.replace("aifi-push: ", ""))
    });
    let problems = problems.join("\n");
    assert_eq!(
        problems.matches("s3cret").count(),
        5,
        "only in what is asked"
    );
    insta::assert_snapshot!(problems, @r#"
    listn = ':1'
        c.toml:2: listn: unknown key: did you mean `listen`?
    max_body = 1
        c.toml:2: max_body: unknown key: did you mean `max-body`?
    max-body = '12XB'
        c.toml:2: max-body: invalid value '12XB' for '--max-body <SIZE>': couldn't parse "XB" into a known SI unit, Failed to parse unit "XB"
    max-body = ['1', '2']
        c.toml:2: max-body: expected one value: a text or a number
    log-format = 'tex'
        c.toml:2: log-format: invalid value 'tex' for '--log-format <FORMAT>'; [possible values: text, json]; tip: a similar value exists: 'text'
    keep-unconsumed = 'yes'
        c.toml:2: keep-unconsumed: expected true or false
    forward = [true]
        c.toml:2: forward: expected a text, or a list of texts
    tls-cert = 'cert.pem'
        c.toml:2: tls-cert: requires `tls-key`
    inbox = 'postgres://user:s3cret@host'
        c.toml:2: inbox: invalid URL for --inbox or AIFI_PUSH_INBOX: expected sqlite:FILE, nats://HOST,… or tls://HOST,…
    token = 's3cret'
        c.toml:2: token: no secret is read from this file: write it to a file that only the service can read, and name that by `token-file`
    tokens = ['s3cret']
        c.toml:2: tokens: no secret is read from this file: write it to a file that only the service can read, and name that by `token-file`
    forward-secret = 's3cret'
        c.toml:2: forward-secret: no secret is read from this file: write it to a file that only the service can read, and name that by `forward-secret-file`
    config = 'other.toml'
        c.toml:2: config: a configuration file can't name another: use --config
    [listening]
    address = ':1'
        c.toml:2: listening: there are no tables: each key is the whole name of an option, such as `forward-timeout`
    [forward]
    url = 'https://till.internal'
        c.toml:2: forward: expected a text, or a list of texts: there are no tables: each key is the whole name of an option, such as `forward-timeout`
    log = 's3cret
        c.toml:2: invalid TOML: invalid literal string, expected `'`
    drain = '1s'
    drain = '2s'
        c.toml:3: invalid TOML: duplicate key
    token-file = 'tokens'
    dangerously-accept-anyone = true
        c.toml:2: token-file: cannot be used with `dangerously-accept-anyone`
    token-file = 'missing'
        missing
    dangerously-accept-anyone = true
    spool = 'spool.db'
        --spool is for an inbox on brokers: an inbox of sqlite: is on this disk itself
    dangerously-accept-anyone = true
    nats-credentials = 'missing'
        --nats-credentials: missing
    "#);
    write(&directory, "c.toml", b"# \xff\n");
    for (variable, value) in [
        ("AIFI_PUSH_CONFIG", "missing.toml"),
        ("AIFI_PUSH_CONFIG", "c.toml"),
        ("AIFI_PUSH_MAX_BODY", "many"),
        ("AIFI_PUSH_KEEP_UNCONSUMED", "maybe"),
    ] {
        let mut command = aifi_push_in(&directory, &["serve"]);
        let assert = command.env(variable, value).assert().code(1);
        let error = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(error.contains(value) || error.contains(variable), "{error}");
    }
}

#[test]
fn the_example_is_the_file_of_the_package_and_every_key_in_it_is_known() {
    let directory = directory();
    let example = printed(&directory, &["config", "example"], 0);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/config.toml");
    let shipped = fs::read_to_string(shipped).unwrap();
    assert!(
        shipped.replace("\r\n", "\n") == example,
        "run `cargo run -- config example > deploy/config.toml`"
    );
    let keys = example.lines().filter_map(|line| line.strip_prefix('#'));
    let keys = keys.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    let keys = keys.filter(|line| line.contains(" = "));
    let with_default: Vec<_> = keys
        .filter(|line| !line.contains(|c: char| c.is_ascii_uppercase() && !line.contains("iB")))
        .filter(|line| !line.starts_with("forward") && !line.starts_with("answer"))
        .collect();
    assert!(with_default.len() > 15, "{with_default:?}");
    write(&directory, "tokens", TOKEN);
    write(&directory, "admin-tokens", "0123456789abcdef-of-operators");
    let used = example.replace("/etc/aifi-push/", "");
    write(&directory, "c.toml", used + &with_default.join("\n"));
    printed(&directory, &["config", "check", "--config", "c.toml"], 0);
}
