//! Where an inbox lies.

use std::{path::PathBuf, str::FromStr};

/// An inbox by its URL: `sqlite:FILE`.
#[derive(Clone)]
pub(crate) struct Location {
    pub(crate) file: PathBuf,
}

impl FromStr for Location {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        match url.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self { file: file.into() }),
            _ => Err("an inbox is sqlite:FILE, such as sqlite:events.db"),
        }
    }
}
