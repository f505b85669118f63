//! TLS of a server, whose certificate can be renewed while it serves.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use x509_cert::{Certificate, der::Decode};

use super::Server;
use crate::error::ServerError;

/// A certificate chain and its private key, from PEM files.
///
/// A clone is the same certificate: what [`reload`](Self::reload) does to one, it does to all.
#[derive(Clone)]
pub struct TlsCertificate {
    files: Arc<Files>,
    loaded: Arc<RwLock<Loaded>>,
}

struct Files {
    certificates: PathBuf,
    key: PathBuf,
}

struct Loaded {
    config: Arc<ServerConfig>,
    chain: Vec<CertificateDer<'static>>,
}

impl TlsCertificate {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`ServerError::File`] if one of them can't be read, [`ServerError::Tls`] if they can't be used
    /// together.
    pub fn from_pem_files(
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, ServerError> {
        let files = Files {
            certificates: certificates.into(),
            key: key.into(),
        };
        let loaded = files.load()?;
        Ok(Self {
            files: Arc::new(files),
            loaded: Arc::new(RwLock::new(loaded)),
        })
    }

    /// Reads the files again, for connections from now on. Returns `true` if the certificate changed.
    ///
    /// # Errors
    ///
    /// As for [`from_pem_files`](Self::from_pem_files). The certificate then stays as it was.
    pub fn reload(&self) -> Result<bool, ServerError> {
        let loaded = self.files.load()?;
        let mut current = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        let has_changed = current.chain != loaded.chain;
        *current = loaded;
        Ok(has_changed)
    }

    /// Returns the end of the certificate's validity, or `None` if it can't be read.
    pub fn valid_until(&self) -> Option<SystemTime> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let certificate = Certificate::from_der(loaded.chain.first()?).ok()?;
        let end = certificate.tbs_certificate.validity.not_after;
        Some(end.to_system_time())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&loaded.config))
    }
}

impl Server {
    /// Serves TLS only.
    pub fn tls(mut self, certificate: TlsCertificate) -> Self {
        self.tls = Some(certificate);
        self
    }
}

impl Files {
    fn load(&self) -> Result<Loaded, ServerError> {
        let chain = CertificateDer::pem_file_iter(&self.certificates)
            .and_then(|chain| chain.collect::<Result<Vec<_>, _>>())
            .map_err(|source| file(&self.certificates, "reading the certificates", source))?;
        let private = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|source| file(&self.key, "reading the private key", source))?;
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(chain.clone(), private)
            })
            .map_err(|source| ServerError::Tls {
                certificates: self.certificates.clone(),
                key: self.key.clone(),
                source: source.into(),
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Loaded {
            config: Arc::new(config),
            chain,
        })
    }
}

fn file(
    path: &Path,
    action: &'static str,
    source: tokio_rustls::rustls::pki_types::pem::Error,
) -> ServerError {
    ServerError::File {
        path: path.to_owned(),
        action,
        source: source.into(),
    }
}

impl fmt::Debug for TlsCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsCertificate")
            .field("certificates", &self.files.certificates)
            .field("key", &self.files.key)
            .finish_non_exhaustive()
    }
}
