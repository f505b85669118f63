//! Calls to https URLs: which certificates are trusted, and through which proxy they go.

use std::{
    env,
    error::Error as _,
    fs,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use aifi_push::{Client, Error};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
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

/// The test starts itself again, as a process for which the platform trusts the certificate and
/// whose environment names a proxy: the environment of a running process can't be changed safely.
#[tokio::test]
async fn the_roots_of_the_platform_and_the_proxy_of_the_environment_are_used() {
    if let Ok(url) = env::var(URL) {
        let client = Client::builder(url).bearer_token(TOKEN).build().unwrap();
        client.transition_left(&example_event()).await.unwrap();
        return;
    }
    let (url, root) = start_https_server().await;
    let proxy = Proxy::start().await;
    let roots = env::temp_dir().join(format!("aifi-push-{}.pem", std::process::id()));
    fs::write(&roots, root).unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "tls::the_roots_of_the_platform_and_the_proxy_of_the_environment_are_used",
            "--nocapture",
        ])
        .env(URL, &url)
        .env("SSL_CERT_FILE", &roots)
        .env_remove("SSL_CERT_DIR")
        .env("HTTPS_PROXY", &proxy.url)
        .env("https_proxy", &proxy.url)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let status = tokio::task::spawn_blocking(move || child.status());
    let status = status.await.unwrap().unwrap();
    fs::remove_file(roots).unwrap();
    assert!(status.success());
    assert_eq!(proxy.tunnels(), 1);
}

#[tokio::test]
async fn a_root_certificate_is_trusted_beside_those_of_the_platform() {
    let (url, root) = start_https_server().await;
    let (other_url, other_root) = start_https_server().await;

    let client = Client::builder(&url).bearer_token(TOKEN).build().unwrap();
    let error = client.transition_left(&example_event()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(error.source().is_some());

    let both = |url| {
        let builder = Client::builder(url).bearer_token(TOKEN);
        let builder = builder.root_certificate(root.as_str());
        builder.root_certificate(other_root.as_bytes()).build()
    };
    let bundle = Client::builder(&other_url).bearer_token(TOKEN);
    let bundle = bundle.root_certificate(format!("{root}\n{other_root}"));
    for client in [both(&url), both(&other_url), bundle.build()] {
        let response = client.unwrap().transition_left(&example_event()).await;
        response.unwrap();
    }
}

#[tokio::test]
async fn the_roots_of_a_given_http_client_are_used() {
    let (url, root) = start_https_server().await;
    let root = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
    let http = reqwest::Client::builder().tls_certs_merge([root]);
    let client = Client::builder(&url)
        .bearer_token(TOKEN)
        .http_client(http.build().unwrap())
        .build()
        .unwrap();
    client.transition_left(&example_event()).await.unwrap();
}

#[tokio::test]
async fn https_calls_go_through_a_tunnel_of_the_proxy() {
    let (url, root) = start_https_server().await;
    let proxy = Proxy::start().await;
    let client = Client::builder(&url)
        .bearer_token(TOKEN)
        .root_certificate(root)
        .proxy(&proxy.url)
        .build()
        .unwrap();
    client.transition_left(&example_event()).await.unwrap();
    assert_eq!(proxy.tunnels(), 1);
}

/// A proxy on loopback that only tunnels.
struct Proxy {
    url: String,
    tunnels: Arc<AtomicU32>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tunnels = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&tunnels);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(tunnel(stream));
            }
        });
        Self { url, tunnels }
    }

    fn tunnels(&self) -> u32 {
        self.tunnels.load(Ordering::Relaxed)
    }
}

async fn tunnel(mut client: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        client.read_buf(&mut head).await.unwrap();
    }
    let head = String::from_utf8(head).unwrap();
    assert!(!head.contains(TOKEN), "{head}");
    let target = head.strip_prefix("CONNECT ").unwrap();
    let target = target.split_once(' ').unwrap().0;
    let mut server = TcpStream::connect(target).await.unwrap();
    let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
    client.write_all(established).await.unwrap();
    // Ends as either side does, with an error if that was without a farewell.
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

/// Starts a server that answers 200 to every request; returns its URL and its root certificate.
async fn start_https_server() -> (String, String) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_key = KeyPair::generate().unwrap();
    // OpenSSL considers a certificate self-signed if issuer and subject have the same name.
    let name = uuid::Uuid::new_v4().to_string();
    params.distinguished_name.push(DnType::CommonName, name);
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
            let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(response).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    (url, root.pem())
}
