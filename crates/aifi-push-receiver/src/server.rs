//! A server that slow, many or broken senders can't stop.

mod activity;
mod connection;
mod connections;
mod listener;
#[cfg(feature = "tls")]
mod tls;

use std::{fmt, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use activity::Limits;
use axum::Router;
use connection::Connection;
use connections::Connections;
use futures_util::{FutureExt, future::select_all};
use hyper_util::server::graceful::GracefulShutdown;
use listener::Accepted;
pub use listener::{Listener, UnixPeer};
#[cfg(feature = "tls")]
pub use tls::TlsCertificate;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{error::ServerError, receiver::Receiver, state::AppState};

/// How long to wait when the system has no room for another connection.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// An HTTP server with bounds: on the number of connections, the time for headers and for TLS, the size
/// of headers, the time between requests, and the time that stopping takes. It speaks HTTP/1.1, and
/// HTTP/2 where a client begins with it or chooses it in the TLS handshake. Each request has the address
/// of its sender as axum's [`ConnectInfo`](axum::extract::ConnectInfo), or [`UnixPeer`] if it came by a Unix socket.
///
/// A request that is refused before its body has arrived gets its response: the rest of the body is
/// read and forgotten, for at most 30 seconds. For a service that has no server of its own;
/// [`Receiver::router`] works in any other as well.
pub struct Server {
    listeners: Vec<Listener>,
    #[cfg(feature = "tls")]
    tls: Option<TlsCertificate>,
    max_connections: usize,
    limits: Limits,
    stop_within: Duration,
    refusals: Option<Arc<AppState>>,
}

impl Server {
    /// Listens on an address, such as `127.0.0.1:8080`. [`Listener::bind`] has all forms.
    ///
    /// # Errors
    ///
    /// [`ServerError::Listen`] if that fails.
    pub async fn bind(address: &str) -> Result<Self, ServerError> {
        Ok(Self::new(Listener::bind(address).await?))
    }

    /// Serves what arrives at several places.
    pub fn new(listeners: Vec<Listener>) -> Self {
        Self {
            listeners,
            #[cfg(feature = "tls")]
            tls: None,
            max_connections: 1024,
            limits: Limits {
                head: Duration::from_secs(10),
                idle: Duration::from_secs(620),
            },
            stop_within: Duration::from_secs(10),
            refusals: None,
        }
    }

    /// Returns where it listens.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Returns the first address that it listens on, or `None` if there are only Unix sockets.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listeners.iter().find_map(Listener::address)
    }

    /// Sets how many connections are served at a time. For more, connections end that have been silent
    /// for longest, those first that never brought a token; while all are in the middle of a request,
    /// 64 more are served and others wait. Defaults to 1024, and is at least 1.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// Sets how long the headers of a request may take to arrive, the TLS handshake, and the first
    /// request of a connection. The end may come up to twice as late. Defaults to 10 seconds.
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.limits.head = timeout;
        self
    }

    /// Sets how long a connection may be silent between requests. It should be longer than proxies
    /// keep connections open, as a request that meets the end of its connection is lost. Defaults to
    /// 620 seconds: 60 seconds are usual, and the load balancers of Google take 600.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle = timeout;
        self
    }

    /// Sets how long requests in flight may take once the server is to stop. Defaults to 10 seconds.
    pub fn stop_within(mut self, time: Duration) -> Self {
        self.stop_within = time;
        self
    }

    /// Counts requests that are no HTTP among the refusals of a receiver, and logs them now and then.
    /// The receiver then also reports when the certificate of [`tls`](Self::tls) ends.
    pub fn count_refused(mut self, receiver: &Receiver) -> Self {
        self.refusals = Some(receiver.state());
        self
    }

    /// Serves until `shutdown` completes and the requests in flight are answered, or their time is
    /// over.
    pub async fn serve(self, app: Router, shutdown: impl Future<Output = ()>) {
        let connections = Arc::new(Connections::new(self.max_connections));
        let open = GracefulShutdown::new();
        #[cfg(feature = "tls")]
        if let (Some(certificate), Some(receiver)) = (&self.tls, &self.refusals) {
            // Several servers of one receiver are usually given the same.
            let _ = receiver.certificate.set(certificate.clone());
        }
        let cut = CancellationToken::new();
        let start = |accepted: Accepted| {
            let Accepted {
                stream,
                peer,
                unix_peer,
            } = accepted;
            let opened = connections.add(cut.child_token());
            let connection = Connection {
                #[cfg(feature = "tls")]
                tls: self.tls.as_ref().map(TlsCertificate::acceptor),
                limits: self.limits,
                app: app.clone(),
                watcher: open.watcher(),
                peer,
                unix_peer,
                refusals: self.refusals.clone(),
                activity: Arc::clone(&opened.activity),
            };
            tokio::spawn(async move {
                connection.serve(stream).await;
                drop(opened);
            });
        };
        let accept_all = async {
            loop {
                connections.room().await;
                match accept(&self.listeners).await {
                    Ok(accepted) => start(accepted),
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        // It may be that too many files are open.
                        connections.end_one();
                        sleep(ACCEPT_RETRY_DELAY).await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            () = accept_all => {}
        }
        // Who has connected would be reset; nobody can connect from here on.
        while let Some(Ok(accepted)) = accept(&self.listeners).now_or_never() {
            start(accepted);
        }
        drop(self.listeners);
        if timeout(self.stop_within, open.shutdown()).await.is_err() {
            tracing::warn!(
                "closed connections that took longer than {:?}",
                self.stop_within
            );
        }
        cut.cancel();
    }
}

/// Accepts the next connection, wherever it arrives.
async fn accept(listeners: &[Listener]) -> std::io::Result<Accepted> {
    if listeners.is_empty() {
        return std::future::pending().await;
    }
    let next = listeners.iter().map(|listener| Box::pin(listener.accept()));
    select_all(next).await.0
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}
