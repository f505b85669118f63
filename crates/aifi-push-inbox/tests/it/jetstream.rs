//! What is true of the inbox on JetStream alone. Each test has brokers of its own.

use std::{error::Error as StdError, fmt, fs, path::Path, sync::Arc, time::Duration};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_inbox::{
    Admin, Append, AuditEntry, Event, EventFilter, JetStreamInbox, JetStreamInboxBuilder, NewEvent,
    Outcome, Retention, Subscribe, SubscribeError, SubscribeOptions,
};
use aifi_push_testkit::{
    brokers::{Broker, Cluster, free_ports},
    events::{bodies, numbered, stored},
};
use async_nats::jetstream::{
    self,
    stream::{Config, DiscardPolicy, StorageType},
};
use insta::assert_snapshot;
use tokio::time::timeout;

use crate::{LEASE, conformance, name, subscribe};

conformance::conformance!(new_jetstream);

fn builder(broker: &Broker) -> JetStreamInboxBuilder {
    JetStreamInbox::builder(broker.url()).replicas(1)
}

pub(crate) async fn new_jetstream() -> (Arc<JetStreamInbox>, Broker) {
    let broker = Broker::start().unwrap();
    let inbox = builder(&broker).open().await.unwrap();
    (Arc::new(inbox), broker)
}

/// A plain client, to do what others may do to the streams.
async fn other_client(broker: &Broker) -> jetstream::Context {
    jetstream::new(async_nats::connect(broker.url()).await.unwrap())
}

fn text(error: &dyn StdError, broker: &Broker) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text.replace(&broker.address(), "HOST")
}

#[tokio::test]
async fn an_event_is_known_by_its_subject_when_its_id_is_forgotten() {
    let (inbox, broker) = new_jetstream().await;
    let late = numbered([3]);
    let (id, operation) = (late[0].event.id, &late[0].event.operation);
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Aifi-Push-Received-At", "2026-11-24T10:00:00.000000Z");
    let subject = format!("aifi-push.event.{operation}.{id}");
    let other = other_client(&broker).await;
    let published = other.publish_with_headers(subject, headers, "3".into());
    published.await.unwrap().await.unwrap();
    inbox.append(late).await.unwrap();
    assert_eq!(bodies(&*inbox).await, [b"3"]);
}

