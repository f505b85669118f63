//! A server that slow, many or broken senders can't stop.

#[cfg(feature = "tls")]
mod tls;

use std::{fmt, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use aifi_push_inbox::ErrorChain;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::error::ServerError;

/// How long to wait when the system has no room for another connection.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// The most bytes of the headers of a request; more are answered with 431.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// An HTTP/1.1 server with bounds: on the number of connections, the time for headers and for TLS,
/// the size of headers, and the time that stopping takes.
///
/// For a service that has no server of its own; [`Receiver::router`](crate::Receiver::router)
/// works in any other as well.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    #[cfg(feature = "tls")]
    tls: Option<tokio_rustls::TlsAcceptor>,
    max_connections: usize,
    header_timeout: Duration,
    stop_within: Duration,
}

impl Server {
    /// Listens on an address, such as `127.0.0.1:8080`. Port 0 chooses a free one.
    ///
    /// # Errors
    ///
    /// [`ServerError::Listen`] if that fails.
    pub async fn bind(address: &str) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen {
            address: address.to_owned(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            #[cfg(feature = "tls")]
            tls: None,
            max_connections: 1024,
            header_timeout: Duration::from_secs(10),
            stop_within: Duration::from_secs(10),
        })
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets how many connections are served at a time; others wait until one ends. Defaults to 1024.
    pub fn max_connections(mut self, connections: usize) -> Self {
        // Tokio's semaphores panic beyond.
        self.max_connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// Sets how long the headers of a request may take to arrive, and the TLS handshake. A connection
    /// without a request ends after this time too. Defaults to 10 seconds.
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// Sets how long requests in flight may take once the server is to stop. Defaults to 10 seconds.
    pub fn stop_within(mut self, time: Duration) -> Self {
        self.stop_within = time;
        self
    }

    /// Serves until `shutdown` completes and the requests in flight are answered, or their time is
    /// over.
    pub async fn serve(self, app: Router, shutdown: impl Future<Output = ()>) {
        let room = Arc::new(Semaphore::new(self.max_connections));
        let open = GracefulShutdown::new();
        let cut = CancellationToken::new();
        let stopped = async {
            tokio::pin!(shutdown);
            loop {
                let accepted = tokio::select! {
                    biased;
                    () = &mut shutdown => return,
                    accepted = accept(&self.listener, &room) => accepted,
                };
                let connection = Connection {
                    #[cfg(feature = "tls")]
                    tls: self.tls.clone(),
                    header_timeout: self.header_timeout,
                    app: app.clone(),
                    watcher: open.watcher(),
                };
                let cut = cut.clone();
                tokio::spawn(async move {
                    let (stream, _room) = accepted;
                    tokio::select! {
                        () = cut.cancelled() => {}
                        () = connection.serve(stream) => {}
                    }
                });
            }
        };
        stopped.await;
        // Nobody can connect from here on.
        drop(self.listener);
        if timeout(self.stop_within, open.shutdown()).await.is_err() {
            tracing::warn!(
                "closed connections that took longer than {:?}",
                self.stop_within
            );
        }
        cut.cancel();
    }
}

/// Accepts the next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else {
            // Nobody closes the semaphore.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

struct Connection {
    #[cfg(feature = "tls")]
    tls: Option<tokio_rustls::TlsAcceptor>,
    header_timeout: Duration,
    app: Router,
    watcher: Watcher,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        // Responses are short, and nothing follows that they could wait for.
        let _ = stream.set_nodelay(true);
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            match timeout(self.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve_http(stream).await,
                Ok(Err(error)) => tracing::debug!(error = %ErrorChain(&error), "no TLS"),
                Err(_) => tracing::debug!("no TLS in time"),
            }
            return;
        }
        self.serve_http(stream).await;
    }

    async fn serve_http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.app));
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(error = %ErrorChain(&error), "a connection broke");
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
