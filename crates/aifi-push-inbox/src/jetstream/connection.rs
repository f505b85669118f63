//! Connecting to brokers: addresses, TLS, credentials.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr, jetstream::context::ContextBuilder,
};
use percent_encoding::percent_decode_str;
use tokio::sync::OnceCell;

use super::{JetStreamInbox, JetStreamInboxBuilder, Wanted, credentials::Credentials};
use crate::{
    deadlines::{JETSTREAM_ACKNOWLEDGE, JETSTREAM_ANSWER},
    error::{BoxError, OpenError},
};

/// The longest wait between two tries to reach a broker.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// The most that the headers of an event take, in bytes, with the problem of a quarantined one.
const HEADERS: usize = 4096;

/// Returns the largest body that the brokers accept, or `None` while none was reached.
pub(super) fn max_body_bytes(client: &Client) -> Option<usize> {
    let server = client.try_server_info()?;
    Some(server.max_payload.saturating_sub(HEADERS))
}

impl JetStreamInboxBuilder {
    pub(super) async fn connect(&self, may_create: bool) -> Result<JetStreamInbox, OpenError> {
        let servers = Servers::parse(&self.servers)?;
        let options = self.options(&servers)?;
        let client = options.connect(&servers.addresses).await;
        let client = client.map_err(|source| servers.unreachable(source))?;
        Ok(self.inbox(client, &servers, may_create))
    }

    pub(super) async fn connect_in_background(&self) -> Result<JetStreamInbox, OpenError> {
        let servers = Servers::parse(&self.servers)?;
        let connected = self.options(&servers)?;
        let client = match connected.connect(&servers.addresses).await {
            Ok(client) => client,
            Err(error) if is_unreachable(error.kind()) => {
                let later = self.options(&servers)?.retry_on_initial_connect();
                let later = later.connect(&servers.addresses).await;
                later.map_err(|source| servers.unreachable(source))?
            }
            Err(error) => return Err(servers.unreachable(error)),
        };
        Ok(self.inbox(client, &servers, true))
    }

    fn options(&self, servers: &Servers) -> Result<ConnectOptions, OpenError> {
        let options = match &self.credentials {
            None => ConnectOptions::new(),
            Some(path) => {
                let credentials = Credentials::new(path)?;
                ConnectOptions::with_auth_callback(move |nonce| credentials.clone().answer(nonce))
            }
        };
        let mut options = options
            .name("aifi-push")
            .require_tls(servers.is_tls)
            .request_timeout(Some(JETSTREAM_ANSWER))
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
                .map_err(|source| OpenError::file(path, "reading the certificates", source))?;
            options = options.add_root_certificates(path.clone());
        }
        Ok(options)
    }

    fn inbox(&self, client: Client, servers: &Servers, may_create: bool) -> JetStreamInbox {
        let context = ContextBuilder::new().timeout(JETSTREAM_ACKNOWLEDGE);
        JetStreamInbox {
            context: context.build(client),
            name: servers.name.as_str().into(),
            wanted: Arc::new(Wanted {
                replicas: self.replicas,
                max_bytes: self.max_bytes,
                may_create,
            }),
            streams: Arc::new(OnceCell::new()),
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
        Event::Disconnected => tracing::warn!("lost the connection to the broker"),
        Event::LameDuckMode => tracing::info!("the broker is stopping"),
        Event::ServerError(error) => tracing::warn!(%error, "the broker reports an error"),
        Event::ClientError(error) => tracing::warn!(%error, "no connection to a broker"),
        Event::SlowConsumer(_) | Event::Draining | Event::Closed => {}
    }
}

/// The URL of an inbox, parsed.
struct Servers {
    addresses: Vec<ServerAddr>,
    is_tls: bool,
    login: Option<(String, String)>,
    /// The URL without user and password.
    name: String,
}

impl Servers {
    fn parse(url: &str) -> Result<Self, OpenError> {
        let wrong = |reason| OpenError::configuration("inbox", reason);
        let (scheme, rest) = url
            .split_once("://")
            .filter(|(scheme, _)| ["nats", "tls"].contains(scheme))
            .ok_or_else(|| wrong("invalid URL: expected nats://HOST,… or tls://HOST,…"))?;
        let (login, hosts) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(login, hosts)| (Some(login), hosts));
        let hosts = hosts.trim_end_matches('/');
        let login = login.map(|login| login.split_once(':'));
        let login = match login {
            Some(None) => {
                return Err(wrong(
                    "invalid credentials: expected USER:PASSWORD before `@`",
                ));
            }
            Some(Some((user, password))) => Some((decoded(user), decoded(password))),
            None => None,
        };
        let address = |host: &str| {
            let address = format!("{scheme}://{host}").parse::<ServerAddr>().ok();
            let address = address.filter(|address| !address.host().is_empty());
            address.ok_or_else(|| {
                OpenError::configuration(
                    "inbox",
                    format!("invalid server {host:?}: expected HOST or HOST:PORT"),
                )
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

    fn unreachable(&self, source: impl Into<BoxError>) -> OpenError {
        OpenError::Unavailable {
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