#[tokio::test]
async fn a_stream_that_would_lose_events_is_refused() {
    let broker = Broker::start().unwrap();
    let other = other_client(&broker).await;
    let stream = Config {
        name: "AIFI_PUSH".to_owned(),
        subjects: vec!["aifi-push.event.>".to_owned()],
        discard: DiscardPolicy::Old,
        storage: StorageType::Memory,
        max_messages: 1000,
        max_age: Duration::from_secs(3600),
        ..Config::default()
    };
    other.create_stream(stream).await.unwrap();
    let refused = builder(&broker).max_bytes(1_000_000).open().await;
    assert_snapshot!(text(&refused.unwrap_err(), &broker), @r#"stream: AIFI_PUSH at nats://HOST: `subjects` is ["aifi-push.event.>"], expected ["aifi-push.event.>", "aifi-push.quarantined.>", "aifi-push.probe.>"]; `storage` is Memory, expected File; `discard` is Old, expected New; `discard_new_per_subject` is false, expected true; `max_msgs_per_subject` is -1, expected 1; `max_msgs` is 1000, expected -1; `max_age` is 3600s, expected 0ns; `max_bytes` is -1, expected 1000000: change the stream, or the setting"#);
}

#[tokio::test]
async fn a_consumer_that_would_miss_events_is_refused() {
    let (inbox, broker) = new_jetstream().await;
    let other = other_client(&broker).await;
    let stream = other.get_stream("AIFI_PUSH").await.unwrap();
    let consumer = jetstream::consumer::pull::Config {
        durable_name: Some("billing".to_owned()),
        max_deliver: 3,
        filter_subject: "aifi-push.event.>".to_owned(),
        ..Default::default()
    };
    stream.create_consumer(consumer).await.unwrap();
    let billing = name("billing");
    let subscribed = inbox.subscribe(&billing, SubscribeOptions::default());
    let refused = subscribed.await.unwrap_err();
    assert!(matches!(refused, SubscribeError::Drifted { .. }));
    assert!(refused.is_permanent());
    assert_snapshot!(text(&refused, &broker), @r#"consumer "billing" at nats://HOST: max_deliver would make it miss events: change it, or choose another name"#);
}

#[tokio::test]
async fn a_full_stream_refuses_and_keeps_what_it_has() {
    let broker = Broker::start().unwrap();
    let inbox = builder(&broker).max_bytes(10_000).open().await.unwrap();
    let large = || {
        vec![NewEvent::accepted(Event::new(
            &TRANSITION_LEFT,
            vec![b'x'; 4000],
        ))]
    };
    inbox.append(large()).await.unwrap();
    inbox.append(large()).await.unwrap();
    let full = inbox.append(large()).await.unwrap_err();
    assert_snapshot!(text(&full, &broker), @"nats://HOST: storing events failed: publish failed: maximum bytes exceeded (code 503, error code 10077): maximum bytes exceeded (code 503, error code 10077)");
    assert_eq!(stored(&inbox).await.len(), 2);
    inbox.append(numbered([1])).await.unwrap();
}

#[tokio::test]
async fn the_largest_body_follows_the_brokers() {
    let broker = Broker::start_with("max_payload: 64KB").unwrap();
    let inbox = builder(&broker).open().await.unwrap();
    assert_eq!(inbox.max_body_bytes(), Some(60 * 1024));
}

#[tokio::test]
async fn an_inbox_that_does_not_exist_is_reported() {
    let mut broker = Broker::start().unwrap();
    let missing = builder(&broker).open_existing().await.unwrap_err();
    assert_snapshot!(text(&missing, &broker), @"nats://HOST: looking for the inbox failed: there is no stream AIFI_PUSH: `serve` creates it");

    broker.kill().unwrap();
    let nobody = builder(&broker).open().await.unwrap_err();
    assert_snapshot!(text(&nobody, &broker), @"nats://HOST: connecting failed: IO error: Connection refused (os error 111): Connection refused (os error 111)");

    let urls = [
        "nats://",
        "nats://user@host",
        "nats://a,,b",
        "http://a",
        "nats://a:x",
    ];
    let errors: Vec<_> = urls
        .map(|url| async move {
            let error = JetStreamInbox::builder(url).open().await.unwrap_err();
            format!("{url}: {error}\n")
        })
        .into();
    let errors = futures_util::future::join_all(errors).await.concat();
    assert_snapshot!(errors, @r#"
    nats://: inbox: invalid server "": expected HOST or HOST:PORT
    nats://user@host: inbox: invalid credentials: expected USER:PASSWORD before `@`
    nats://a,,b: inbox: invalid server "": expected HOST or HOST:PORT
    http://a: inbox: invalid URL: expected nats://HOST,… or tls://HOST,…
    nats://a:x: inbox: invalid server "a:x": expected HOST or HOST:PORT
    "#);
}

#[tokio::test]
async fn without_a_broker_nothing_is_stored_until_there_is_one_again() {
    let (inbox, mut broker) = new_jetstream().await;
    inbox.append(numbered([0])).await.unwrap();
    broker.kill().unwrap();
    let down = inbox.append(numbered([1])).await.unwrap_err();
    assert_snapshot!(text(&down, &broker), @"nats://HOST: storing events failed: broken pipe: there is no connection to a broker: there is no connection to a broker");
    assert!(inbox.probe().await.is_err());

    // What waits when the broker comes back is stored.
    let (appended, ()) = tokio::join!(inbox.append(numbered([2])), async {
        broker.restart().unwrap();
    });
    appended.unwrap();
    inbox.probe().await.unwrap();
    assert_eq!(bodies(&*inbox).await, [b"0", b"2"]);
}

#[tokio::test]
async fn user_and_password_are_required_and_never_shown() {
    let broker =
        Broker::start_with(r#"authorization { user: "al", password: "p@ss/word" }"#).unwrap();
    let at = |login: &str| JetStreamInbox::builder(format!("nats://{login}@{}", broker.address()));
    let inbox = at("al:p%40ss%2Fword").replicas(1).open().await.unwrap();
    inbox.append(numbered([1])).await.unwrap();
    assert!(!format!("{inbox:?}").contains("word"));

    let builder = at("al:wr0ng");
    assert!(!format!("{builder:?}").contains("wr0ng"));
    let refused = builder.open().await.unwrap_err();
    assert_snapshot!(text(&refused, &broker), @"nats://HOST: connecting failed: authorization violation: nats: authorization violation: nats: authorization violation");
}

#[tokio::test]
async fn a_credentials_file_lets_in() {
    let directory = tempfile::tempdir().unwrap();
    let credentials = directory.path().join("user.creds");
    let made = credentials::Made::new();
    fs::write(&credentials, &made.user).unwrap();
    let mut broker = Broker::start_with(&made.broker).unwrap();
    let inbox = builder(&broker)
        .credentials_file(&credentials)
        .open()
        .await
        .unwrap();
    inbox.append(numbered([1])).await.unwrap();
    assert_eq!(stored(&inbox).await.len(), 1);

    let refused = builder(&broker).open().await.unwrap_err();
    assert_snapshot!(text(&refused, &broker), @"nats://HOST: connecting failed: authorization violation: nats: authorization violation: nats: authorization violation");

    // They are read anew for each connection.
    fs::write(&credentials, "no credentials").unwrap();
    broker.restart().unwrap();
    assert!(inbox.append(numbered([2])).await.is_err());
    fs::write(&credentials, &made.user).unwrap();
    inbox.append(numbered([3])).await.unwrap();

    let missing = builder(&broker).credentials_file("nowhere.creds").open();
    assert_snapshot!(text(&missing.await.unwrap_err(), &broker), @"nowhere.creds: reading the credentials failed: No such file or directory (os error 2)");
}

#[tokio::test]
async fn tls_is_spoken_and_insisted_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let configuration = format!(
        "tls {{ cert_file: {:?}, key_file: {:?} }}",
        path("cert.pem"),
        path("key.pem")
    );
    let broker = Broker::start_with(&configuration).unwrap();
    let url = format!("tls://{}", broker.address());
    let inbox = JetStreamInbox::builder(&url)
        .replicas(1)
        .root_certificates(path("cert.pem"))
        .open()
        .await
        .unwrap();
    inbox.append(numbered([1])).await.unwrap();

    let distrusted = JetStreamInbox::builder(&url).open().await.unwrap_err();
    assert!(
        text(&distrusted, &broker).contains("certificate"),
        "{distrusted:?}"
    );
    let missing = JetStreamInbox::builder(&url)
        .root_certificates("nowhere.pem")
        .open();
    assert_snapshot!(text(&missing.await.unwrap_err(), &broker), @"nowhere.pem: reading the certificates failed: No such file or directory (os error 2)");

    let plain = Broker::start().unwrap();
    let insisted = JetStreamInbox::builder(format!("tls://{}", plain.address()));
    let refused = insisted.open().await.unwrap_err();
    assert_snapshot!(text(&refused, &plain), @"tls://HOST: connecting failed: IO error: received corrupt message of type InvalidContentType: received corrupt message of type InvalidContentType");
}

/// Asks until there is an answer: while brokers elect a leader, on a busy machine for longer than a
/// call lasts, there is none.
async fn answered<T, E: fmt::Debug>(ask: impl AsyncFn() -> Result<T, E>) -> T {
    let mut problem = None;
    let asked = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => problem = Some(error),
            }
        }
    };
    let answer = timeout(5 * LEASE, asked).await;
    answer.map_err(|_| problem).unwrap()
}

