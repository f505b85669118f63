//! Whatever is sent is stored byte for byte, and the status says whether it decodes.

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::inbox::EventState;
use aifi_push_testkit::events::{documented, stored};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{new_inbox, running::Running};

/// Bytes, JSON, and what is nearly the documented event.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let cut = (0..documented().len()).prop_map(|end| documented().as_bytes()[..end].to_vec());
    let flipped = (0..documented().len(), any::<u8>()).prop_map(|(at, byte)| {
        let mut body = documented().as_bytes().to_vec();
        body[at] = byte;
        body
    });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2000),
        Just(documented().as_bytes().to_vec()),
        cut,
        flipped,
        "[\\[\\]{}\", :a-z0-9]{0,100}".prop_map(String::into_bytes),
    ]
}

#[test]
fn every_body_is_kept() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (inbox, _directory) = runtime.block_on(new_inbox());
    let running = runtime.block_on(Running::start(inbox.clone()));
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(200)
    });
    let result = runner.run(&body(), |body| {
        let (answer, entries) = runtime.block_on(async {
            let answer = running.post(&body).await;
            (answer, stored(&*inbox).await)
        });
        let decodes = TRANSITION_LEFT.check(&body).is_ok();
        prop_assert_eq!(answer.status, if decodes { 201 } else { 422 });
        let last = entries.last().unwrap();
        prop_assert_eq!(&last.event.body[..], &body[..]);
        prop_assert!(answer.body.contains(&last.event.id.to_string()));
        prop_assert_eq!(last.state == EventState::Quarantined, !decodes);
        Ok(())
    });
    result.unwrap();
    assert!(runtime.block_on(stored(&*inbox)).len() >= 200);
}
