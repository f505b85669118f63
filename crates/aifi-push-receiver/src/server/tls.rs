//! TLS of a server.

use std::{path::Path, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use super::Server;
use crate::error::ServerError;

impl Server {
    /// Serves TLS only, with a certificate chain and a private key from PEM files.
    ///
    /// # Errors
    ///
    /// [`ServerError::File`] if one of them can't be read, [`ServerError::Tls`] if they can't be used
    /// together.
    pub fn tls(mut self, certificates: &Path, key: &Path) -> Result<Self, ServerError> {
        let chain = CertificateDer::pem_file_iter(certificates)
            .and_then(|chain| chain.collect::<Result<Vec<_>, _>>())
            .map_err(|source| file(certificates, "reading the certificates", source))?;
        let private = PrivateKeyDer::from_pem_file(key)
            .map_err(|source| file(key, "reading the private key", source))?;
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(chain, private)
            })
            .map_err(|source| ServerError::Tls {
                certificates: certificates.to_owned(),
                key: key.to_owned(),
                source: source.into(),
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        self.tls = Some(TlsAcceptor::from(Arc::new(config)));
        Ok(self)
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
