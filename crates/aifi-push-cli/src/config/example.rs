//! The file to begin with: every key, what it means, and its default.

use std::fmt::Write as _;

use clap::Arg;

use super::{
    options::{self, Shape},
    report::toml_value,
};

/// What the packaged service sets; the other keys are comments.
const SERVICE: [(&str, &str); 6] = [
    ("admin-listen", "127.0.0.1:8081"),
    ("admin-token-file", "/etc/aifi-push/admin-tokens"),
    ("inbox", "sqlite:/var/lib/aifi-push/events.db"),
    ("token-file", "/etc/aifi-push/tokens"),
    ("keep-for", "90d"),
    ("log-format", "json"),
];

const INTRODUCTION: &str = "\
# Configuration of `aifi-push serve`, as /etc/aifi-push/config.toml.
#
# Each key is an option of `aifi-push serve --help`, without its dashes. An option that may be repeated
# is a list. A variable such as AIFI_PUSH_MAX_BODY overrides its key, and a flag overrides both. Tokens
# and other secrets are in files of their own, and a path is relative to the directory of the process.
#
# `aifi-push config check` prints what is in effect and where it comes from.
";

/// How wide the text of a comment is.
const WIDTH: usize = 98;

pub(super) fn example() -> String {
    let command = options::command();
    let mut file = INTRODUCTION.to_owned();
    for (heading, options) in options::by_heading(&command) {
        let _ = write!(file, "\n\n# === {heading} ===\n");
        for (name, arg) in options {
            file.push('\n');
            let help = arg.get_long_help().or_else(|| arg.get_help());
            let mut help = help.map(ToString::to_string).unwrap_or_default();
            if !help.ends_with('.') {
                help.push('.');
            }
            for line in wrap(&help) {
                let _ = writeln!(file, "{}", format!("# {line}").trim_end());
            }
            let of_service = SERVICE.iter().find(|(key, _)| *key == name);
            let _ = match of_service {
                Some((_, value)) => writeln!(file, "{name} = {}", toml_value(value)),
                None => writeln!(file, "#{name} = {}", default(arg)),
            };
        }
    }
    file
}

/// The default of an option, or, where it has none, what would be there.
fn default(arg: &Arg) -> toml::Value {
    let shape = options::shape(arg);
    if shape == Shape::Switch {
        return false.into();
    }
    let defaults = arg.get_default_values().iter();
    let defaults: Vec<_> = defaults
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    match (shape, &defaults[..]) {
        (Shape::One, [value]) => toml_value(value),
        (Shape::One, _) => names(arg).into(),
        (_, []) => vec![names(arg)].into(),
        _ => defaults.into(),
    }
}

fn names(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.join(" ")
}

/// Breaks a text into lines, and keeps its paragraphs.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}
