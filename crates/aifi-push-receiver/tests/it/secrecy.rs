//! No token is kept or shown.

use std::fs;

use aifi_push_receiver::{Receiver, Tokens};
use aifi_push_testkit::{events::documented, http::TOKEN};

use crate::{new_inbox, running::Running};

#[tokio::test]
async fn the_token_is_in_no_file_and_no_debug() {
    let (inbox, place) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    assert_eq!(running.post(documented().as_bytes()).await.status, 201);
    for file in fs::read_dir(place.directory()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(TOKEN.len())
                .any(|window| window == TOKEN.as_bytes())
        );
    }
    let tokens = Tokens::new([TOKEN]).unwrap();
    let builder = Receiver::builder(inbox, tokens.clone());
    let texts = [
        format!("{tokens:?}"),
        format!("{builder:?}"),
        format!("{:?}", running.receiver),
    ];
    assert!(texts.iter().all(|text| !text.contains(TOKEN)), "{texts:?}");
    assert!(texts[0].contains("count: Some(1)"));
}
