//! An invalid configuration is refused, and the error says how to fix it.

use std::time::Duration;

use aifi_push::{Client, ClientBuilder, Error};
use insta::assert_snapshot;

#[track_caller]
fn refused(builder: ClientBuilder) -> String {
    match builder.build() {
        Err(error @ Error::Configuration { .. }) => {
            assert!(!error.is_retryable());
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

fn url(url: &str) -> ClientBuilder {
    Client::builder(url).bearer_token("token")
}

fn token(token: &str) -> ClientBuilder {
    Client::builder("http://retailer.example").bearer_token(token)
}

#[test]
fn base_urls() {
    assert_snapshot!(refused(url("")), @"base_url: invalid URL: expected scheme and host, as in https://retailer.example/hooks");
    assert_snapshot!(refused(url("retailer.example/hooks")), @"base_url: invalid URL: expected scheme and host, as in https://retailer.example/hooks");
    assert_snapshot!(refused(url("localhost:8080")), @"base_url: unsupported scheme: expected http or https, as in https://host:8443");
    assert_snapshot!(refused(url("https://")), @"base_url: invalid URL: expected scheme and host, as in https://retailer.example/hooks");
    assert_snapshot!(refused(url("ftp://retailer.example")), @"base_url: unsupported scheme: expected http or https, as in https://host:8443");
    assert_snapshot!(refused(url("http://user:secret@retailer.example")), @"base_url: credentials in the URL are not sent: set a bearer token instead");
    assert_snapshot!(refused(url("http://retailer.example/#left")), @"base_url: a fragment is not sent: remove what follows the #");
    assert_snapshot!(refused(url("http://{kind}.retailer.example")), @"base_url: the host can't depend on the event: write {kind} in the path or the query");
}

#[test]
fn tokens() {
    assert_snapshot!(refused(Client::builder("http://retailer.example")), @"bearer_token: no token: set one, a source of one, or `no_token`");
    assert_snapshot!(refused(token("")), @"bearer_token: empty token");
    assert_snapshot!(refused(token("secret\n")), @"bearer_token: invalid token: byte 6 is a space, a control character or not ASCII (a token read from a file must be trimmed)");
    assert_snapshot!(refused(token("two words")), @"bearer_token: invalid token: byte 3 is a space, a control character or not ASCII (a token read from a file must be trimmed)");
    assert_snapshot!(refused(token("sécret")), @"bearer_token: invalid token: byte 1 is a space, a control character or not ASCII (a token read from a file must be trimmed)");
    assert_snapshot!(refused(token("a\u{0}b")), @"bearer_token: invalid token: byte 1 is a space, a control character or not ASCII (a token read from a file must be trimmed)");
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[test]
fn without_tls() {
    let root = url("http://retailer.example").root_certificate("");
    assert_snapshot!(refused(root), @"root_certificate: root certificates require the feature `rustls` or `native-tls` of aifi-push");
    let proxy = url("http://retailer.example").proxy("https://proxy.example");
    assert_snapshot!(refused(proxy), @"proxy: an https proxy requires the feature `rustls` or `native-tls` of aifi-push");
    assert_snapshot!(refused(url("https://retailer.example")), @"base_url: https requires the feature `rustls` or `native-tls` of aifi-push");
}

#[test]
fn proxies() {
    let proxy = |proxy: &str| url("http://retailer.example").proxy(proxy);
    assert_snapshot!(refused(proxy("proxy.example:3128/SECRET")), @"proxy: unsupported scheme: expected http or https, as in http://proxy.example:3128");
    assert_snapshot!(refused(proxy("")), @"proxy: invalid proxy URL: expected a URL such as http://proxy.example:3128");
    assert_snapshot!(refused(proxy("http://user:SECRET@")), @"proxy: invalid proxy URL: expected a URL such as http://proxy.example:3128");
    assert_snapshot!(refused(proxy("socks5://user:SECRET@proxy.example")), @"proxy: unsupported scheme: expected http or https, as in http://proxy.example:3128");
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[test]
fn root_certificates() {
    let root = |pem: &str| url("https://retailer.example").root_certificate(pem);
    assert_snapshot!(refused(root("")), @"root_certificate: no certificate in the PEM: expected `-----BEGIN CERTIFICATE-----`");
    assert_snapshot!(refused(root("-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n")), @"root_certificate: no certificate in the PEM: expected `-----BEGIN CERTIFICATE-----`");
    assert_snapshot!(refused(root("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")), @"root_certificate: invalid certificate in the PEM");
    refused(root(
        "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n",
    ));
}

#[test]
fn settings_that_an_http_client_does_not_take() {
    let given = || url("http://retailer.example").http_client(reqwest::Client::new());
    assert_snapshot!(refused(given().proxy("http://proxy.example")), @"http_client: `proxy` does not apply to a given HTTP client: set it on that client, or remove one of the two");
    assert_snapshot!(refused(given().connect_timeout(Duration::from_secs(1))), @"http_client: `connect_timeout` does not apply to a given HTTP client: set it on that client, or remove one of the two");
    assert_snapshot!(refused(given().root_certificate("")), @"http_client: `root_certificate` does not apply to a given HTTP client: set it on that client, or remove one of the two");
}
