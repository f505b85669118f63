//! The help texts

use crate::{directory, printed};

#[test]
fn help_is_grouped_by_theme() {
    let directory = directory();
    let help = |arguments: &[&str]| printed(&directory, arguments, 0);
    insta::assert_snapshot!("serve", help(&["serve", "--help"]));
    insta::assert_snapshot!("serve_short", help(&["serve", "-h"]));
    insta::assert_snapshot!("send", help(&["send", "--help"]));
    insta::assert_snapshot!("simulate", help(&["simulate", "--help"]));
}

#[test]
fn help_fits_80_columns() {
    let directory = directory();
    let all = printed(&directory, &["--help"], 0);
    let commands = all.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    // The first line of each: others continue it.
    let commands = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: Vec<_> = commands
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"serve"), "{commands:?}");
    for command in commands {
        for flag in ["-h", "--help"] {
            let arguments = match command {
                "help" => vec![flag],
                command => vec![command, flag],
            };
            for line in printed(&directory, &arguments, 0).lines() {
                assert!(line.chars().count() <= 80, "{command}: {line}");
            }
        }
    }
}
