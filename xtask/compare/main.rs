//! A service that decodes and sends events with the models and the client of `client.rs`.

mod client;

use std::{env, error::Error, fs, sync::Arc, time::Instant};

use tokio::task::JoinSet;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Calls that are measured, and how many are under way at once.
const CALLS: u32 = 20_000;
const CONCURRENCY: u32 = 16;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let decode = |file: &str| client::decode(&fs::read_to_string(file)?);
    let client = |origin: &str| client::Client::new(origin, &env::var("AIFI_PUSH_TOKEN")?);
    match arguments[..] {
        // Prints what is left of an event.
        ["round-trip", file] => println!("{}", serde_json::to_string(&decode(file)?)?),
        ["send", file, origin] => client(origin)?.send(&decode(file)?).await?,
        // Prints the calls of a second.
        ["rate", file, origin] => println!("{}", rate(client(origin)?, decode(file)?).await?),
        _ => return Err("usage: round-trip FILE, send FILE ORIGIN or rate FILE ORIGIN".into()),
    }
    Ok(())
}

async fn rate(client: client::Client, event: client::Event) -> Result<f64, Failure> {
    let shared = Arc::new((client, event));
    let mut callers = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CONCURRENCY {
        let shared = Arc::clone(&shared);
        callers.spawn(async move {
            let (client, event) = &*shared;
            for _ in 0..CALLS / CONCURRENCY {
                client.send(event).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    Ok(f64::from(CALLS) / start.elapsed().as_secs_f64())
}
