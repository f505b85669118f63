//! The file of an inbox, as people write it.

use std::path::PathBuf;

/// Reads what is after `sqlite:`. SQLite itself, and programs that use it, have more forms for a file:
/// they mean the same here, or are refused, so that none creates a file of an odd name.
pub(crate) fn file(text: &str) -> Result<PathBuf, String> {
    let (is_uri, text) = match text.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file:") => (true, rest),
        _ => (false, text),
    };
    let path = match text.strip_prefix("//") {
        // Between `file://` and the path is a host.
        Some(rest) if is_uri && !rest.starts_with('/') => rest
            .strip_prefix("localhost")
            .filter(|path| path.starts_with('/'))
            .ok_or("a file of another machine can't be an inbox: write sqlite:FILE")?,
        Some(rest) => rest,
        None => text,
    };
    if path.is_empty() {
        return Err("the name of the file is missing: write sqlite:events.db".to_owned());
    }
    if path.starts_with(":memory:") {
        return Err(
            "events in memory would be lost with the process: write sqlite:FILE".to_owned(),
        );
    }
    if let Some((path, _)) = path.split_once('?') {
        return Err(format!(
            "a file has no options here: write sqlite:{path}, or rename the file if `?` is in its name"
        ));
    }
    if has_percent_encoding(path) {
        return Err(
            "%-encoding is not decoded: write the name of the file as it is, after sqlite:"
                .to_owned(),
        );
    }
    if path.ends_with(['/', std::path::MAIN_SEPARATOR]) {
        return Err(format!(
            "a directory can't be an inbox: write sqlite:{path}events.db"
        ));
    }
    on_this_machine(path)
}

fn on_this_machine(path: &str) -> Result<PathBuf, String> {
    if let Some(rest) = path.strip_prefix('~') {
        // The shell does so only at the beginning of a word.
        let home = std::env::home_dir();
        return match (rest.strip_prefix('/'), home) {
            (Some(rest), Some(home)) => Ok(home.join(rest)),
            _ => Err("`~` is only known as ~/FILE: write the whole path".to_owned()),
        };
    }
    let after_slash = path.strip_prefix('/').unwrap_or(path);
    let is_of_windows = matches!(
        after_slash.as_bytes(),
        [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic()
    );
    match is_of_windows {
        true if cfg!(windows) => Ok(after_slash.into()),
        true => Err("this is a path of Windows: write sqlite:/PATH/FILE".to_owned()),
        false => Ok(path.into()),
    }
}

fn has_percent_encoding(path: &str) -> bool {
    path.as_bytes().windows(3).any(|bytes| {
        bytes[0] == b'%' && bytes[1].is_ascii_hexdigit() && bytes[2].is_ascii_hexdigit()
    })
}
