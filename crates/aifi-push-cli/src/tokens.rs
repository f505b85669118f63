//! Where bearer tokens are read from: never the command line, which everyone on the machine can see.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use aifi_push::ClientBuilder;
use anyhow::{Context, Result, anyhow, ensure};

use crate::escape;

/// A flag that names a file of tokens, and the variable that contains them where it is not given.
pub(crate) struct TokenOption {
    pub(crate) flag: &'static str,
    pub(crate) variable: &'static str,
    /// The flag that asks for no token, if there is one.
    pub(crate) without: Option<&'static str>,
}

impl TokenOption {
    /// Returns the value of the variable. One that is empty counts as unset.
    fn value(&self) -> Option<OsString> {
        env::var_os(self.variable).filter(|tokens| !tokens.is_empty())
    }

    pub(crate) fn is_in_environment(&self) -> bool {
        self.value().is_some()
    }
}

/// The tokens of an option: read anew each time, or once where that is all one can.
#[derive(Clone)]
pub(crate) struct TokenSource {
    place: String,
    origin: Origin,
}

#[derive(Clone)]
enum Origin {
    File(PathBuf),
    Once(PathBuf, Arc<OnceLock<Vec<u8>>>),
    Variable(String),
}

impl TokenSource {
    /// Finds out where the tokens are, and reads nothing yet.
    ///
    /// # Errors
    ///
    /// If there is neither a file nor the variable: the error names both, and the flag for none.
    pub(crate) fn new(file: Option<PathBuf>, option: &TokenOption) -> Result<Self> {
        let &TokenOption {
            flag,
            variable,
            without,
        } = option;
        if let Some(file) = file {
            let place = escape::path(&file);
            let is_regular = fs::metadata(&file)
                .with_context(|| place.clone())?
                .is_file();
            let origin = if is_regular {
                Origin::File(file)
            } else {
                Origin::Once(file, Arc::default())
            };
            return Ok(Self { place, origin });
        }
        let tokens = option.value().ok_or_else(|| {
            let ways = match without {
                Some(without) => format!(", set {variable}, or go without by {without}"),
                None => format!(" or set {variable}"),
            };
            anyhow!("no token: use {flag} FILE{ways}")
        })?;
        let tokens = tokens.into_string();
        // Without the cause, which contains the value.
        let tokens = tokens.map_err(|_| anyhow!("{variable}: not UTF-8"))?;
        Ok(Self {
            place: variable.to_owned(),
            origin: Origin::Variable(tokens),
        })
    }

    /// Returns the file if the tokens can change: they are in a regular one, not in a pipe, which can
    /// be read only once, or in a variable.
    pub(crate) fn reloadable_file(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(file) => Some(file),
            Origin::Once(..) | Origin::Variable(_) => None,
        }
    }

    /// Returns every token: one on each line. What can't be read again returns those of the first time.
    ///
    /// # Errors
    ///
    /// If it can't be read, contains no token, or has a line that is no token: the error has the number
    /// of the line, and what is to be removed.
    pub(crate) fn read(&self) -> Result<Vec<String>> {
        match &self.origin {
            Origin::File(file) => parse(&self.place, &self.read_file(file)?),
            Origin::Variable(tokens) => parse(&self.place, tokens.as_bytes()),
            Origin::Once(file, kept) => {
                let bytes = match kept.get() {
                    Some(bytes) => bytes,
                    None => {
                        let bytes = self.read_file(file)?;
                        kept.get_or_init(|| bytes)
                    }
                };
                parse(&self.place, bytes)
            }
        }
    }

    fn read_file(&self, file: &Path) -> Result<Vec<u8>> {
        fs::read(file).with_context(|| self.place.clone())
    }

    /// Sets the token to send: the first one, read again for each attempt.
    pub(crate) fn give_to(self, client: ClientBuilder) -> Result<ClientBuilder> {
        self.first()?;
        Ok(client.bearer_token_source(move || {
            let token = self.first();
            async { token.map_err(anyhow::Error::into_boxed_dyn_error) }
        }))
    }

    /// Returns the token to send, as [`read`](Self::read) does.
    pub(crate) fn first(&self) -> Result<String> {
        let mut tokens = self.read()?;
        Ok(tokens.swap_remove(0))
    }
}

fn parse(place: &str, bytes: &[u8]) -> Result<Vec<String>> {
    ensure!(
        !bytes.starts_with(b"\xff\xfe") && !bytes.starts_with(b"\xfe\xff"),
        "{place}: this is UTF-16: save it as UTF-8"
    );
    let mut tokens = Vec::new();
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        let line = str::from_utf8(line).map_err(|_| anyhow!("{place}:{number}: not UTF-8"))?;
        // Some editors begin a file with a byte order mark.
        let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(problem) = problem(line) {
            return Err(anyhow!("{place}:{number}: {problem}"));
        }
        tokens.push(line.to_owned());
    }
    ensure!(
        !tokens.is_empty(),
        "{place}: no token found: write one on each line"
    );
    Ok(tokens)
}

/// What is to be removed from a line so that a token is left. It contains nothing of the line, as any
/// of it may be secret.
fn problem(line: &str) -> Option<&'static str> {
    let begins = |word: &str| {
        let start = line.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if begins("authorization:") {
        Some("remove `Authorization: Bearer`: the token alone is expected")
    } else if begins("bearer ") || begins("bearer\t") {
        Some("remove `Bearer`: the token alone is expected")
    } else if is_assignment(line) {
        Some("remove the name and the `=`: the token alone is expected")
    } else if line.starts_with(['"', '\'', '`']) || line.ends_with(['"', '\'', '`']) {
        Some("remove the quotes: the token alone is expected")
    } else if line.contains(char::is_whitespace) {
        Some("remove the spaces, and what is not the token: a line has one token alone")
    } else if line.chars().any(|c| !c.is_ascii_graphic()) {
        Some("remove the characters that are invisible or not ASCII: a header can't carry them")
    } else {
        None
    }
}

/// Returns `true` for `NAME=value`, and `false` for base64, where nothing follows the `=` at its end.
fn is_assignment(line: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else {
        return false;
    };
    let name = name.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.chars().all(is_name) && value.chars().any(|c| c != '=')
}