#[tokio::test]
async fn a_consumer_goes_on_where_another_machine_stopped() {
    let mut cluster = Cluster::start().unwrap();
    let open = || JetStreamInbox::builder(cluster.url()).open();
    let (here, there) = (open().await.unwrap(), open().await.unwrap());
    here.append(numbered(0..4)).await.unwrap();
    let billing = subscribe(&here, "billing").await;
    let first = billing.receive(2, LEASE).await.unwrap();
    let done = first.iter().map(|one| (one.receipt.clone(), Outcome::Done));
    billing.settle(done.collect()).await.unwrap();
    drop(billing);
    drop(here);

    // And any one broker may die, here the leader.
    let leader = answered(async || cluster.leader("AIFI_PUSH").await.ok_or("no leader")).await;
    cluster.named(&leader).unwrap().kill().unwrap();
    let last = numbered([4]);
    answered(async || there.append(last.clone()).await).await;
    let options = SubscribeOptions {
        lease: LEASE,
        ..SubscribeOptions::default()
    };
    let billing = name("billing");
    let billing = answered(async || there.subscribe(&billing, options).await).await;
    let mut texts = Vec::new();
    while texts.len() < 3 {
        let taken = answered(async || billing.subscription.receive(9, LEASE).await).await;
        let bodies = taken.iter().map(|one| one.event.body.to_vec());
        texts.extend(bodies.map(|body| String::from_utf8(body).unwrap()));
    }
    assert_eq!(texts, ["2", "3", "4"]);
}

