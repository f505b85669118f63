//! The options of `serve`, as keys of a file and as variables.

use clap::{Arg, ArgAction, Args, Command, builder::Resettable};

use crate::serve;

/// The option that names the file itself.
pub(super) const CONFIG: &str = "config";

/// How the variables begin.
pub(super) const PREFIX: &str = "AIFI_PUSH_";

/// How similar a name must be to be suggested, where 1 is the same.
const SIMILAR: f64 = 0.8;

/// What an option can be given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing: it is on or off.
    Switch,
    One,
    Many,
    /// Many values, or none at all.
    ManyOrNone,
}

/// The command `serve`, with nothing from the environment.
pub(super) fn command() -> Command {
    let command = serve::Options::augment_args(Command::new("serve"));
    let mut command = command.mut_args(|arg| arg.env(Resettable::Reset));
    command.build();
    command
}

/// Returns the options below their headings, in the order of the help text.
pub(super) fn by_heading(command: &Command) -> Vec<(&str, Vec<(&str, &Arg)>)> {
    let mut groups: Vec<(&str, Vec<_>)> = Vec::new();
    for (name, arg) in all(command) {
        let heading = arg.get_help_heading().unwrap_or("Options");
        match groups.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, options)) => options.push((name, arg)),
            None => groups.push((heading, vec![(name, arg)])),
        }
    }
    groups
}

/// Returns the options that a file can set, with their names.
pub(super) fn all(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let named = command.get_arguments().filter_map(|arg| {
        let name = arg.get_long()?;
        Some((name, arg))
    });
    named.filter(|(name, arg)| *name != CONFIG && is_setting(arg))
}

fn is_setting(arg: &Arg) -> bool {
    matches!(
        arg.get_action(),
        ArgAction::Set | ArgAction::Append | ArgAction::SetTrue
    )
}

pub(super) fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let mut options = all(command);
    options
        .find(|(known, _)| *known == name)
        .map(|(_, arg)| arg)
}

pub(super) fn shape(arg: &Arg) -> Shape {
    let may_be_bare = arg.get_num_args().is_some_and(|it| it.min_values() == 0);
    match arg.get_action() {
        ArgAction::SetTrue => Shape::Switch,
        ArgAction::Append if may_be_bare => Shape::ManyOrNone,
        ArgAction::Append => Shape::Many,
        _ => Shape::One,
    }
}

/// Returns the variable of an option.
pub(super) fn variable(name: &str) -> String {
    let name = name.to_ascii_uppercase().replace('-', "_");
    format!("{PREFIX}{name}")
}

/// Returns the variables that are secrets themselves: AIFI_PUSH_TOKEN for the content of --token-file.
pub(super) fn secrets(command: &Command) -> impl Iterator<Item = String> {
    let names = all(command).filter_map(|(name, _)| name.strip_suffix("-file"));
    names.map(variable)
}

/// Returns the name that somebody may have meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let similar = known.map(|known| (strsim::jaro_winkler(known, name), known));
    let similar = similar.filter(|(similarity, _)| *similarity >= SIMILAR);
    let nearest = similar.max_by(|(one, _), (other, _)| one.total_cmp(other));
    nearest.map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_has_the_variable_of_a_secret() {
        let command = command();
        let variables: Vec<_> = all(&command).map(|(name, _)| variable(name)).collect();
        let secrets: Vec<_> = secrets(&command).collect();
        for secret in [
            "AIFI_PUSH_TOKEN",
            "AIFI_PUSH_ANSWER_TOKEN",
            "AIFI_PUSH_FORWARD_TOKEN",
            "AIFI_PUSH_FORWARD_SECRET",
        ] {
            assert!(secrets.contains(&secret.to_owned()), "{secrets:?}");
        }
        assert!(!secrets.iter().any(|secret| variables.contains(secret)));
    }
}
