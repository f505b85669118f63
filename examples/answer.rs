//! A small service that answers at the door, without an axum of its own: `cargo run --package
//! aifi-push-receiver --example answer -- FILE TOKEN`, where FILE is the inbox.

// Printing what happens is what an example is for.
#![allow(clippy::print_stdout)]

use std::{env, error::Error, io, sync::Arc, time::Duration};

use aifi_push::types::{EntryCodeVerify, EntryCodeVerifyAnswer, EntryCodeVerifyStatus};
use aifi_push_receiver::{
    Receiver, Server, Tokens,
    inbox::{Received, SqliteInbox},
};

/// Is asked while a customer waits at the door. The event is stored already, so a consumer receives
/// it as well.
async fn verify(question: Received<EntryCodeVerify>) -> Result<EntryCodeVerifyAnswer, io::Error> {
    // Your database knows the codes. An error or a late answer leads to the fallback.
    let answer = match question.event.entry_code.as_str() {
        "" => denied("scan the code again"),
        _ => EntryCodeVerifyAnswer::builder()
            .status(EntryCodeVerifyStatus::Ok)
            .build(),
    };
    println!("answered {}", question.id);
    Ok(answer)
}

fn denied(reason: &str) -> EntryCodeVerifyAnswer {
    EntryCodeVerifyAnswer::builder()
        .status(EntryCodeVerifyStatus::Failed)
        .reason(reason.to_owned())
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [file, token] = env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: answer FILE TOKEN")?;
    let inbox = Arc::new(SqliteInbox::open(file).await?);
    let receiver = Receiver::builder(inbox, Tokens::new([token])?)
        .answer(verify)
        .answer_fallback::<EntryCodeVerify>(&denied("please ask our staff"))
        .answer_timeout(Duration::from_secs(2))
        .build()?;
    let server = Server::bind("127.0.0.1:0").await?;
    let address = server.address().ok_or("no address")?;
    println!("listening on http://{address}/webhook");
    // Without a signal to listen for, it serves until it is killed.
    let shutdown = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    server.serve(receiver.app("/webhook")?, shutdown).await;
    // What was asked is answered, and what arrived is stored.
    receiver.close().await;
    Ok(())
}