/// The configuration in `deploy/nats`, with the addresses and files of the test.
#[tokio::test]
async fn the_configuration_that_we_ship_serves() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    for name in ["broker.pem", "ca.pem"] {
        fs::write(directory.path().join(name), made.cert.pem()).unwrap();
    }
    let key = made.signing_key.serialize_pem();
    fs::write(directory.path().join("broker.key"), key).unwrap();

    let shipped = include_str!("../../../../deploy/nats/nats.conf");
    let [a, b, c, x, y, z] = free_ports().unwrap();
    let mut brokers = Vec::new();
    for (port, route) in [(a, x), (b, y), (c, z)] {
        let mut broker = Broker::configured(port, |store| {
            let mut text = shipped.to_owned();
            for (from, to) in [
                ("$NATS_NAME", format!("n{port}")),
                ("$NATS_PASSWORD", "secret".to_owned()),
                ("http: 127.0.0.1:8222", String::new()),
                ("0.0.0.0:4222", format!("127.0.0.1:{port}")),
                ("0.0.0.0:6222", format!("127.0.0.1:{route}")),
                ("nats-1:6222", format!("127.0.0.1:{x}")),
                ("nats-2:6222", format!("127.0.0.1:{y}")),
                ("nats-3:6222", format!("127.0.0.1:{z}")),
                ("/var/lib/nats", store.display().to_string()),
                ("/etc/nats", directory.path().display().to_string()),
            ] {
                assert!(text.contains(from), "{from}");
                text = text.replace(from, &to);
            }
            text
        })
        .unwrap();
        broker.restart().unwrap();
        brokers.push(broker);
    }
    let url = format!("tls://aifi-push:secret@127.0.0.1:{a},127.0.0.1:{b}");
    let open = JetStreamInbox::builder(url)
        .root_certificates(directory.path().join("ca.pem"))
        .open();
    let inbox = Arc::new(open.await.unwrap());
    // A receiver's default body fits.
    assert!(inbox.max_body_bytes() >= Some(1020 * 1024));
    // Every permission that is needed.
    inbox.probe().await.unwrap();
    conformance::dead_letters_wait_until_they_are_requeued(inbox.clone()).await;
    inbox.stats().await.unwrap();
}

/// An operator, an account and a user of it, as `nsc` makes them.
mod credentials {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use nkeys::KeyPair;
    use serde_json::{Value, json};

    pub(super) struct Made {
        /// Lines for the configuration of a broker.
        pub(super) broker: String,
        /// The credentials file.
        pub(super) user: String,
    }

    impl Made {
        pub(super) fn new() -> Self {
            let (operator, account) = (KeyPair::new_operator(), KeyPair::new_account());
            let (system, user) = (KeyPair::new_account(), KeyPair::new_user());
            let (name, system) = (account.public_key(), system.public_key());
            let operator_claims = json!({"type": "operator", "version": 2});
            let limits = json!({
                "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
                "wildcards": true, "conn": -1, "leaf": -1,
                "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1
            });
            let account_claims = json!({"type": "account", "version": 2, "limits": limits});
            let user_claims = json!({
                "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1
            });
            let operator_token = token(&operator, &operator.public_key(), &operator_claims);
            let account_token = token(&operator, &name, &account_claims);
            let system_claims = json!({"type": "account", "version": 2});
            let system_token = token(&operator, &system, &system_claims);
            let user_token = token(&account, &user.public_key(), &user_claims);
            let seed = user.seed().unwrap();
            Self {
                broker: format!(
                    "operator: {operator_token}\nresolver: MEMORY\n\
                     system_account: {system}\n\
                     resolver_preload {{ {name}: {account_token}, {system}: {system_token} }}"
                ),
                user: format!(
                    "-----BEGIN NATS USER JWT-----\n{user_token}\n------END NATS USER JWT------\n\n\
                     -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
                ),
            }
        }
    }

