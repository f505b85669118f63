//! Bodies that real senders write.

use aifi_push_receiver::inbox::EventState;
use aifi_push_testkit::events::{documented, stored};

use crate::{new_inbox, running::Running};

#[tokio::test]
async fn what_has_one_meaning_is_accepted_and_stored_as_it_was() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let with = |old: &str, new: &str| documented().replacen(old, new, 1);
    let metadata = r#""arbitraryKey":"arbitraryValue""#;
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    let odd = [
        format!("\u{feff}{}", documented()),
        with(metadata, r#""a":"half an emoji \ud83d","b":1e400"#),
        with(metadata, &format!("\"a\":{deep}")),
        with(r#""groupSize":0"#, r#""groupSize":"two""#),
        with(r#""priority":0"#, r#""priority":2.0"#),
        with(r#""status":"active""#, r#""status":{"is":"active"}"#),
        with(r#""events":["#, r#""events":"none","others":["#),
        with(r#""expiresAt":"2019-08-24T14:15:22Z""#, r#""expiresAt":"""#),
    ];
    for body in &odd {
        assert_ne!(body, documented());
        assert_eq!(running.post(body.as_bytes()).await.status, 201, "{body}");
    }
    let entries = stored(&*inbox).await;
    let bodies: Vec<_> = entries.iter().map(|entry| &entry.event.body[..]).collect();
    assert_eq!(bodies, odd.each_ref().map(|body| body.as_bytes()));
}

#[tokio::test]
async fn a_key_of_the_retailer_is_neither_answered_nor_stored_as_a_problem() {
    let (inbox, _directory) = new_inbox().await;
    let running = Running::start(inbox.clone()).await;
    let key = "jo.doe@customer.example";
    let metadata = r#""arbitraryKey":"arbitraryValue""#;
    let broken = documented().replace(metadata, &format!(r#""{key}":"\x""#));
    let unknown = documented().replacen('{', &format!(r#"{{"{key}":nul,"#), 1);
    for (body, field) in [(broken, "customer.metadata.*"), (unknown, "*")] {
        let answer = running.post(body.as_bytes()).await;
        assert_eq!(answer.status, 422);
        assert!(!answer.body.contains(key), "{}", answer.body);
        let field = format!(r#""field":"{field}""#);
        assert!(answer.body.contains(&field), "{}", answer.body);
    }
    for entry in stored(&*inbox).await {
        assert_eq!(entry.state, EventState::Quarantined);
        let problem = entry.problem.unwrap();
        assert!(!problem.contains(key), "{problem}");
    }
}
