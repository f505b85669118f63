//! Uses what a later version of the document adds: an operation, and a field of the store.

use std::error::Error;

use aifi_push::{
    Client, operations,
    types::{Store, TransitionPaused},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let example = operations::TRANSITION_PAUSED.example.ok_or("no example")?;
    let mut event: TransitionPaused = aifi_push::from_slice(example.as_bytes())?;
    event.store = Store::builder().city("Berlin").build();

    let client = Client::builder("http://127.0.0.1:9")
        .bearer_token("token")
        .build()?;
    let error = client.transition_paused(&event).await.unwrap_err();
    println!("{error}");
    Ok(())
}
