//! Bodies that a sender or a proxy compressed.

use std::io::Write;

use aifi_push_testkit::{
    events::{documented, stored},
    http::{Response, head},
};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use insta::assert_snapshot;

use crate::{new_inbox, running::Running};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn post(running: &Running, coding: &str, body: &[u8]) -> Response {
    let length = format!("Content-Length: {}", body.len());
    let coding = format!("Content-Encoding: {coding}");
    let mut request = head("POST /webhook/left", &[&length, &coding]);
    request.extend_from_slice(body);
    running.exchange(&request).await
}

#[tokio::test]
async fn known_codings_are_removed() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let plain = documented().as_bytes();
    // A frame of zstd with one block that is not compressed, and a stream of brotli likewise.
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    zstd.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
    zstd.extend(&(u32::try_from(plain.len()).unwrap() << 3 | 1).to_le_bytes()[..3]);
    zstd.extend(plain);
    for (coding, body) in [
        ("gzip", gzip(plain)),
        ("X-GZIP", gzip(plain)),
        ("deflate", zlib(plain)),
        ("deflate", deflate(plain)),
        ("zstd", zstd),
        ("deflate, gzip", gzip(&zlib(plain))),
        ("identity", plain.to_vec()),
        ("", plain.to_vec()),
        // A proxy removed the coding and left its name.
        ("gzip", plain.to_vec()),
        ("UTF-8", plain.to_vec()),
        // The name is missing.
        ("identity", gzip(plain)),
    ] {
        let answer = post(&running, coding, &body).await;
        assert_eq!(answer.status, 201, "{coding}: {}", answer.body);
        let event = stored(&*inbox).await.pop().unwrap().event;
        assert_eq!(event.body, plain, "{coding}");
        assert!(event.headers.is_empty(), "{coding}");
    }
}

#[tokio::test]
async fn brotli_is_removed() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    // `{"storeId": 7}`, as the reference implementation writes it.
    let body = [
        0x8b, 0x06, 0x80, 0x7b, 0x22, 0x73, 0x74, 0x6f, 0x72, 0x65, 0x49, 0x64, 0x22, 0x3a, 0x20,
        0x37, 0x7d, 0x03,
    ];
    assert_eq!(post(&running, "br", &body).await.status, 422);
    assert_eq!(stored(&*inbox).await[0].event.body, r#"{"storeId": 7}"#);
}

#[tokio::test]
async fn what_is_in_no_known_coding_is_quarantined_with_its_name() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let mut problems = String::new();
    for (coding, body) in [
        ("compress", &b"\x1f\x9d"[..]),
        ("foo", b"{}"),
        ("gzip", b"\x1f\x8b\x08"),
        ("gzip,gzip,gzip,gzip", b"x"),
    ] {
        assert_eq!(post(&running, coding, body).await.status, 422);
        let stored = stored(&*inbox).await.pop().unwrap();
        assert_eq!(stored.event.body, body);
        assert_eq!(stored.event.headers["content-encoding"], coding);
        problems += &(stored.problem.unwrap() + "\n");
    }
    assert_snapshot!(problems, @r#"
    content coding "compress": unknown; gzip, deflate, br and zstd are decoded; the body is stored as it arrived
    content coding "foo": unknown; gzip, deflate, br and zstd are decoded; the body is stored as it arrived
    content coding "gzip": unexpected end of file; the body is stored as it arrived
    content coding "gzip, gzip, gzip, gzip": too many codings; the body is stored as it arrived
    "#);
}

#[tokio::test]
async fn a_bomb_is_refused() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let bomb = gzip(&vec![b' '; 100 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(post(&running, "gzip", &bomb).await.status, 413);
    assert_eq!(post(&running, "gzip, gzip", &gzip(&bomb)).await.status, 413);
    assert!(stored(&*inbox).await.is_empty());
}
