//! Getting to a broker: addresses, TLS, credentials.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr, jetstream::context::ContextBuilder,
};
use percent_encoding::percent_decode_str;
use tokio::sync::OnceCell;

use super::{JetStreamInbox, JetStreamInboxBuilder, Wanted};
use crate::{Error, error::BoxError};

/// How long to wait for the acknowledgement of a publish before it is published again: long enough
/// for disks that are busy, and short enough for a second try within the time of a call.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(3);

/// How long to wait for a word about a delivery to be heard.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// How long to wait at most between two tries to reach a broker.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// The most that our headers, and the problem of a quarantined event, take.
const HEADERS: usize = 4096;

/// The largest body that the brokers take; `None` as long as none was reached.
pub(super) fn max_body_bytes(client: &Client) -> Option<usize> {
    let server = client.try_server_info()?;
    Some(server.max_payload.saturating_sub(HEADERS))
}

impl JetStreamInboxBuilder {
    pub(super) async fn connect(&self, may_create: bool) -> Result<JetStreamInbox, Error> {
        let servers = Servers::parse(&self.servers)?;
        let options = self.options(&servers).await?;
        let client = options.connect(&servers.addresses).await;
        let client = client.map_err(|source| servers.unreachable(source))?;
        Ok(self.inbox(client, &servers, may_create))
    }

    pub(super) async fn connect_lazily(&self) -> Result<JetStreamInbox, Error> {
        let servers = Servers::parse(&self.servers)?;
        let connected = self.options(&servers).await?;
        let client = match connected.connect(&servers.addresses).await {
            Ok(client) => client,
            Err(error) if is_unreachable(error.kind()) => {
                let later = self.options(&servers).await?.retry_on_initial_connect();
                let later = later.connect(&servers.addresses).await;
                later.map_err(|source| servers.unreachable(source))?
            }
            Err(error) => return Err(servers.unreachable(error)),
        };
        Ok(self.inbox(client, &servers, true))
    }

    async fn options(&self, servers: &Servers) -> Result<ConnectOptions, Error> {
        let mut options = ConnectOptions::new()
            .name("aifi-push")
            .require_tls(servers.is_tls)
            .request_timeout(Some(ANSWERED_WITHIN))
            .reconnect_delay_callback(|attempts| {
                let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
                RECONNECT_DELAY.min(Duration::from_millis(50).saturating_mul(attempts))
            })
            .event_callback(async |event| log(&event));
        if let Some((user, password)) = &servers.login {
            options = options.user_and_password(user.clone(), password.clone());
        }
        if let Some(path) = &self.root_certificates {
            // The client would say "I/O error" and no more.
            std::fs::File::open(path)
                .map_err(|source| Error::file(path, "reading the certificates", source))?;
            options = options.add_root_certificates(path.clone());
        }
        if let Some(path) = &self.credentials {
            let read = options.credentials_file(path).await;
            options =
                read.map_err(|source| Error::file(path, "reading the credentials", source))?;
        }
        Ok(options)
    }

    fn inbox(&self, client: Client, servers: &Servers, may_create: bool) -> JetStreamInbox {
        let context = ContextBuilder::new().timeout(ACKNOWLEDGED_WITHIN);
        JetStreamInbox {
            context: context.build(client),
            name: servers.name.as_str().into(),
            wanted: Arc::new(Wanted {
                replicas: self.replicas,
                max_bytes: self.max_bytes,
                may_create,
            }),
            streams: Arc::new(OnceCell::new()),
            pullers: Arc::default(),
        }
    }
}

fn is_unreachable(kind: ConnectErrorKind) -> bool {
    matches!(
        kind,
        ConnectErrorKind::Dns
            | ConnectErrorKind::TimedOut
            | ConnectErrorKind::Io
            | ConnectErrorKind::MaxReconnects
    )
}

fn log(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to a broker"),
        Event::Disconnected => tracing::warn!("the connection to the broker broke"),
        Event::LameDuckMode => tracing::info!("the broker is stopping"),
        Event::ServerError(error) => tracing::warn!(%error, "the broker complains"),
        Event::ClientError(error) => tracing::warn!(%error, "no connection to a broker"),
        Event::SlowConsumer(_) | Event::Draining | Event::Closed => {}
    }
}

/// The URL of an inbox, taken apart.
struct Servers {
    addresses: Vec<ServerAddr>,
    is_tls: bool,
    login: Option<(String, String)>,
    /// The URL without user and password.
    name: String,
}

impl Servers {
    fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::configuration("inbox", reason);
        let (scheme, rest) = url
            .split_once("://")
            .filter(|(scheme, _)| ["nats", "tls"].contains(scheme))
            .ok_or_else(|| wrong("an inbox on brokers is nats://HOST,… or tls://HOST,…"))?;
        let (login, hosts) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(login, hosts)| (Some(login), hosts));
        let hosts = hosts.trim_end_matches('/');
        let login = login.map(|login| login.split_once(':'));
        let login = match login {
            Some(None) => return Err(wrong("before the @ stands USER:PASSWORD")),
            Some(Some((user, password))) => Some((decoded(user), decoded(password))),
            None => None,
        };
        let address = |host: &str| {
            let address = format!("{scheme}://{host}").parse::<ServerAddr>().ok();
            let address = address.filter(|address| !address.host().is_empty());
            address.ok_or_else(|| {
                Error::configuration("inbox", format!("{host:?} is no HOST or HOST:PORT"))
            })
        };
        let addresses = hosts.split(',').map(address).collect::<Result<_, _>>()?;
        Ok(Self {
            addresses,
            is_tls: scheme == "tls",
            login,
            name: format!("{scheme}://{hosts}"),
        })
    }

    fn unreachable(&self, source: impl Into<BoxError>) -> Error {
        Error::Inbox {
            inbox: self.name.clone(),
            action: "connecting",
            source: source.into(),
        }
    }
}

/// Undoes the percent-encoding of a URL.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
