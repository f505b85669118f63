//! `serve` and `inbox` on brokers.

use aifi_push_testkit::{ServeProcess, brokers::Broker, http};
use insta::assert_snapshot;
use tempfile::TempDir;

use crate::{
    admin, aifi_push_in, directory, documented, inbox, operators, printed, serving::serve,
    wait_until, write,
};

fn serve_on(directory: &TempDir, broker: &Broker, more: &[&str]) -> ServeProcess {
    let url = broker.url();
    let arguments = ["--nats-replicas", "1", "--inbox", &url];
    serve(directory, &[&arguments, more].concat())
}

fn send(directory: &TempDir, serving: &ServeProcess, code: i32) -> String {
    write(directory, "event.json", documented());
    printed(
        directory,
        &[
            "send",
            "event.json",
            "--retries",
            "0",
            "--url",
            serving.url(),
        ],
        code,
    )
}

fn listed(directory: &TempDir, broker: &Broker) -> usize {
    let listed = printed(
        directory,
        &["inbox", "list", "--json", "--inbox", &broker.url()],
        0,
    );
    listed.lines().count()
}

#[test]
fn receivers_share_an_inbox() {
    let (directory, broker) = (directory(), Broker::start().unwrap());
    let receivers = [
        serve_on(&directory, &broker, &[]),
        serve_on(&directory, &broker, &[]),
    ];
    for receiver in &receivers {
        send(&directory, receiver, 0);
    }
    assert_eq!(listed(&directory, &broker), 2);
    let url = broker.url();
    let inbox = |arguments: &[&str]| {
        printed(
            &directory,
            &[&["inbox", "--inbox", &url], arguments].concat(),
            0,
        )
    };
    assert!(inbox(&["stats"]).starts_with("2 events, "));
    assert!(inbox(&["prune", "--older-than", "0s"]).starts_with("0 events deleted"));
    let pruned = inbox(&["prune", "--older-than", "0s", "--even-unseen"]);
    assert!(pruned.starts_with("2 events deleted"), "{pruned}");
}

#[test]
fn without_a_broker_an_event_is_refused_or_spooled() {
    let (directory, mut broker) = (directory(), Broker::start().unwrap());
    let refusing = serve_on(&directory, &broker, &[]);
    let mut spooling = serve_on(&directory, &broker, &["--spool", "spool.db"]);
    broker.kill().unwrap();
    let refused = send(&directory, &refusing, 1);
    assert!(refused.contains("503"), "{refused}");
    send(&directory, &spooling, 0);
    // The spool is an inbox to look at.
    let spooled = ["inbox", "list", "--json", "--inbox", "sqlite:spool.db"];
    assert_eq!(printed(&directory, &spooled, 0).lines().count(), 1);

    broker.restart().unwrap();
    spooling.wait_for_log("the spool is empty").unwrap();
    assert_eq!(listed(&directory, &broker), 1);
    assert_eq!(printed(&directory, &spooled, 0), "");
}

#[test]
fn with_a_spool_it_starts_before_the_brokers() {
    let (directory, mut broker) = (directory(), Broker::start().unwrap());
    broker.kill().unwrap();
    let mut spooling = serve_on(&directory, &broker, &["--spool", "spool.db"]);
    send(&directory, &spooling, 0);
    broker.restart().unwrap();
    spooling.wait_for_log("the spool is empty").unwrap();
    assert_eq!(listed(&directory, &broker), 1);
}

#[test]
fn the_operator_s_page_is_of_all_receivers() {
    let (directory, broker) = (directory(), Broker::start().unwrap());
    write(&directory, "admin", "operator\n");
    let listen = [
        "--admin-listen",
        "127.0.0.1:0",
        "--admin-token-file",
        "admin",
    ];
    let mut with_page = serve_on(&directory, &broker, &listen);
    let url = admin::admin_page(&mut with_page);
    send(&directory, &with_page, 0);
    let other = serve_on(&directory, &broker, &[]);
    send(&directory, &other, 0);
    other.exchange(&http::post(b"{}")).unwrap();

    let get = |path: &str| admin::get(&url, path, "operator").body;
    let count = |path: &str, text: &str| get(path).matches(text).count();
    wait_until(|| get("/stores").contains("Events today"));
    wait_until(|| get("/stores").contains(">2</div>"));
    assert_eq!(count("/events", "href=\"event?id="), 3);
    assert_eq!(count("/events?state=quarantined", "href=\"event?id="), 1);
    let page = get("/events?state=quarantined");
    let (_, id) = page.split_once("href=\"event?id=").unwrap();
    let id = &id[..36];
    let post = |path: &str, form: &str| admin::post(&url, path, "operator", form).status;
    assert_eq!(post("/show-body", &format!("id={id}")), 200);
    assert_eq!(post("/discard", &format!("id={id}&reason=test")), 303);
    assert_eq!(count("/events", "href=\"event?id="), 2);
    let audit = get("/audit");
    for action in ["show body", "discard", "admin token 1 from 127.0.0.1"] {
        assert!(audit.contains(action), "{audit}");
    }
}

#[test]
fn what_can_t_work_is_said() {
    let (directory, broker) = (directory(), Broker::start().unwrap());
    let refused = |arguments: &[&str]| {
        let mut command = aifi_push_in(&directory, arguments);
        let assert = command.env("AIFI_PUSH_TOKEN", "a").assert().code(1);
        let output = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        output.replace(&broker.address(), "HOST")
    };
    let url = broker.url();
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "off",
        "--inbox",
    ];
    assert_snapshot!(refused(&[&serve[..], &[&url]].concat()), @"aifi-push: replicas: nats://HOST is not clustered, but 3 replicas were requested: list the cluster's servers, or set replicas to 1");
    assert_snapshot!(refused(&["inbox", "--inbox", &url, "list"]), @"aifi-push: nats://HOST: looking for the inbox failed: there is no stream AIFI_PUSH: `serve` creates it");
    let one = [&serve[..], &[&url, "--nats-replicas", "1"]].concat();
    assert_snapshot!(refused(&[&one[..], &["--max-body", "2MiB", "--max-queued-bytes", "9MiB"]].concat()), @"aifi-push: --max-body: the inbox accepts bodies of at most 1044480 bytes, not of 2097152: allow smaller ones, or raise `max_payload` of the brokers");
    assert_snapshot!(refused(&[&serve[..], &["sqlite:events.db", "--spool", "spool.db"]].concat()), @"aifi-push: --spool is for an inbox on brokers: an inbox of sqlite: is on this disk itself");
}

#[test]
fn dead_letters_are_administered_on_brokers() {
    let (directory, broker) = (directory(), Broker::start().unwrap());
    let replicas = ["--nats-replicas", "1"];
    inbox::dead_letters_are_administered(&directory, &broker.url(), &replicas);
}

#[test]
fn consumers_are_paused_on_brokers() {
    let (directory, broker) = (directory(), Broker::start().unwrap());
    let replicas = ["--nats-replicas", "1"];
    operators::consumers_are_paused(&directory, &broker.url(), &replicas);
}
