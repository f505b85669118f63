//! Where a server listens.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use crate::error::ServerError;

/// A socket that connections arrive at.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener, SocketAddr),
    #[cfg(unix)]
    Unix(unix::Socket),
}

/// A connection of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

/// A connection, and where it comes from: an address, or a Unix socket.
pub(super) struct Accepted {
    pub(super) stream: Box<dyn Stream>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) unix_peer: Option<UnixPeer>,
}

/// Who connected by a Unix socket: in the requests of a [`Server`](crate::Server) as axum's
/// [`ConnectInfo`](axum::extract::ConnectInfo).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnixPeer {
    /// The user of the process.
    pub uid: u32,
}

impl Listener {
    /// Listens on an address. Port 0 chooses a free one.
    ///
    /// | address | listens on |
    /// |---|---|
    /// | `127.0.0.1:8080`, `[::1]:8080` | this address |
    /// | `localhost:8080` | each address of the name |
    /// | `:8080`, `8080` | every address of the machine, IPv4 and IPv6 |
    /// | `unix:/run/aifi-push.sock` | a Unix socket; one that nobody listens on any more is replaced, another file is refused |
    ///
    /// # Errors
    ///
    /// [`ServerError::Listen`] if that fails.
    pub async fn bind(address: &str) -> Result<Vec<Self>, ServerError> {
        let failed = |source| ServerError::Listen {
            address: address.to_owned(),
            source,
        };
        if let Some(path) = address.strip_prefix("unix:") {
            #[cfg(unix)]
            return Ok(vec![unix::bind(path).map_err(failed)?]);
            #[cfg(not(unix))]
            return Err(failed(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("no Unix sockets here for {path}"),
            )));
        }
        let port = address.strip_prefix(':').unwrap_or(address);
        if let Ok(port) = port.parse::<u16>() {
            return Ok(vec![bind_every(port).await.map_err(failed)?]);
        }
        let addresses = address.to_owned();
        let addresses = tokio::task::spawn_blocking(move || addresses.to_socket_addrs()).await;
        let addresses = addresses.map_err(io::Error::other).map_err(failed)?;
        let mut listeners: Vec<Self> = Vec::new();
        let mut refused = None;
        for mut address in addresses.map_err(failed)? {
            if let Some(port) = listeners.first().and_then(Self::port) {
                address.set_port(port);
            }
            match Self::tcp(address).await {
                Ok(listener) => listeners.push(listener),
                // `localhost` has an address for IPv6 also where the machine has none.
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                    refused = Some(error);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        if listeners.is_empty() {
            let refused = refused.unwrap_or_else(|| io::ErrorKind::NotFound.into());
            return Err(failed(refused));
        }
        Ok(listeners)
    }

    /// Takes a socket that listens already, as one that systemd opened.
    ///
    /// # Errors
    ///
    /// [`ServerError::Listen`] if it can't be used.
    pub fn from_tcp(listener: std::net::TcpListener) -> Result<Self, ServerError> {
        let take = || {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            let listener = TcpListener::from_std(listener)?;
            Ok(Self {
                socket: Socket::Tcp(listener, address),
            })
        };
        take().map_err(|source| ServerError::Listen {
            address: "a socket that was handed over".to_owned(),
            source,
        })
    }

    /// Takes a Unix socket that listens already, as one that systemd opened.
    ///
    /// # Errors
    ///
    /// [`ServerError::Listen`] if it can't be used.
    #[cfg(unix)]
    pub fn from_unix(listener: std::os::unix::net::UnixListener) -> Result<Self, ServerError> {
        unix::take(listener).map_err(|source| ServerError::Listen {
            address: "a socket that was handed over".to_owned(),
            source,
        })
    }

    /// Returns the address, or `None` for a Unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(_, address) => Some(*address),
            #[cfg(unix)]
            Socket::Unix(_) => None,
        }
    }

    fn port(&self) -> Option<u16> {
        self.address().map(|address| address.port())
    }

    async fn tcp(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            socket: Socket::Tcp(listener, address),
        })
    }

    /// Accepts the next connection.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match &self.socket {
            Socket::Tcp(listener, _) => {
                let (stream, peer) = listener.accept().await?;
                // Responses are short, and nothing follows that they could wait for.
                let _ = stream.set_nodelay(true);
                Ok(Accepted {
                    stream: Box::new(stream),
                    peer: Some(peer),
                    unix_peer: None,
                })
            }
            #[cfg(unix)]
            Socket::Unix(socket) => socket.accept().await,
        }
    }
}

/// Listens on every address: IPv6 takes IPv4 too, unless the machine has no IPv6.
async fn bind_every(port: u16) -> io::Result<Listener> {
    match Listener::tcp((std::net::Ipv6Addr::UNSPECIFIED, port).into()).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Listener::tcp((std::net::Ipv4Addr::UNSPECIFIED, port).into()).await,
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Socket::Tcp(_, address) => address.fmt(f),
            #[cfg(unix)]
            Socket::Unix(socket) => write!(f, "unix:{}", socket.path.display()),
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        fs,
        io::{self, ErrorKind},
        os::unix::fs::FileTypeExt,
        path::{Path, PathBuf},
    };

    use tokio::net::UnixListener;

    use super::{Accepted, Listener, UnixPeer};

    #[derive(Debug)]
    pub(super) struct Socket {
        listener: UnixListener,
        pub(super) path: PathBuf,
        /// Whether the file goes with the listener.
        is_ours: bool,
    }

    pub(super) fn bind(path: &str) -> io::Result<Listener> {
        let path = PathBuf::from(path);
        let listener = match UnixListener::bind(&path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && !is_socket(&path)? => {
                return Err(io::Error::new(
                    ErrorKind::AlreadyExists,
                    "the file exists and is no socket: choose another path, or remove the file",
                ));
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_abandoned(&path) => {
                fs::remove_file(&path)?;
                UnixListener::bind(&path)?
            }
            bound => bound?,
        };
        Ok(Listener {
            socket: super::Socket::Unix(Socket {
                listener,
                path,
                is_ours: true,
            }),
        })
    }

    pub(super) fn take(listener: std::os::unix::net::UnixListener) -> io::Result<Listener> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let path = address.as_pathname().unwrap_or(Path::new("")).to_owned();
        Ok(Listener {
            socket: super::Socket::Unix(Socket {
                listener: UnixListener::from_std(listener)?,
                path,
                is_ours: false,
            }),
        })
    }

    fn is_socket(path: &Path) -> io::Result<bool> {
        Ok(fs::symlink_metadata(path)?.file_type().is_socket())
    }

    /// A process that was killed leaves its socket, which refuses connections.
    fn is_abandoned(path: &Path) -> bool {
        let connected = std::os::unix::net::UnixStream::connect(path);
        matches!(connected, Err(error) if error.kind() == ErrorKind::ConnectionRefused)
    }

    impl Socket {
        pub(super) async fn accept(&self) -> io::Result<Accepted> {
            let (stream, _) = self.listener.accept().await?;
            let credentials = stream.peer_cred().ok();
            Ok(Accepted {
                unix_peer: credentials.map(|known| UnixPeer { uid: known.uid() }),
                stream: Box::new(stream),
                peer: None,
            })
        }
    }

    impl Drop for Socket {
        fn drop(&mut self) {
            // Another file may be in its place.
            if self.is_ours && is_socket(&self.path).is_ok_and(|is_socket| is_socket) {
                // The next one replaces what stays.
                let _ = fs::remove_file(&self.path);
            }
        }
    }
}
