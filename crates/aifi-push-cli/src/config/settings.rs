//! Flags, environment, file and defaults, put together.
//!
//! What the environment and the file set is given to the command line's own parser as if it had been
//! on the command line, before its flags. So there is one set of rules for what a value is, and which
//! options go together.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use clap::{
    Arg, Args, Command,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{DEFAULT_FILE, environment, file, options};
use crate::{escape, inbox, location::Location};

/// What the environment or a file says about an option.
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) source: Source,
}

pub(super) enum Value {
    Switch(bool),
    Texts(Vec<String>),
}

/// Where the value of an option comes from.
#[derive(Clone)]
pub(super) enum Source {
    Flag,
    Variable(String),
    File(PathBuf, usize),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(file, line) => write!(f, "{}:{line}", escape::path(file)),
        }
    }
}

impl Setting {
    /// The arguments that say the same.
    fn arguments(&self, name: &str) -> Vec<String> {
        match &self.value {
            Value::Switch(true) => vec![format!("--{name}")],
            Value::Switch(false) => Vec::new(),
            Value::Texts(texts) => {
                let texts = texts.iter();
                texts.map(|text| format!("--{name}={text}")).collect()
            }
        }
    }
}

/// The options of `serve` that something sets, and the command line that says so.
pub(super) struct Settings {
    /// The program and the command.
    words: Vec<OsString>,
    /// Everything after them.
    pub(super) options: Vec<OsString>,
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) file: Option<PathBuf>,
}

/// Returns the command line with what the environment and the file add to it: all options of `serve`,
/// and to `inbox` where the inbox is. Another command stays as it is.
///
/// # Errors
///
/// If the file can't be read or is wrong, or a variable is wrong.
pub(crate) fn arguments(arguments: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    if let Some(settings) = Settings::read(&arguments)? {
        return Ok([settings.words, settings.options].concat());
    }
    match &arguments[..] {
        [name, command, flags @ ..] if command == "inbox" && parses(flags) => {
            let words = vec![name.clone(), command.clone()];
            Ok([words, inbox_of_file(flags)?, flags.to_vec()].concat())
        }
        _ => Ok(arguments),
    }
}

/// Returns `false` for flags of `inbox` that only print help, or are wrong: the file changes neither.
fn parses(flags: &[OsString]) -> bool {
    let command = inbox::Options::augment_args(Command::new("inbox"));
    let name = [OsStr::new("inbox")].into_iter();
    let arguments = name.chain(flags.iter().map(OsString::as_os_str));
    command.try_get_matches_from(arguments).is_ok()
}

/// Returns the options of the file that say where the inbox is, unless flags or the environment do.
fn inbox_of_file(flags: &[OsString]) -> Result<Vec<OsString>> {
    let is_inbox = |flag: &OsString| {
        let flag = flag.to_string_lossy();
        flag == "--inbox" || flag.starts_with("--inbox=")
    };
    let is_in_environment = environment::value(&options::variable("inbox"))?.is_some();
    if is_in_environment || flags.iter().any(is_inbox) {
        return Ok(Vec::new());
    }
    let Some(file) = file_to_read(None)? else {
        return Ok(Vec::new());
    };
    let settings = file::read(&options::command(), &file);
    let settings =
        settings.map_err(|error| anyhow!("{error:#}: fix it, or name the inbox by --inbox"))?;
    let location = Location::augment_args(Command::new("inbox"));
    let given: Vec<_> = options::all(&location)
        .filter_map(|(name, _)| Some(settings.get(name)?.arguments(name)))
        .collect();
    Ok(given.concat().into_iter().map(OsString::from).collect())
}

impl Settings {
    pub(super) fn read(arguments: &[OsString]) -> Result<Option<Self>> {
        let words: Vec<_> = arguments.iter().skip(1).map(OsString::as_os_str).collect();
        let first_flag = match words[..] {
            [first, ..] if first == "serve" => 2,
            [first, second, ..] if first == "config" && second == "check" => 3,
            _ => return Ok(None),
        };
        let (words, flags) = arguments.split_at(first_flag);
        let command = options::command();
        // What is wrong with the flags is said when they are read again with everything.
        let lenient = command.clone().ignore_errors(true);
        let flags_with_name = [OsStr::new("serve")].into_iter();
        let flags_with_name = flags_with_name.chain(flags.iter().map(OsString::as_os_str));
        let Ok(given) = lenient.try_get_matches_from(flags_with_name) else {
            // Help.
            return Ok(None);
        };
        let mut sources: BTreeMap<String, Source> = BTreeMap::new();
        for (name, arg) in options::all(&command) {
            if given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
                sources.insert(name.to_owned(), Source::Flag);
            }
        }
        let file = file_to_read(given.get_one::<PathBuf>(options::CONFIG))?;
        let mut added = Vec::new();
        if let Some(file) = &file {
            let mut option = OsString::from("--config=");
            option.push(file);
            // Again, it would be one too many.
            if given.value_source(options::CONFIG) != Some(ValueSource::CommandLine) {
                added.push(option);
            }
        }
        let of_file = match &file {
            Some(file) => file::read(&command, file)?,
            None => BTreeMap::new(),
        };
        let mut needed = Vec::new();
        for layer in [environment::read(&command)?, of_file] {
            for (name, setting) in &layer {
                needed.extend(check(&command, name, setting)?);
            }
            refuse_conflicts(&command, &layer)?;
            let overridden = |name: &str| is_overridden(&command, &sources, name);
            let used: Vec<_> = layer
                .into_iter()
                .filter(|(name, _)| !overridden(name))
                .collect();
            for (name, setting) in used {
                added.extend(setting.arguments(&name).into_iter().map(OsString::from));
                sources.insert(name, setting.source);
            }
        }
        for Needed { by, source, name } in needed {
            let is_in_use = sources.get(&by).is_some_and(|used| is_same(used, &source));
            if is_in_use && !sources.contains_key(&name) {
                bail!("{source}: {by}: requires `{name}`");
            }
        }
        Ok(Some(Self {
            words: words.to_vec(),
            options: [&added, flags].concat(),
            sources,
            file,
        }))
    }
}

