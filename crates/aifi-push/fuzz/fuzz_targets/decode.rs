//! Whatever arrives decodes or is refused with an error; what decodes survives a round trip.

#![no_main]

use aifi_push::{from_slice, types::TransitionLeft};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| match from_slice::<TransitionLeft>(body) {
    Ok(event) => {
        let encoded = serde_json::to_vec(&event).expect("a model encodes");
        let again: TransitionLeft = from_slice(&encoded).expect("what was encoded decodes");
        assert!(again == event);
    }
    Err(error) => assert!(!error.to_string().is_empty()),
});
