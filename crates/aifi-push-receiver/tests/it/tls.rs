//! Requests over TLS.

use std::{fs, sync::Arc};

use aifi_push_receiver::TlsCertificate;
use aifi_push_testkit::{
    events::{documented, stored},
    http::head,
};
use chrono::{DateTime, Utc};
use rcgen::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName},
};

use crate::{http2, new_inbox, running::Running};

#[tokio::test]
async fn a_call_over_tls_is_stored() {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let certificates = directory.path().join("cert.pem");
    let key = directory.path().join("key.pem");
    fs::write(&certificates, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();

    let certificate = TlsCertificate::from_pem_files(&certificates, &key).unwrap();
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start_with(
        inbox.clone(),
        |receiver| receiver,
        |server| server.tls(certificate.clone()),
    );
    let running = running.await;
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config.clone()));
    let mut stream = connector
        .connect(name.clone(), running.connect().await)
        .await
        .unwrap();
    let length = format!("Content-Length: {}", documented().len());
    stream
        .write_all(&head("POST /webhook/left", &[&length]))
        .await
        .unwrap();
    stream.write_all(documented().as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    // A client that offers HTTP/2 gets it.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector
        .connect(name, running.connect().await)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    http2::post_two(stream).await;

    // Somebody who speaks no TLS gets nothing, and harms nobody.
    assert_eq!(running.post(documented().as_bytes()).await.status, 0);
    assert_eq!(stored(&*inbox).await.len(), 3);
    let metrics = running.receiver.metrics().await.unwrap();
    assert!(metrics.contains(r#"aifi_push_refused_total{reason="tls_handshake"} 1"#));
    let valid_until = DateTime::<Utc>::from(certificate.valid_until().unwrap());
    let seconds = valid_until.timestamp();
    let gauge = format!("aifi_push_certificate_valid_until_timestamp_seconds {seconds}\n");
    assert!(metrics.contains(&gauge), "{metrics}");
    let figures = running.receiver.figures().await.unwrap();
    assert_eq!(figures.certificate_valid_until, Some(valid_until));
}

#[tokio::test]
async fn files_that_don_t_work_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let (missing, empty) = (
        directory.path().join("missing"),
        directory.path().join("empty"),
    );
    fs::write(&empty, "").unwrap();
    let error = TlsCertificate::from_pem_files(&missing, &empty).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("missing: reading the certificates")
    );
    let error = TlsCertificate::from_pem_files(&empty, &empty).unwrap_err();
    assert!(error.to_string().contains("empty: reading the private key"));
}