    fn token(issuer: &KeyPair, subject: &str, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let header = encode(&json!({"typ": "JWT", "alg": "ed25519-nkey"}));
        let body = encode(&json!({
            "jti": subject, "iat": 1_700_000_000, "iss": issuer.public_key(),
            "name": "test", "sub": subject, "nats": claims
        }));
        let signed = format!("{header}.{body}");
        let signature = issuer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The number of files below a directory that contain some bytes.
fn files_with(directory: &Path, wanted: &[u8]) -> usize {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let counts = paths.map(|path| {
        if path.is_dir() {
            return files_with(&path, wanted);
        }
        let bytes = fs::read(path).unwrap();
        usize::from(bytes.windows(wanted.len()).any(|found| found == wanted))
    });
    counts.sum()
}

#[tokio::test]
async fn the_bytes_of_erased_events_are_gone() {
    let (inbox, broker) = new_jetstream().await;
    let mut ids = Vec::new();
    for number in 0..12 {
        for person in ["alice", "carol"] {
            let body = format!(r#"{{"customer": {{"id": "of-{person}"}}, "number": {number}}}"#);
            let event = Event::new(&TRANSITION_LEFT, body);
            if person == "alice" {
                ids.push(event.id);
            }
            inbox
                .append(vec![match number % 4 {
                    0 => NewEvent::quarantined(event, "no"),
                    _ => NewEvent::accepted(event),
                }])
                .await
                .unwrap();
        }
    }
    let a = subscribe(&*inbox, "a").await;
    // What is replaced by a later attempt stays in a file of the broker until it compacts it.
    let received = a.receive(99, Duration::from_secs(5)).await.unwrap();
    let outcomes = received.into_iter().enumerate().map(|(nth, delivery)| {
        let problem = "it failed".to_owned();
        let outcome = match nth % 3 {
            0 => Outcome::Done,
            1 => Outcome::Dead { problem },
            _ => Outcome::Retry {
                delay: LEASE,
                problem,
            },
        };
        (delivery.receipt, outcome)
    });
    a.settle(outcomes.collect()).await.unwrap();
    assert!(files_with(&broker.store(), b"of-alice") > 0);
    assert_eq!(inbox.erase(ids).await.unwrap(), 12);
    assert_eq!(files_with(&broker.store(), b"of-alice"), 0);
    assert!(files_with(&broker.store(), b"of-carol") > 0);
}

#[tokio::test]
async fn a_pause_is_seen_by_every_process_and_a_new_lease_leaves_it() {
    let (inbox, broker) = new_jetstream().await;
    let a = subscribe(&*inbox, "a").await;
    inbox.append(numbered([1])).await.unwrap();
    let other = builder(&broker).open_existing().await.unwrap();
    // One that is about to receive has seen it when this returns.
    let (received, ()) = tokio::join!(a.receive(9, Duration::ZERO), async {
        other.pause_consumer(&name("a")).await.unwrap();
    });
    let received = received.unwrap().len();
    inbox.append(numbered([2])).await.unwrap();
    assert!(a.receive(9, Duration::ZERO).await.unwrap().is_empty());
    let options = SubscribeOptions {
        lease: Duration::from_secs(7),
        ..SubscribeOptions::default()
    };
    let again = inbox.subscribe(&name("a"), options).await.unwrap();
    let again = again.subscription;
    assert!(again.receive(9, Duration::ZERO).await.unwrap().is_empty());
    assert!(other.stats().await.unwrap().consumers[0].is_paused);
    other.resume_consumer(&name("a")).await.unwrap();
    let resumed = again.receive(9, LEASE).await.unwrap();
    assert_eq!(received + resumed.len(), 2);
}

#[tokio::test]
async fn actions_are_kept_for_a_year_where_events_are() {
    let (inbox, broker) = new_jetstream().await;
    let other = other_client(&broker).await;
    // Looking creates nothing.
    assert!(inbox.actions(None, 9).await.unwrap().is_empty());
    assert!(other.get_stream("AIFI_PUSH_AUDIT").await.is_err());
    let beside = builder(&broker).open_existing().await.unwrap();
    for inbox in [&*inbox, &beside] {
        let action = AuditEntry::new("cli:root", "prune", "--older-than 90d");
        inbox.record_action(action).await.unwrap();
    }
    assert_eq!(inbox.actions(None, 9).await.unwrap().len(), 2);
    let stream = other.get_stream("AIFI_PUSH_AUDIT").await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.storage, StorageType::File);
    assert_eq!(config.max_age, Duration::from_secs(365 * 24 * 60 * 60));
    assert_eq!((config.max_messages, config.num_replicas), (100_000, 1));
}

#[tokio::test]
async fn a_list_leaves_nothing_at_the_brokers() {
    let (inbox, broker) = new_jetstream().await;
    let events = numbered(0..300);
    inbox.append(events.clone()).await.unwrap();
    let filter = EventFilter {
        without_states: true,
        ..EventFilter::default()
    };
    let after = stored(&*inbox).await[9].position;
    let newest = inbox.list_newest(&filter, None, 9).await.unwrap();
    let newest: Vec<_> = newest.iter().map(|it| it.event.id).collect();
    let expected: Vec<_> = events.iter().rev().map(|new| new.event.id).collect();
    assert_eq!(newest, expected[..9]);
    let listed = inbox.list(&filter, Some(after), 9).await.unwrap();
    assert_eq!(listed[0].event.id, events[10].event.id);
    inbox.prune(&Retention::default()).await.unwrap();
    let stream = other_client(&broker).await.get_stream("AIFI_PUSH").await;
    assert_eq!(stream.unwrap().cached_info().state.consumer_count, 0);
}
