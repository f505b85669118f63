//! An https URL works: a server is trusted if the platform trusts its certificate.

use std::{env, error::Error as _, fs, process::Command, sync::Arc};

use aifi_push::{Client, Error};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

use crate::{
    document::example_event,
    server::{TOKEN, read_request},
};

const URL: &str = "AIFI_PUSH_TEST_HTTPS_URL";

/// The test starts itself again, as a process for which the platform trusts the certificate: which
/// ones it trusts is read from the environment, and that of a running process can't be changed
/// safely.
#[tokio::test]
async fn https_works() {
    if let Ok(url) = env::var(URL) {
        let client = Client::builder(url).bearer_token(TOKEN).build().unwrap();
        client.transition_left(&example_event()).await.unwrap();
        return;
    }
    let (url, root) = start_https_server().await;

    let client = Client::builder(&url).bearer_token(TOKEN).build().unwrap();
    let error = client.transition_left(&example_event()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(error.source().is_some());

    let roots = env::temp_dir().join(format!("aifi-push-{}.pem", std::process::id()));
    fs::write(&roots, root).unwrap();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "tls::https_works", "--nocapture"])
        .env(URL, &url)
        .env("SSL_CERT_FILE", &roots)
        .env_remove("SSL_CERT_DIR")
        .spawn()
        .unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = output.await.unwrap().unwrap();
    fs::remove_file(roots).unwrap();
    assert!(output.status.success());
}

/// Starts a server that answers 200 to every request; gives its URL and the root certificate.
async fn start_https_server() -> (String, String) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes a certificate for self-signed where the issuer has the name of the subject.
    params
        .distinguished_name
        .push(DnType::CommonName, "test root");
    let root_key = KeyPair::generate().unwrap();
    let root = params.self_signed(&root_key).unwrap();
    let issuer = Issuer::new(params, root_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();

    let chain = vec![CertificateDer::from(leaf)];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let request = read_request(&mut stream).await.unwrap();
            assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    (url, root.pem())
}
