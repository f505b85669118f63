//! Every command of the guide is valid.

use std::{fs, path::Path};

use clap::Parser;

use crate::Cli;

/// The commands of a page: lines of its shell blocks, and words within its text.
fn commands(page: &str) -> Vec<String> {
    let page = page.replace("\\\n", " ");
    let mut commands = Vec::new();
    for piece in page.split('`') {
        if piece.starts_with("aifi-push ") {
            commands.push(piece.replace('\n', " "));
        } else if let Some(block) = piece.strip_prefix("sh\n") {
            let block = block.replace("\\\n", " ");
            let lines = block.lines().filter(|line| line.starts_with("aifi-push "));
            commands.extend(lines.map(str::to_owned));
        }
    }
    commands
}

#[test]
fn every_command_of_the_guide_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let deployed = ["nats", "monitoring"].map(|pack| root.join(format!("deploy/{pack}/README.md")));
    let mut pages = vec![root.join("README.md")];
    pages.extend(deployed);
    let docs = fs::read_dir(root.join("docs")).unwrap();
    let docs = docs.map(|page| page.unwrap().path());
    pages.extend(docs.filter(|page| page.is_file()));
    let mut count = 0;
    for page in pages {
        for command in commands(&fs::read_to_string(&page).unwrap()) {
            let words = shlex::split(&command).unwrap();
            let words = words.iter().take_while(|word| *word != ">");
            let words = words.map(|word| match word.as_str() {
                "ID" => "01a21105-4471-7256-b3cd-ac7178addd0b",
                word => word,
            });
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{}: {command}: {error}", page.display());
            }
            count += 1;
        }
    }
    assert!(count > 20, "{count} commands");
}
