//! The receiver as a part of an application that exists.

use std::sync::Arc;

use aifi_push::operations::CHECKOUT_ZONE_LEFT;
use aifi_push_receiver::{
    Receiver, Routes, Server, Tokens,
    inbox::{Admin, MemoryInbox},
};
use aifi_push_testkit::{
    FaultyInbox,
    events::{documented, stored},
    http::{self, Response, TOKEN},
};
use axum::{Router, routing::get};
use prometheus_client::{encoding::text, registry::Registry};
use tokio::{io::AsyncWriteExt, net::TcpStream};

async fn exchange(address: std::net::SocketAddr, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    Response::read(&mut stream).await
}

#[tokio::test]
async fn an_application_with_metrics_of_its_own_mounts_it() {
    let inbox = Arc::new(MemoryInbox::new());
    let tokens = Tokens::new([TOKEN]).unwrap();
    let receiver = Receiver::builder(inbox.clone(), tokens).build().unwrap();
    let app = Router::new()
        .route("/metrics", get(async || "of the application"))
        .route("/readyz", get(async || "of the application"))
        .fallback(async || "of the application")
        .nest("/webhook", receiver.router())
        .nest("/aifi-push", receiver.status_router());
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.address().unwrap();
    tokio::spawn(server.serve(app, std::future::pending()));

    let posted = exchange(address, &http::post(documented().as_bytes())).await;
    assert_eq!(posted.status, 201);
    assert_eq!(inbox.stats().await.unwrap().events, 1);
    let get = async |path: &str| exchange(address, &http::head(&format!("GET {path}"), &[])).await;
    for path in ["/metrics", "/readyz", "/nowhere"] {
        assert_eq!(get(path).await.body, "of the application");
    }
    assert_eq!(get("/aifi-push/readyz").await.body, "ready\n");
    let metrics = get("/aifi-push/metrics").await.body;
    assert!(metrics.contains("aifi_push_inbox_events 1"), "{metrics}");
}

#[tokio::test]
async fn webhooks_have_urls_of_their_own() {
    let inbox = Arc::new(MemoryInbox::new());
    let tokens = Tokens::new([TOKEN]).unwrap();
    let receiver = Receiver::builder(inbox.clone(), tokens).build().unwrap();
    let routes = Routes::below("/webhook").route("checkout-zone", "/zones");
    let routes = routes.build().unwrap();
    let nested = Router::new().nest("/nested", receiver.router_with(&routes));
    let app = nested.fallback_service(receiver.router_with(&routes));
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.address().unwrap();
    tokio::spawn(server.serve(app, std::future::pending()));

    let zone_left = CHECKOUT_ZONE_LEFT.example.unwrap();
    let length = format!("Content-Length: {}", zone_left.len());
    for path in [
        "/zones/left",
        "/webhook/checkout-zone/left",
        "/nested/zones/left",
    ] {
        let mut request = http::head(&format!("POST {path}"), &[&length]);
        request.extend_from_slice(zone_left.as_bytes());
        assert_eq!(exchange(address, &request).await.status, 201, "{path}");
    }
    let stored = stored(&*inbox).await;
    let operations = stored.iter().map(|stored| &*stored.event.operation);
    assert_eq!(operations.collect::<Vec<_>>(), ["checkout_zone_left"; 3]);
}

#[tokio::test]
async fn metrics_and_readiness_are_functions_as_well() {
    let faulty = FaultyInbox::new(Arc::new(MemoryInbox::new()));
    let tokens = Tokens::new([TOKEN]).unwrap();
    let receiver = Receiver::builder(faulty.clone(), tokens).build().unwrap();
    assert!(receiver.is_ready().await);
    assert!(receiver.metrics().await.unwrap().ends_with("# EOF\n"));

    let mut registry = Registry::default();
    receiver.register_metrics(&mut registry);
    receiver.refresh_metrics().await.unwrap();
    let mut text = String::new();
    text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("aifi_push_inbox_events 0"), "{text}");

    faulty.set_broken(true);
    assert!(receiver.refresh_metrics().await.is_err());
    let metrics = receiver.metrics().await.unwrap();
    assert!(!metrics.contains("aifi_push_inbox_events 0"), "{metrics}");
}
