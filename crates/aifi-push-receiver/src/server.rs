//! A server that slow, many or broken senders can't bring down.

use std::{fmt, future::Future, net::SocketAddr, path::Path, sync::Arc, time::Duration};

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
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use tokio_util::sync::CancellationToken;

use crate::{Error, chain::Chain};

/// How long to wait where the system has no room for another connection.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

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
    tls: Option<TlsAcceptor>,
    max_connections: usize,
    header_timeout: Duration,
    stop_within: Duration,
}

impl Server {
    /// Listens on an address, such as `127.0.0.1:8080`. Port 0 chooses a free one.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if that does not work.
    pub async fn bind(address: &str) -> Result<Self, Error> {
        let failed = |source| Error::Listen {
            address: address.to_owned(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            tls: None,
            max_connections: 1024,
            header_timeout: Duration::from_secs(10),
            stop_within: Duration::from_secs(10),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Speaks TLS only, with a certificate chain and a private key from PEM files.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if one of them can't be read, [`Error::Configuration`] if they don't fit.
    pub fn tls(mut self, certificates: &Path, key: &Path) -> Result<Self, Error> {
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(|chain| chain.collect::<Result<Vec<_>, _>>())
            .map_err(|source| Error::file(certificates, "reading the certificates", source))?;
        let private = PrivateKeyDer::from_pem_file(key)
            .map_err(|source| Error::file(key, "reading the private key", source))?;
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(chain, private)
            })
            .map_err(|error| {
                let reason = format!(
                    "the certificates in {} and the key in {} don't work: {error}",
                    certificates.display(),
                    key.display()
                );
                Error::configuration("tls", reason)
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        self.tls = Some(TlsAcceptor::from(Arc::new(config)));
        Ok(self)
    }

    /// The most connections at a time; others wait until one ends. 1024 unless set.
    pub fn max_connections(mut self, connections: usize) -> Self {
        // Tokio's semaphores panic beyond.
        self.max_connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How long the headers of a request may take to arrive, and the TLS handshake. A connection
    /// without a request ends after this time too. 10 seconds unless set.
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// How long requests in hand may take once the server is to stop. 10 seconds unless set.
    pub fn stop_within(mut self, time: Duration) -> Self {
        self.stop_within = time;
        self
    }

    /// Serves until `stop` is done and the requests in hand are answered, or their time is over.
    pub async fn serve(self, app: Router, stop: impl Future<Output = ()>) {
        let room = Arc::new(Semaphore::new(self.max_connections));
        let open = GracefulShutdown::new();
        let cut = CancellationToken::new();
        let stopped = async {
            tokio::pin!(stop);
            loop {
                let accepted = tokio::select! {
                    biased;
                    () = &mut stop => return,
                    accepted = accept(&self.listener, &room) => accepted,
                };
                let connection = Connection {
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
                "cut connections that took longer than {:?}",
                self.stop_within
            );
        }
        cut.cancel();
    }
}

/// The next connection, once there is room for it.
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
                sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

struct Connection {
    tls: Option<TlsAcceptor>,
    header_timeout: Duration,
    app: Router,
    watcher: Watcher,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        // Answers are short, and nothing follows that they could wait for.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.serve_http(stream).await,
            Some(tls) => match timeout(self.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve_http(stream).await,
                Ok(Err(error)) => tracing::debug!(error = %Chain(&error), "no TLS"),
                Err(_) => tracing::debug!("no TLS in time"),
            },
        }
    }

    async fn serve_http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.app));
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(error = %Chain(&error), "a connection broke");
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}
