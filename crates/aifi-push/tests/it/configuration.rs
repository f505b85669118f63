//! A client that can't work is not made, and the error says what to change.

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
    assert_snapshot!(refused(url("")), @"base_url: not a URL with scheme and host, such as https://retailer.example/hooks");
    assert_snapshot!(refused(url("retailer.example/hooks")), @"base_url: not a URL with scheme and host, such as https://retailer.example/hooks");
    assert_snapshot!(refused(url("localhost:8080")), @"base_url: the scheme must be http or https: put it in front, as https://host:8443");
    assert_snapshot!(refused(url("https://")), @"base_url: not a URL with scheme and host, such as https://retailer.example/hooks");
    assert_snapshot!(refused(url("ftp://retailer.example")), @"base_url: the scheme must be http or https: put it in front, as https://host:8443");
    assert_snapshot!(refused(url("http://user:secret@retailer.example")), @"base_url: credentials in the URL are not sent: give a bearer token");
    assert_snapshot!(refused(url("http://retailer.example?token=secret")), @"base_url: a query or fragment can't stand before the path of an operation: remove it");
    assert_snapshot!(refused(url("http://retailer.example/#left")), @"base_url: a query or fragment can't stand before the path of an operation: remove it");
}

#[test]
fn tokens() {
    assert_snapshot!(refused(Client::builder("http://retailer.example")), @"bearer_token: no token: give one, or a source of one");
    assert_snapshot!(refused(token("")), @"bearer_token: the token is empty");
    assert_snapshot!(refused(token("secret\n")), @"bearer_token: byte 6 of the token is a space, a control character or not ASCII (was it read from a file with its line end?)");
    assert_snapshot!(refused(token("two words")), @"bearer_token: byte 3 of the token is a space, a control character or not ASCII (was it read from a file with its line end?)");
    assert_snapshot!(refused(token("sécret")), @"bearer_token: byte 1 of the token is a space, a control character or not ASCII (was it read from a file with its line end?)");
    assert_snapshot!(refused(token("a\u{0}b")), @"bearer_token: byte 1 of the token is a space, a control character or not ASCII (was it read from a file with its line end?)");
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[test]
fn https_without_tls() {
    assert_snapshot!(refused(url("https://retailer.example")), @"base_url: https needs the feature `rustls` or `native-tls` of aifi-push");
}
