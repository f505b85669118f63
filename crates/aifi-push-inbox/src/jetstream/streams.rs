//! The streams: their settings, and whether those that exist have them.

use std::{fmt, time::Duration};

use async_nats::jetstream::{
    Context, ErrorCode,
    context::{CreateStreamErrorKind, GetStreamErrorKind},
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream},
};
use backon::{ExponentialBuilder, Retryable};

use super::{Wanted, subject};
use crate::{
    deadlines::{JETSTREAM_ANSWER, JETSTREAM_ELECTION},
    error::{BoxError, OpenError},
};

/// The stream of events.
pub(super) const EVENTS: &str = "AIFI_PUSH";

/// How long the broker knows an event by its id alone. After that it knows it by its subject.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// Handles of the streams.
#[derive(Debug)]
pub(super) struct Streams {
    /// Every event, also the quarantined ones.
    pub(super) events: Stream,
    /// The dead letters of each consumer.
    pub(super) dead: Stream,
    /// What each consumer was delivered and has yet to acknowledge, but for first deliveries.
    pub(super) retries: Stream,
}

/// Creates the streams that are missing, and refuses those that would lose events.
pub(super) async fn prepare(
    context: &Context,
    wanted: &Wanted,
    inbox: &str,
) -> Result<Streams, OpenError> {
    // What is asked about a stream may take longer than a publish.
    let mut context = context.clone();
    context.set_timeout(JETSTREAM_ANSWER);
    let context = &context;
    let prepare = async |name, subjects: &[&str]| {
        let config = config(name, subjects, wanted);
        let prepare = || prepare_one(context, &config, wanted.may_create);
        let retries = ExponentialBuilder::default()
            .with_max_delay(Duration::from_secs(1))
            .with_total_delay(Some(JETSTREAM_ELECTION))
            .without_max_times();
        let prepared = prepare
            .retry(retries)
            .when(|error| matches!(error, Refused::NotNow(_)))
            .await;
        prepared.map_err(|refused| match refused {
            Refused::NotNow(source) | Refused::Failed(source) => OpenError::Unavailable {
                inbox: inbox.to_owned(),
                action: "preparing the streams",
                source,
            },
            Refused::Missing => OpenError::Unavailable {
                inbox: inbox.to_owned(),
                action: "looking for the inbox",
                source: format!("there is no stream {name}: `serve` creates it").into(),
            },
            Refused::Alone => OpenError::configuration(
                "replicas",
                format!(
                    "{inbox} is not clustered, but {} replicas were requested: list the cluster's \
                     servers, or set replicas to 1",
                    wanted.replicas
                ),
            ),
            Refused::Drifted(drifts) => {
                let drifts: Vec<_> = drifts.iter().map(ToString::to_string).collect();
                OpenError::configuration(
                    "stream",
                    format!(
                        "{name} at {inbox}: {}: change the stream, or the setting",
                        drifts.join("; ")
                    ),
                )
            }
        })
    };
    Ok(Streams {
        events: prepare(
            EVENTS,
            &[subject::EVENTS, subject::QUARANTINED, subject::PROBES],
        )
        .await?,
        dead: prepare("AIFI_PUSH_DEAD", &[subject::DEAD]).await?,
        retries: prepare("AIFI_PUSH_RETRY", &[subject::RETRIES]).await?,
    })
}

fn config(name: &str, subjects: &[&str], wanted: &Wanted) -> Config {
    let is_events = name == EVENTS;
    Config {
        name: name.to_owned(),
        description: Some("Events that AiFi pushed".to_owned()),
        subjects: subjects.iter().map(|&subject| subject.into()).collect(),
        // Limits, and none that could delete what nobody received: `prune` knows what may go.
        retention: RetentionPolicy::Limits,
        max_age: Duration::ZERO,
        max_messages: -1,
        max_bytes: wanted
            .max_bytes
            .filter(|_| is_events)
            .map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        discard: DiscardPolicy::New,
        // An event that is published once more is refused; a record replaces the last.
        max_messages_per_subject: 1,
        discard_new_per_subject: is_events,
        storage: StorageType::File,
        num_replicas: wanted.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        ..Config::default()
    }
}

enum Refused {
    /// There is no leader yet, or no broker answers.
    NotNow(BoxError),
    Failed(BoxError),
    Missing,
    /// The broker has no others to store replicas.
    Alone,
    Drifted(Vec<Drift>),
}

/// A setting of a stream under which it would lose events.
struct Drift {
    setting: &'static str,
    found: String,
    wanted: String,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting,
            found,
            wanted,
        } = self;
        write!(f, "`{setting}` is {found}, expected {wanted}")
    }
}

async fn prepare_one(
    context: &Context,
    wanted: &Config,
    may_create: bool,
) -> Result<Stream, Refused> {
    match context.get_stream(&wanted.name).await {
        Ok(stream) => {
            let found = &stream.cached_info().config;
            let drifts = if may_create {
                drifts(found, wanted)
            } else {
                Vec::new()
            };
            if drifts.is_empty() {
                Ok(stream)
            } else {
                Err(Refused::Drifted(drifts))
            }
        }
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(error) if error.code() == 404 => {
                if !may_create {
                    return Err(Refused::Missing);
                }
                let created = context.create_stream(wanted).await;
                created.map_err(|error| match error.kind() {
                    CreateStreamErrorKind::JetStream(inner)
                        if inner.error_code() == ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED =>
                    {
                        Refused::Alone
                    }
                    CreateStreamErrorKind::JetStream(inner) if inner.code() < 500 => {
                        Refused::Failed(error.into())
                    }
                    // Another receiver created it, or too few brokers are up.
                    _ => Refused::NotNow(error.into()),
                })
            }
            _ => Err(Refused::NotNow(error.into())),
        },
    }
}

fn drifts(found: &Config, wanted: &Config) -> Vec<Drift> {
    let mut drifts = Vec::new();
    let mut check = |setting, is_right: bool, found: &dyn fmt::Debug, wanted: &dyn fmt::Debug| {
        if !is_right {
            drifts.push(Drift {
                setting,
                found: format!("{found:?}"),
                wanted: format!("{wanted:?}"),
            });
        }
    };
    macro_rules! equal {
        ($($setting:literal $field:ident)*) => {
            $(check($setting, found.$field == wanted.$field, &found.$field, &wanted.$field);)*
        };
    }
    equal! {
        "subjects" subjects
        "retention" retention
        "storage" storage
        "num_replicas" num_replicas
        "discard" discard
        "discard_new_per_subject" discard_new_per_subject
        "max_msgs_per_subject" max_messages_per_subject
        "max_msgs" max_messages
        "max_age" max_age
        "no_ack" no_ack
        "sealed" sealed
        "deny_delete" deny_delete
        "deny_purge" deny_purge
        "mirror" mirror
    }
    let is_bounded_well = wanted.max_bytes < 0 || found.max_bytes == wanted.max_bytes;
    check(
        "max_bytes",
        is_bounded_well,
        &found.max_bytes,
        &wanted.max_bytes,
    );
    check(
        "duplicate_window",
        found.duplicate_window >= wanted.duplicate_window,
        &found.duplicate_window,
        &wanted.duplicate_window,
    );
    check(
        "max_msg_size",
        found.max_message_size < 0,
        &found.max_message_size,
        &-1,
    );
    drifts
}
