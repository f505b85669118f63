//! A consumer whose effect happens once for each event, although the event may be delivered twice:
//! `cargo run --package aifi-push-receiver --example idempotent`.
//!
//! The effect is a row in a database of your own, here SQLite. The id of the event is stored with a
//! unique key in the same transaction, so an event that was billed is not billed again.

// Printing what happens is what an example is for.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use aifi_push::{operations::TRANSITION_LEFT, types::TransitionLeft};
use aifi_push_receiver::inbox::{
    Append, BoxError, Consumer, Event, MemoryInbox, NewEvent, Received, RetryPolicy,
};
use rusqlite::Connection;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Bills a visit in one transaction. Returns `false` if that was done before.
fn bill(database: &mut Connection, left: &Received<TransitionLeft>) -> rusqlite::Result<bool> {
    let transaction = database.transaction()?;
    let is_new = transaction.execute(
        "INSERT INTO handled_event (id) VALUES (?) ON CONFLICT DO NOTHING",
        [left.id.as_bytes()],
    )?;
    if is_new == 0 {
        return Ok(false);
    }
    transaction.execute(
        "INSERT INTO bill (store, shopper) VALUES (?, ?)",
        (left.event.store_id, &left.event.shopper_id),
    )?;
    transaction.commit()?;
    Ok(true)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let database = Connection::open_in_memory()?;
    database.execute_batch(
        "CREATE TABLE handled_event (id BLOB PRIMARY KEY) STRICT;
         CREATE TABLE bill (store INTEGER NOT NULL, shopper TEXT NOT NULL) STRICT;",
    )?;
    let database = Arc::new(Mutex::new(database));

    let inbox = Arc::new(MemoryInbox::new());
    let documented = TRANSITION_LEFT.example.ok_or("no example")?;
    let event = Event::new(&TRANSITION_LEFT, documented);
    inbox.append(vec![NewEvent::accepted(event)]).await?;

    let (handled, mut attempts) = mpsc::unbounded_channel();
    let billing = Arc::clone(&database);
    let consumer = Consumer::builder(inbox, "billing")
        .retry(RetryPolicy::default())
        .handler(move |left: Received<TransitionLeft>| {
            let (database, handled) = (Arc::clone(&billing), handled.clone());
            async move {
                let mut database = database.lock().unwrap_or_else(PoisonError::into_inner);
                let is_billed_now = bill(&mut database, &left)?;
                handled.send((left.attempt, is_billed_now))?;
                if left.attempt == 1 {
                    // As if the process crashed after the commit, before the event was settled.
                    return Err(BoxError::from("crashed"));
                }
                Ok(())
            }
        });
    let stop = CancellationToken::new();
    let consuming = tokio::spawn(consumer.run(stop.clone().cancelled_owned()));
    assert_eq!(attempts.recv().await, Some((1, true)));
    assert_eq!(attempts.recv().await, Some((2, false)));
    stop.cancel();
    consuming.await??;

    let database = database.lock().unwrap_or_else(PoisonError::into_inner);
    let bills: u32 = database.query_row("SELECT count(*) FROM bill", [], |row| row.get(0))?;
    assert_eq!(bills, 1);
    println!("an event that was delivered twice was billed once");
    Ok(())
}
