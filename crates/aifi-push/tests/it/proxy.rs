//! A proxy is used if it is set; a proxy of the environment serves https only.

use std::{env, error::Error as _, process::Command};

use aifi_push::{Client, Error};

use crate::{
    document::example_event,
    server::{Answer, Server, TOKEN},
};

fn client(base_url: &str, proxy: &str) -> Client {
    let builder = Client::builder(base_url).bearer_token(TOKEN).proxy(proxy);
    builder.build().unwrap()
}

#[tokio::test]
async fn http_calls_go_to_the_proxy() {
    let proxy = Server::start([Answer::status(200, "")]).await;
    let url = proxy.url().replace("://", "://us%40er:pass@");
    let client = client("http://retailer.invalid/hooks", &url);
    client.transition_left(&example_event()).await.unwrap();

    let request = proxy.request();
    assert_eq!(
        request.line,
        "POST http://retailer.invalid/hooks/api/push/transition/left HTTP/1.1"
    );
    assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
    // us@er:pass in base64.
    assert_eq!(
        request.header("proxy-authorization"),
        "Basic dXNAZXI6cGFzcw=="
    );
}

#[tokio::test]
async fn a_proxy_that_is_down_is_a_connect_error_without_its_credentials() {
    let client = client(
        "http://retailer.invalid",
        "http://user:PROXY-SECRET@127.0.0.1:9",
    );
    let error = client.transition_left(&example_event()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    let source = error.source().unwrap();
    assert!(!format!("{client:?} {error:?} {source}").contains("PROXY-SECRET"));
}

const URL: &str = "AIFI_PUSH_TEST_HTTP_URL";

/// The test starts itself again, as the environment of a running process can't be changed safely.
#[tokio::test]
async fn http_calls_ignore_the_proxy_of_the_environment() {
    if let Ok(url) = env::var(URL) {
        let client = Client::builder(url).bearer_token(TOKEN).build().unwrap();
        client.transition_left(&example_event()).await.unwrap();
        return;
    }
    let server = Server::start([Answer::status(200, "")]).await;
    let proxy = Server::start([Answer::status(200, "")]).await;
    let mut child = Command::new(env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "proxy::http_calls_ignore_the_proxy_of_the_environment",
        ])
        .env(URL, server.url())
        .envs(["http_proxy", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, proxy.url())))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let status = tokio::task::spawn_blocking(move || child.status());
    assert!(status.await.unwrap().unwrap().success());
    assert_eq!(server.requests().len(), 1);
    assert!(proxy.requests().is_empty());
}
