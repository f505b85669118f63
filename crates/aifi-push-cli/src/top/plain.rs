//! The figures as text, once.

use aifi_push_receiver::Figures;
use anyhow::Result;
use chrono::SecondsFormat;

use super::figure::{self, FIGURES};
use crate::output;

pub(super) fn print(figures: &Figures) -> Result<()> {
    let at = figures.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    output::line(format_args!("{:14}{at}", "at"))?;
    let ready = figure::not_ready(figures);
    let ready = ready.map_or_else(|| "yes".to_owned(), |reason| format!("no: {reason}"));
    output::line(format_args!("{:14}{ready}", "ready"))?;
    for figure in &FIGURES {
        output::line(format_args!("{:14}{}", figure.name, (figure.text)(figures)))?;
    }
    if figures.consumers.is_empty() {
        return output::line("no consumers");
    }
    let mut table = output::new_table(figure::CONSUMER);
    table.add_rows(figures.consumers.iter().map(figure::consumer));
    output::table(&table)
}
