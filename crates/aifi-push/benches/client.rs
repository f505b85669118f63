//! Calls on loopback, against hand-written reqwest with the same structs.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{net::SocketAddr, sync::mpsc, thread};

use aifi_push::{Client, from_slice, operations::TRANSITION_LEFT, types::TransitionLeft};
use axum::{Json, Router, body::Bytes, routing::post};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::{net::TcpListener, runtime, task::JoinSet};

/// The number of concurrent calls.
const CONCURRENCY: usize = 16;

fn client(criterion: &mut Criterion) {
    let url = format!("http://{}", start_server());
    let event: TransitionLeft = from_slice(TRANSITION_LEFT.example.unwrap().as_bytes()).unwrap();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();

    let ours = Client::builder(&url).bearer_token("token").build().unwrap();
    let by_hand = reqwest::Client::new();
    let address = url + TRANSITION_LEFT.path;

    let mut group = criterion.benchmark_group("client");
    group.throughput(Throughput::Elements(CONCURRENCY as u64));
    group.bench_function("aifi-push", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            concurrently(|| {
                let (client, event) = (ours.clone(), event.clone());
                async move {
                    client.transition_left(&event).await.unwrap();
                }
            })
        });
    });
    group.bench_function("reqwest", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            concurrently(|| {
                let (client, address, event) = (by_hand.clone(), address.clone(), event.clone());
                async move {
                    let request = client.post(address).bearer_auth("token").json(&event);
                    let response = request.send().await.unwrap().error_for_status().unwrap();
                    response.bytes().await.unwrap();
                }
            })
        });
    });
    group.finish();
}

async fn concurrently<F>(call: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut calls = JoinSet::new();
    for _ in 0..CONCURRENCY {
        calls.spawn(call());
    }
    calls.join_all().await;
}

/// Starts a server in its own thread that reads each body and responds with a string.
fn start_server() -> SocketAddr {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let thanks = post(|_: Bytes| async { Json("thank you") });
            let app = Router::new().route(TRANSITION_LEFT.path, thanks);
            axum::serve(listener, app).await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

criterion_group!(benches, client);
criterion_main!(benches);
