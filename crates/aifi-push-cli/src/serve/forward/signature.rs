//! The signature of Standard Webhooks, by which a target knows who sent a delivery.

use std::path::PathBuf;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::tokens::{TokenOption, TokenSource};

const SECRET: TokenOption = TokenOption {
    flag: "--forward-secret-file",
    variable: "AIFI_PUSH_FORWARD_SECRET",
    without: None,
};

/// What a secret begins with; base64 follows.
const PREFIX: &str = "whsec_";

/// Signs with each secret of a file or of a variable, read anew each time.
pub(super) struct Signer {
    secrets: TokenSource,
}

impl Signer {
    /// Checks the secrets, if there are any.
    pub(super) fn new(file: Option<PathBuf>) -> Result<Option<Self>> {
        let is_set = std::env::var_os(SECRET.variable).is_some_and(|value| !value.is_empty());
        if file.is_none() && !is_set {
            return Ok(None);
        }
        let secrets = TokenSource::new(file, &SECRET)?;
        let signer = Self { secrets };
        signer.sign("", 0, b"").context("--forward-secret-file")?;
        Ok(Some(signer))
    }

    /// Returns the value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Result<String> {
        let secrets = self.secrets.read()?;
        let signatures: Vec<_> = secrets
            .iter()
            .map(|secret| signature(secret, id, timestamp, body))
            .collect::<Result<_>>()?;
        Ok(signatures.join(" "))
    }
}

fn signature(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String> {
    let key = secret.strip_prefix(PREFIX).unwrap_or(secret);
    // Without the cause, which contains a character of the secret.
    let key = BASE64_STANDARD.decode(key).ok();
    let key = key.context("invalid secret: expected whsec_ and base64")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    Ok(format!("v1,{signature}"))
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn the_example_of_standard_webhooks_has_its_signature() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed.unwrap(), expected);
    }
}
