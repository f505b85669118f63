//! The services to deliver to, as the options name them.

use std::path::PathBuf;

use aifi_push::{Client, Operation, operations};
use aifi_push_receiver::inbox::ConsumerName;
use anyhow::{Context, Result, anyhow, ensure};

use super::{
    Forwarding,
    named::{self, Named},
    signature::Signer,
};
use crate::tokens::{TokenOption, TokenSource};

/// The name of a target that has none.
const DEFAULT_NAME: &str = "forward";

const TOKEN: TokenOption = TokenOption {
    flag: "--forward-token-file",
    variable: "AIFI_PUSH_FORWARD_TOKEN",
    without: Some("--forward-no-token"),
};

/// A service to deliver to.
pub(super) struct Target {
    /// Also that of its consumer.
    pub(super) name: ConsumerName,
    pub(super) client: Client,
    pub(super) kinds: Vec<&'static Operation>,
    pub(super) signer: Option<Signer>,
}

impl Forwarding {
    pub(super) fn read_targets(&self) -> Result<Vec<Target>> {
        let mut names = Vec::new();
        for Named { name, .. } in &self.targets {
            let name = match name {
                Some(name) => name.clone(),
                None => DEFAULT_NAME.parse()?,
            };
            ensure!(
                !names.contains(&name),
                "--forward: two targets {:?}: give each a name of its own, as in --forward NAME=URL",
                name.as_str()
            );
            names.push(name);
        }
        let no_tokens: Vec<_> = self
            .no_tokens
            .iter()
            .map(|name| no_token(name))
            .collect::<Result<_>>()?;
        named::check("--forward-kind", &self.kinds, &names)?;
        named::check("--forward-token-file", &self.token_files, &names)?;
        named::check("--forward-no-token", &no_tokens, &names)?;
        named::check("--forward-secret-file", &self.secret_files, &names)?;
        let urls = self.targets.iter().map(|target| &target.value);
        names
            .iter()
            .zip(urls)
            .map(|(name, url)| {
                self.target(name, url, &no_tokens)
                    .with_context(|| format!("--forward {name}"))
            })
            .collect()
    }

    fn target(&self, name: &ConsumerName, url: &str, no_tokens: &[Named<()>]) -> Result<Target> {
        let kinds = match named::of(&self.kinds, name) {
            Some(kinds) => read_kinds(kinds)?,
            None => operations::ALL.iter().collect(),
        };
        warn_of_route(name, url, &kinds);
        let client = Client::builder(url).timeout(self.timeout);
        let has_own_file = self
            .token_files
            .iter()
            .any(|file| file.name.as_ref() == Some(name));
        let is_named = |no_token: &Named<()>| no_token.name.as_ref() == Some(name);
        let goes_without = match named::of(no_tokens, name) {
            Some(()) => no_tokens.iter().any(is_named) || !has_own_file,
            None => false,
        };
        let client = if goes_without {
            client.no_token()
        } else {
            let file = named::of(&self.token_files, name).map(PathBuf::from);
            TokenSource::new(file, &TOKEN)?.give_to(client)?
        };
        let secrets = named::of(&self.secret_files, name).map(PathBuf::from);
        Ok(Target {
            name: name.clone(),
            client: client.build()?,
            kinds,
            signer: Signer::new(secrets)?,
        })
    }
}

/// The name that a `--forward-no-token` is about, if any.
fn no_token(name: &str) -> Result<Named<()>> {
    let name = match name {
        "" => None,
        name => Some(name.parse().context("--forward-no-token")?),
    };
    Ok(Named { name, value: () })
}

fn read_kinds(text: &str) -> Result<Vec<&'static Operation>> {
    let kinds = text.split(',').map(str::trim).map(|kind| {
        Operation::find(kind).ok_or_else(|| {
            let all: Vec<_> = operations::ALL
                .iter()
                .map(|operation| operation.kind)
                .collect();
            anyhow!("--forward-kind: no kind {kind:?}: there are {all:?}")
        })
    });
    kinds.collect()
}

/// Somebody may have given the whole URL, to which the route is added once more.
fn warn_of_route(name: &ConsumerName, url: &str, kinds: &[&Operation]) {
    // The rest of the URL may contain a key, and is not logged.
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_end_matches('/');
    let is_at_end = |route: &&str| path.ends_with(&format!("/{route}"));
    let route = kinds.iter().map(|kind| kind.route).find(is_at_end);
    if let Some(route) = route
        && !url.contains("{kind}")
    {
        tracing::warn!(
            consumer = %name,
            "the URL ends in /{route}, so events go to /{route}/{route}: remove it, or write {{kind}} \
             in its place"
        );
    }
}
