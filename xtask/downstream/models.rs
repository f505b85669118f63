//! A service that only receives, with the models alone.

use aifi_push::types::TransitionLeft;

fn main() {
    let error = aifi_push::from_slice::<TransitionLeft>(b"{\"session\": {\"id\": true}}");
    println!("{}", error.unwrap_err());
}
