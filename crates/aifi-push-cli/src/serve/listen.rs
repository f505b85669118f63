//! Where `serve` listens.

use aifi_push_receiver::Listener;
use anyhow::Result;

/// A listener, and what to print for it.
pub(super) struct Listening {
    pub(super) listener: Listener,
    /// Scheme, host and port, or `None` for another address of one that is printed already.
    pub(super) origin: Option<String>,
}

/// Listens on addresses, or on the sockets that systemd opened.
pub(super) async fn listen(addresses: &[String], scheme: &str) -> Result<Vec<Listening>> {
    let mut listening = handed_over(scheme)?;
    if !listening.is_empty() {
        let count = listening.len();
        tracing::info!(
            count,
            "listening on sockets of the supervisor, not on --listen"
        );
        return Ok(listening);
    }
    for address in addresses {
        let listeners = Listener::bind(address).await?;
        let origin = listeners
            .first()
            .map(|listener| origin(scheme, address, listener));
        let origins = origin.into_iter().map(Some).chain(std::iter::repeat(None));
        let found = listeners.into_iter().zip(origins);
        listening.extend(found.map(|(listener, origin)| Listening { listener, origin }));
    }
    Ok(listening)
}

#[cfg(unix)]
fn handed_over(scheme: &str) -> Result<Vec<Listening>> {
    let mut sockets = listenfd::ListenFd::from_env();
    let mut listening = Vec::new();
    for index in 0..sockets.len() {
        // Each kind refuses the other.
        let listener = match sockets.take_tcp_listener(index) {
            Ok(Some(tcp)) => Listener::from_tcp(tcp)?,
            _ => match sockets.take_unix_listener(index)? {
                Some(unix) => Listener::from_unix(unix)?,
                None => continue,
            },
        };
        let origin = Some(origin(scheme, &listener.to_string(), &listener));
        listening.push(Listening { listener, origin });
    }
    Ok(listening)
}

#[cfg(not(unix))]
fn handed_over(_: &str) -> Result<Vec<Listening>> {
    Ok(Vec::new())
}

/// The URL of a listener, by the host that somebody chose where there is one.
pub(super) fn origin(scheme: &str, chosen: &str, listener: &Listener) -> String {
    let Some(address) = listener.address() else {
        return listener.to_string();
    };
    let host = chosen.rsplit_once(':').map_or("", |(host, _)| host);
    let is_name =
        !host.is_empty() && host.parse::<std::net::Ipv4Addr>().is_err() && !host.starts_with('[');
    if is_name {
        format!("{scheme}://{host}:{}", address.port())
    } else if host.is_empty() {
        format!("{scheme}://localhost:{}", address.port())
    } else {
        format!("{scheme}://{address}")
    }
}
