//! The credentials file of a user, as nsc writes it.

use std::path::{Path, PathBuf};

use async_nats::{Auth, AuthError};
use nkeys::KeyPair;

use crate::error::{BoxError, OpenError};

/// A file that is read anew for each connection, so that credentials can be renewed while it is used.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    path: PathBuf,
}

impl Credentials {
    /// Checks that the file can be used.
    pub(super) fn new(path: &Path) -> Result<Self, OpenError> {
        let credentials = Self {
            path: path.to_owned(),
        };
        credentials
            .sign(&[])
            .map_err(|source| OpenError::file(path, "reading the credentials", source))?;
        Ok(credentials)
    }

    /// Answers the challenge of a broker.
    pub(super) async fn answer(self, nonce: Vec<u8>) -> Result<Auth, AuthError> {
        let path = self.path.display().to_string();
        let signed = tokio::task::spawn_blocking(move || self.sign(&nonce)).await;
        let signed = signed.map_err(|error| AuthError::new(error.to_string()))?;
        signed.map_err(|error| AuthError::new(format!("{path}: {error}")))
    }

    fn sign(&self, nonce: &[u8]) -> Result<Auth, BoxError> {
        let text = std::fs::read_to_string(&self.path)?;
        let token = block(&text, "USER JWT").ok_or("it contains no JWT of a user")?;
        let seed = block(&text, "NKEY SEED").ok_or("it contains no seed of a key")?;
        let key = KeyPair::from_seed(seed)?;
        let mut auth = Auth::new();
        auth.jwt = Some(token.to_owned());
        auth.signature = Some(key.sign(nonce)?);
        Ok(auth)
    }
}

/// Returns the line after that which begins a block.
fn block<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| line.contains("BEGIN") && line.contains(name))?;
    lines.find(|line| !line.is_empty())
}
