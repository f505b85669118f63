//! The dashboard of Grafana.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xshell::Shell;

use super::PACK;

/// The columns of a dashboard.
const COLUMNS: u64 = 24;

/// A query of a panel.
pub(super) struct Panel {
    pub(super) title: String,
    /// With values in the place of Grafana's variables.
    pub(super) query: String,
}

/// Reads the queries, and checks what Grafana would quietly show wrong.
pub(super) fn read(sh: &Shell) -> Result<Vec<Panel>> {
    let dashboard = sh.read_file(format!("{PACK}/dashboard.json"))?;
    let dashboard: Value = serde_json::from_str(&dashboard)?;
    let variables = dashboard["templating"]["list"].as_array();
    let variables: BTreeSet<_> = variables
        .context("no variables")?
        .iter()
        .filter_map(|variable| variable["name"].as_str())
        .collect();
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    ensure!(variables.contains("datasource"), "no variable datasource");
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().context("no panels")? {
        let title = panel["title"].as_str().context("a panel without a title")?;
        ensure!(ids.insert(panel["id"].as_u64()), "{title}: its id is taken");
        for cell in cells_of(panel).with_context(|| title.to_owned())? {
            ensure!(cells.insert(cell), "{title}: another panel is in its place");
        }
        if panel["type"] == "row" {
            continue;
        }
        ensure!(
            panel["datasource"] == source,
            "{title}: another data source"
        );
        let targets = panel["targets"].as_array().context("no targets")?;
        ensure!(!targets.is_empty(), "{title}: no query");
        for target in targets {
            ensure!(
                target["datasource"] == source,
                "{title}: another data source"
            );
            let query = target["expr"].as_str().context("no query")?;
            let query = query
                .replace("$__rate_interval", "1m")
                .replace("$job", "aifi-push")
                .replace("$instance", ".*");
            ensure!(
                !query.contains('$'),
                "{title}: an unknown variable: {query}"
            );
            queries.push(Panel {
                title: title.to_owned(),
                query,
            });
        }
    }
    Ok(queries)
}

/// The columns and lines that a panel covers.
fn cells_of(panel: &Value) -> Result<Vec<(u64, u64)>> {
    let place = |name: &str| panel["gridPos"][name].as_u64().context("no place");
    let (x, y, width, height) = (place("x")?, place("y")?, place("w")?, place("h")?);
    ensure!(x + width <= COLUMNS, "it is too wide");
    let columns = x..x + width;
    Ok(columns
        .flat_map(|x| (y..y + height).map(move |y| (x, y)))
        .collect())
}
