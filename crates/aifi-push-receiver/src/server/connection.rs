//! One connection, from its first byte to its last.

use std::{error::Error, net::SocketAddr, sync::Arc, time::Duration};

use aifi_push_inbox::ErrorChain;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper::service::{Service, service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::AsyncReadExt,
    time::{sleep, timeout},
};

use super::{
    activity::{Activity, Limits, Watched},
    listener::{Stream, UnixPeer},
};
use crate::{receive::Authenticated, state::AppState};

/// The most bytes of the headers of a request; more are answered with 431.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The most requests at a time on one connection of HTTP/2.
const MAX_STREAMS: u32 = 100;

/// How often a connection of HTTP/2 is asked whether somebody is there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long to read what a sender that was refused is still sending. A connection that is closed with
/// bytes unread is reset, and the sender would not see the response.
const LINGER: Duration = Duration::from_secs(30);

/// How long such a sender may pause.
const LINGER_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Connection {
    #[cfg(feature = "tls")]
    pub(super) tls: Option<tokio_rustls::TlsAcceptor>,
    pub(super) limits: Limits,
    pub(super) app: Router,
    pub(super) watcher: Watcher,
    pub(super) peer: Option<SocketAddr>,
    pub(super) unix_peer: Option<UnixPeer>,
    /// Where to count what the application never sees.
    pub(super) refusals: Option<Arc<AppState>>,
    pub(super) activity: Arc<Activity>,
}

impl Connection {
    pub(super) async fn serve(self, stream: Box<dyn Stream>) {
        let activity = Arc::clone(&self.activity);
        let limits = self.limits;
        tokio::select! {
            () = activity.cut.cancelled() => {}
            () = activity.expired(limits) => tracing::debug!("closed a silent connection"),
            () = self.until_its_end(stream) => {}
        }
    }

    async fn until_its_end(self, stream: Box<dyn Stream>) {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            match tls.accept(stream).await {
                Ok(stream) => self.serve_http(stream).await,
                Err(error) => {
                    tracing::debug!(error = %ErrorChain(&error), "no TLS");
                    count_refused(self.refusals.as_deref(), "tls_handshake", self.peer);
                }
            }
            return;
        }
        self.serve_http(stream).await;
    }

    async fn serve_http(self, stream: impl Stream) {
        let app = TowerToHyperService::new(self.app.clone());
        let activity = Arc::clone(&self.activity);
        let (peer, unix_peer) = (self.peer, self.unix_peer);
        let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
            if let Some(peer) = peer {
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            if let Some(peer) = unix_peer {
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            let in_request = activity.request();
            let response = app.call(request);
            async move {
                let response: Result<Response<Body>, _> = response.await;
                if let Ok(response) = &response
                    && response.extensions().get::<Authenticated>().is_some()
                {
                    in_request.authenticated();
                }
                response
            }
        });
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            // `Activity` tells a slow head from a pause between requests.
            .header_read_timeout(None)
            // A sender may end its side of the connection before it reads the response.
            .half_close(true)
            .max_buf_size(MAX_HEADER_BYTES);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
            .max_concurrent_streams(MAX_STREAMS);
        let (stream, back) = Watched::new(stream, Arc::clone(&self.activity));
        let served = {
            let connection = http.serve_connection(TokioIo::new(stream), service);
            self.watcher.watch(connection.into_owned()).await
        };
        if let Err(error) = served {
            let error = &*error;
            tracing::debug!(error = %ErrorChain(error), "a connection broke");
            if let Some(reason) = refused(error, &self.activity.first_bytes()) {
                count_refused(self.refusals.as_deref(), reason, peer);
            }
        }
        if let Some(stream) = back.open_stream().await {
            linger(stream).await;
        }
    }
}

fn count_refused(receiver: Option<&AppState>, reason: &'static str, peer: Option<SocketAddr>) {
    if let Some(state) = receiver {
        state.count_refused(reason, "", peer, || None);
    }
}

/// Why a request did not reach the application, if there was one.
fn refused(error: &(dyn Error + 'static), first_bytes: &[u8]) -> Option<&'static str> {
    let error = error.downcast_ref::<hyper::Error>()?;
    if error.is_parse_too_large() {
        return Some("headers_too_large");
    }
    let is_tls = first_bytes.starts_with(&[0x16, 3]);
    let is_proxy =
        first_bytes.starts_with(b"PROXY ") || first_bytes.starts_with(b"\r\n\r\n\0\r\nQUIT");
    match () {
        () if is_tls => Some("tls_on_plain_port"),
        () if is_proxy => Some("proxy_protocol"),
        () if error.is_parse() => Some("bad_request"),
        () => None,
    }
}

/// Reads and forgets what is still sent.
async fn linger(mut stream: impl Stream) {
    let mut forgotten = vec![0; 16 * 1024];
    let forget = async {
        while let Ok(Ok(1..)) = timeout(LINGER_PAUSE, stream.read(&mut forgotten)).await {}
    };
    tokio::select! {
        () = forget => {}
        () = sleep(LINGER) => {}
    }
}
