//! Where bearer tokens are read from: never the command line, which everyone on the machine can see.

use std::{env, fs, path::PathBuf};

use aifi_push::ClientBuilder;
use anyhow::{Context, Result, ensure};

/// A file, or an environment variable if no file is given.
#[derive(Clone)]
pub(crate) struct TokenSource {
    file: Option<PathBuf>,
    variable: &'static str,
}

impl TokenSource {
    pub(crate) fn new(file: Option<PathBuf>, variable: &'static str) -> Self {
        Self { file, variable }
    }

    /// Returns every token: one on each line.
    pub(crate) fn read(&self) -> Result<Vec<String>> {
        let (text, place) = match &self.file {
            Some(file) => {
                let place = file.display().to_string();
                let text = fs::read_to_string(file).with_context(|| place.clone())?;
                (text, place)
            }
            None => {
                let variable = self.variable;
                let text = env::var(variable).with_context(|| {
                    format!("no token: set {variable} in the environment, or give a token file")
                })?;
                (text, variable.to_owned())
            }
        };
        let lines = text.lines().map(str::trim);
        let tokens: Vec<_> = lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        ensure!(
            !tokens.is_empty(),
            "{place}: no token found: write one on each line"
        );
        Ok(tokens)
    }

    /// Sets the token to send: the first one, read again for each attempt.
    pub(crate) fn give_to(self, client: ClientBuilder) -> Result<ClientBuilder> {
        self.first()?;
        Ok(client.bearer_token_source(move || {
            let token = self.first();
            async { token.map_err(anyhow::Error::into_boxed_dyn_error) }
        }))
    }

    fn first(&self) -> Result<String> {
        let mut tokens = self.read()?;
        Ok(tokens.swap_remove(0))
    }
}