/// Decides which file to read. The default may be missing, but not one that somebody named.
fn file_to_read(given: Option<&PathBuf>) -> Result<Option<PathBuf>> {
    if let Some(file) = given {
        return Ok(Some(file.clone()));
    }
    if let Some(file) = environment::value(&options::variable(options::CONFIG))? {
        return Ok(Some(file.into()));
    }
    let Some(default) = DEFAULT_FILE.map(Path::new) else {
        return Ok(None);
    };
    let exists = default.try_exists();
    let exists = exists.with_context(|| format!("{}: can't be looked up", default.display()))?;
    Ok(exists.then(|| default.to_owned()))
}

/// An option without which another makes no sense.
struct Needed {
    by: String,
    source: Source,
    name: String,
}

/// Checks a value as the command line would, and returns which options have to be there, too.
fn check(command: &Command, name: &str, setting: &Setting) -> Result<Vec<Needed>> {
    let source = &setting.source;
    let needed = required(command, setting.arguments(name));
    let needed = needed.map_err(|problem| anyhow!("{source}: {name}: {problem}"))?;
    let needed = needed.into_iter().map(|needed| Needed {
        by: name.to_owned(),
        source: source.clone(),
        name: needed,
    });
    Ok(needed.collect())
}

/// Returns which options have to be there with these arguments, or what is wrong with them.
pub(super) fn required(command: &Command, arguments: Vec<String>) -> Result<Vec<String>, String> {
    let alone = [vec!["serve".to_owned()], arguments].concat();
    let Err(error) = command.clone().try_get_matches_from(alone) else {
        return Ok(Vec::new());
    };
    if error.kind() != ErrorKind::MissingRequiredArgument {
        return Err(one_line(&error));
    }
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.clone(),
        Some(ContextValue::String(missing)) => vec![missing.clone()],
        _ => Vec::new(),
    };
    // Such as `--tls-key <FILE>`.
    let names = missing.iter().filter_map(|usage| {
        let usage = usage.strip_prefix("--")?;
        usage.split([' ', '=']).next()
    });
    Ok(names.map(ToOwned::to_owned).collect())
}

/// What the parser of the command line says about a value, without its advice.
fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines = text.lines().map(str::trim);
    let lines = lines.take_while(|line| !line.starts_with("For more information"));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

/// Refuses options of one layer that exclude each other.
fn refuse_conflicts(command: &Command, layer: &BTreeMap<String, Setting>) -> Result<()> {
    let in_use = layer
        .iter()
        .filter(|(name, setting)| !setting.arguments(name).is_empty());
    let in_use: Vec<_> = in_use.collect();
    for (index, (name, setting)) in in_use.iter().enumerate() {
        for (other, _) in &in_use[..index] {
            if exclude_each_other(command, name, other) {
                bail!("{}: {name}: cannot be used with `{other}`", setting.source);
            }
        }
    }
    Ok(())
}

/// Returns `true` if something above the layer sets the option, or one that excludes it.
fn is_overridden(command: &Command, above: &BTreeMap<String, Source>, name: &str) -> bool {
    let mut above = above.keys();
    above.any(|other| other == name || exclude_each_other(command, name, other))
}

fn exclude_each_other(command: &Command, one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (options::find(command, one), options::find(command, other))
    else {
        return false;
    };
    let excludes = |one: &Arg, other: &Arg| {
        let excluded = command.get_arg_conflicts_with(one);
        excluded.iter().any(|arg| arg.get_id() == other.get_id())
    };
    excludes(one, other) || excludes(other, one)
}

fn is_same(one: &Source, other: &Source) -> bool {
    one.to_string() == other.to_string()
}
