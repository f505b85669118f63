//! Decoding and encoding the documented event, against `serde_json::Value`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use aifi_push::{from_slice, operations::TRANSITION_LEFT, types::TransitionLeft};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::Value;

fn codec(criterion: &mut Criterion) {
    let json = TRANSITION_LEFT.example.unwrap().as_bytes();
    let event: TransitionLeft = from_slice(json).unwrap();
    let value: Value = serde_json::from_slice(json).unwrap();

    let mut decode = criterion.benchmark_group("decode");
    decode.bench_function("aifi-push", |bencher| {
        bencher.iter(|| from_slice::<TransitionLeft>(black_box(json)).unwrap());
    });
    decode.bench_function("value", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Value>(black_box(json)).unwrap());
    });
    decode.finish();

    let mut encode = criterion.benchmark_group("encode");
    encode.bench_function("aifi-push", |bencher| {
        bencher.iter(|| serde_json::to_vec(black_box(&event)).unwrap());
    });
    encode.bench_function("value", |bencher| {
        bencher.iter(|| serde_json::to_vec(black_box(&value)).unwrap());
    });
    encode.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
