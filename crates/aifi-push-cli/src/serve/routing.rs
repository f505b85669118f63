//! The URLs to configure at the vendor's.

use aifi_push::Answer;
use aifi_push_receiver::Routes;
use anyhow::{Context, Result};

#[derive(clap::Args)]
#[command(next_help_heading = super::LISTENING)]
pub(super) struct Routing {
    /// Path below which events arrive.
    ///
    /// With /webhook, they arrive at /webhook/left, /webhook/checkout-zone/left, /webhook/checkout and
    /// so on.
    #[arg(long, value_name = "PATH", default_value = "/webhook")]
    base_path: String,
    /// Path of a webhook that is not below --base-path; may be repeated.
    ///
    /// It is the path of the URL that is configured at the vendor's, such as checkout-zone=/zones,
    /// where it is not the one that is printed at the start. One webhook may have several.
    #[arg(
        long = "route",
        value_name = "WEBHOOK=PATH,…",
        value_delimiter = ',',
        value_parser = route
    )]
    routes: Vec<(String, String)>,
}

impl Routing {
    pub(super) fn routes(&self, is_status_elsewhere: bool) -> Result<Routes> {
        let mut routes = Routes::below(&self.base_path);
        if is_status_elsewhere {
            routes = routes.status_elsewhere();
        }
        for (webhook, path) in &self.routes {
            routes = routes.route(webhook, path);
        }
        routes.build().map_err(|error| super::named_by_flag(&error))
    }

    pub(super) fn base_path(&self) -> &str {
        self.base_path.trim_end_matches('/')
    }
}

/// Returns a line for each webhook, with the URL to configure and with `question` if the vendor waits
/// for an answer.
pub(super) fn table(routes: &Routes, origin: &str) -> String {
    let webhooks = routes.webhooks();
    let longest_name = webhooks.iter().map(|webhook| webhook.name.len()).max();
    let longest_path = webhooks.iter().map(|webhook| webhook.path.len()).max();
    let (name_width, path_width) = (longest_name.unwrap_or(0), longest_path.unwrap_or(0));
    let lines = webhooks.iter().map(|webhook| {
        let (name, path) = (webhook.name, &webhook.path);
        let mark = match webhook.answer {
            Answer::Used => "question",
            _ => "",
        };
        let line = format!("  {name:name_width$}  {origin}{path:path_width$}  {mark}");
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn route(text: &str) -> Result<(String, String)> {
    let (webhook, path) = text
        .split_once('=')
        .context("expected WEBHOOK=PATH, such as checkout-zone=/zones")?;
    Ok((webhook.trim().to_owned(), path.trim().to_owned()))
}
