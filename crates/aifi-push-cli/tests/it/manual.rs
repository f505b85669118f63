//! `aifi-push completions` and `man`

use std::fs;

use crate::{directory, printed};

#[test]
fn shells_and_man_know_the_commands() {
    let directory = directory();
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&directory, &["completions", shell], 0);
        assert!(
            script.contains("aifi-push") && script.contains("replay"),
            "{shell}"
        );
    }
    printed(&directory, &["man", "pages"], 0);
    let page = |name: &str| fs::read_to_string(directory.path().join("pages").join(name)).unwrap();
    assert!(page("aifi-push.1").contains("Exit codes"));
    assert!(page("aifi-push-inbox-replay.1").contains("dry"));
    assert!(page("aifi-push-serve.1").contains("config"));
    assert!(page("aifi-push-config-check.1").contains("source of each value"));
}
