//! What happens now, and what happened in the last hour.

use std::sync::Arc;

use aifi_push_inbox::AdminError;
use axum::{Json, extract::State, response::Html};
use chrono::{TimeDelta, Utc};
use maud::{Markup, html};

use super::{
    super::{
        AdminState,
        access::Visitor,
        error::PageError,
        escape::Shown,
        format,
        layout::Page,
        live::Change,
        plot::{Plot, SPAN},
        table::{self, Table},
        within,
    },
    consumers, stores,
};
use crate::{Figures, FiguresReport, figures::ConsumerFigures};

const COLUMNS: [&str; 6] = [
    "Consumer",
    "State",
    "Pending",
    "Oldest pending",
    "Dead letters",
    "Pending, last hour",
];

/// A number with its plot.
struct Tile {
    id: &'static str,
    name: &'static str,
    value: String,
    /// What is below it.
    detail: Option<String>,
    is_problem: bool,
    /// What the plot shows of each sample.
    of: fn(&Figures) -> Option<f64>,
    format: fn(f64) -> String,
}

pub(super) async fn page(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
) -> Result<Html<String>, PageError> {
    let now = Now::read(&state, &visitor).await?;
    let content = html! { div id=(FRAME) { (now.render()) } };
    Ok(Page {
        visitor: &visitor,
        title: "Now",
        nav: "now",
        live: Some("live?page=now".to_owned()),
        notice: None,
    }
    .render(&content))
}

/// The same for programs.
pub(super) async fn figures(
    State(state): State<Arc<AdminState>>,
    _: Visitor,
) -> Result<Json<FiguresReport>, PageError> {
    Ok(Json(report(&state).await?))
}

async fn report(state: &AdminState) -> Result<FiguresReport, PageError> {
    within(state.history.figures.report(&state.receiver)).await
}

/// The id of the frame of all that changes.
pub(in super::super) const FRAME: &str = "now-live";

/// Numbers change each second, and plots with each sample. The frame of both stays as long as it has the
/// shape that is shown.
pub(in super::super) async fn changes(
    state: &AdminState,
    visitor: &Visitor,
    shown: Option<&String>,
) -> Result<Vec<Change>, PageError> {
    let now = Now::read(state, visitor).await?;
    let shape = now.shape();
    if shown != Some(&shape) {
        return Ok(vec![Change::frame(FRAME, now.render(), shape)]);
    }
    let parts = now.parts().into_iter();
    Ok(parts.map(|(id, part)| Change::replace(id, part)).collect())
}

/// What the page shows.
struct Now {
    /// `None` if the inbox does not answer.
    report: Option<FiguresReport>,
    /// How many stores are silent.
    silent: String,
    may_see_events: bool,
}

/// A part that changes by itself, with the id of its element.
type Part = (String, Markup);

impl Now {
    async fn read(state: &AdminState, visitor: &Visitor) -> Result<Self, PageError> {
        let report = match report(state).await {
            // The page says so, and goes on when the inbox does.
            Err(PageError::Inbox(AdminError::Failed { .. }) | PageError::InboxSilent) => None,
            report => Some(report?),
        };
        Ok(Self {
            report,
            silent: stores::silent(&state.tail.seen()),
            may_see_events: visitor.may_act(),
        })
    }

    fn tiles(&self) -> Vec<Tile> {
        self.report
            .as_ref()
            .map_or_else(Vec::new, |report| tiles(&report.now))
    }

    fn consumers(&self) -> impl Iterator<Item = (usize, &ConsumerFigures)> {
        let reports = self.report.iter();
        reports.flat_map(|report| report.now.consumers.iter().enumerate())
    }

    fn history(&self) -> &[Figures] {
        self.report
            .as_ref()
            .map_or(&[], |report| report.history.as_slice())
    }

    /// What there are numbers and plots of.
    fn shape(&self) -> String {
        let tiles = self.tiles().into_iter().map(|tile| tile.id.to_owned());
        let consumers = self.consumers().map(|(_, consumer)| consumer.name.clone());
        tiles.chain(consumers).collect::<Vec<_>>().join(" ")
    }

    fn parts(&self) -> Vec<Part> {
        if self.report.is_none() {
            return Vec::new();
        }
        let mut parts: Vec<Part> = Vec::new();
        for tile in self.tiles() {
            parts.push(tile.value(self.may_see_events));
            parts.push(tile.plot(self.history()));
        }
        parts.push(self.silent_stores());
        for (index, consumer) in self.consumers() {
            parts.extend(cells(index, consumer, self.history()));
        }
        parts
    }

    fn silent_stores(&self) -> Part {
        let silent = html! { a href="stores" { (self.silent) } };
        ("value-silent".to_owned(), silent)
    }

    fn render(&self) -> Markup {
        if self.report.is_none() {
            return html! { p.problem role="alert" { "The inbox does not answer." } };
        }
        let (silent_id, silent) = self.silent_stores();
        let rows = self.consumers().map(|(index, consumer)| {
            let name = html! { a href="consumers" { (Shown(&consumer.name)) } };
            let cells = cells(index, consumer, self.history());
            let cells = cells.map(|(id, part)| html! { span id=(id) { (part) } });
            let cells: Vec<_> = [name].into_iter().chain(cells).collect();
            table::row(&COLUMNS, &cells)
        });
        html! {
            ul.tiles #figures aria-label="Figures" {
                @for tile in self.tiles() {
                    @let (value_id, value) = tile.value(self.may_see_events);
                    @let (plot_id, plot) = tile.plot(self.history());
                    li.tile id=(format!("tile-{}", tile.id)) {
                        span.tile-name { (tile.name) }
                        span.tile-value id=(value_id) { (value) }
                        div.tile-plot id=(plot_id) { (plot) }
                    }
                }
                li.tile #tile-silent {
                    span.tile-name { "Silent for an hour" }
                    span.tile-value id=(silent_id) { (silent) }
                }
            }
            section aria-labelledby="consumers-heading" {
                h2 #consumers-heading { "Consumers" }
                (Table {
                    id: "now-consumers",
                    caption: "How far each consumer is",
                    columns: &COLUMNS,
                    empty: "The inbox has no consumer.",
                }
                .render(&rows.collect::<Vec<_>>()))
            }
        }
    }
}

fn tiles(now: &Figures) -> Vec<Tile> {
    let dead = now.consumers.iter().map(|consumer| consumer.dead).sum();
    let certificate = now.certificate_valid_until.map(|end| end - Utc::now());
    let number = |value: f64| format!("{value:.0}");
    let mut tiles = vec![
        Tile {
            id: "rate",
            name: "Events a second",
            value: format!("{:.1}", now.events_per_second),
            detail: None,
            is_problem: false,
            of: |figures| Some(figures.events_per_second),
            format: |value| format!("{value:.1}"),
        },
        Tile {
            id: "ready",
            name: "Ready",
            value: if now.is_ready { "yes" } else { "no" }.to_owned(),
            detail: None,
            is_problem: !now.is_ready,
            of: |_| None,
            format: number,
        },
        Tile {
            id: "refused",
            name: "Refused in 5 minutes",
            value: format::count(now.refused),
            detail: refused_by_reason(now),
            is_problem: now.refused > 0,
            of: |figures| Some(figures.refused as f64),
            format: number,
        },
        Tile {
            id: "commit-p50",
            name: "Commit p50",
            value: format::short_duration(now.commit_p50),
            detail: None,
            is_problem: false,
            of: |figures| figures.commit_p50,
            format: |value| format::short_duration(Some(value)),
        },
        Tile {
            id: "commit-p99",
            name: "Commit p99",
            value: format::short_duration(now.commit_p99),
            detail: None,
            is_problem: false,
            of: |figures| figures.commit_p99,
            format: |value| format::short_duration(Some(value)),
        },
        Tile {
            id: "queued",
            name: "Waiting to be stored",
            value: format::count(now.queued),
            detail: None,
            is_problem: false,
            of: |figures| Some(figures.queued as f64),
            format: number,
        },
        Tile {
            id: "quarantined",
            name: "Quarantined",
            value: format::count(now.quarantined),
            detail: None,
            is_problem: now.quarantined > 0,
            of: |figures| Some(figures.quarantined as f64),
            format: number,
        },
        Tile {
            id: "dead",
            name: "Dead letters",
            value: format::count(dead),
            detail: None,
            is_problem: dead > 0,
            of: |figures| {
                let dead = figures.consumers.iter().map(|consumer| consumer.dead);
                Some(dead.sum::<u64>() as f64)
            },
            format: number,
        },
        Tile {
            id: "events",
            name: "Events in the inbox",
            value: format::count(now.events),
            detail: None,
            is_problem: false,
            of: |figures| Some(figures.events as f64),
            format: number,
        },
    ];
    if let Some(free) = now.disk_free {
        tiles.push(Tile {
            id: "disk",
            name: "Disk left",
            value: format::bytes(free),
            detail: None,
            is_problem: free < Figures::LOW_DISK,
            of: |figures| Some(figures.disk_free? as f64),
            format: |value| format::bytes(value as u64),
        });
    }
    if let Some(left) = certificate {
        tiles.push(Tile {
            id: "certificate",
            name: "Certificate",
            value: certificate_left(left),
            detail: None,
            is_problem: left.num_days() < Figures::LOW_CERTIFICATE_DAYS,
            of: |_| None,
            format: number,
        });
    }
    tiles
}

fn certificate_left(left: TimeDelta) -> String {
    match left.to_std() {
        Ok(_) => format::counted(left.num_days().unsigned_abs(), "day left", "days left"),
        Err(_) => "expired".to_owned(),
    }
}

fn refused_by_reason(now: &Figures) -> Option<String> {
    let reasons = now.refused_by_reason.iter();
    let reasons: Vec<_> = reasons
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

impl Tile {
    fn value(&self, may_see_events: bool) -> Part {
        let value = html! {
            @match self.id {
                "quarantined" | "dead" => a href="problems" { (self.value) },
                "events" if may_see_events => a href="events" { (self.value) },
                _ => (self.value),
            }
        };
        let value = html! {
            @if self.is_problem { span.problem { (value) } } @else { (value) }
            @if let Some(detail) = &self.detail { span.tile-detail { (Shown(detail)) } }
        };
        (format!("value-{}", self.id), value)
    }

    fn plot(&self, history: &[Figures]) -> Part {
        let id = format!("plot-{}", self.id);
        let values = values(history, self.of);
        let plot = html! {
            @if values.iter().any(|(_, value)| value.is_some()) {
                (plot(&id, self.name, values, self.format))
            }
        };
        (format!("{id}-live"), plot)
    }
}

/// What is in the row of a consumer after its name.
fn cells(index: usize, consumer: &ConsumerFigures, history: &[Figures]) -> [Part; 5] {
    let age = consumer
        .oldest_pending_age_seconds
        .map(std::time::Duration::from_secs_f64);
    let pending = |figures: &Figures| {
        let mut known = figures.consumers.iter();
        let known = known.find(|known| known.name == consumer.name)?;
        Some(known.pending as f64)
    };
    let dead = html! {
        @if consumer.dead == 0 { "0" }
        @else { a.problem href="problems" { (format::count(consumer.dead)) } }
    };
    let plot = plot(
        &format!("plot-consumer-{index}"),
        "Pending events",
        values(history, pending),
        |value| format!("{value:.0}"),
    );
    [
        ("state", consumers::state(consumer.is_paused)),
        ("pending", html! { (format::count(consumer.pending)) }),
        (
            "oldest",
            age.map_or_else(format::dash, |age| html! { (format::duration(age)) }),
        ),
        ("dead", dead),
        ("plot", plot),
    ]
    .map(|(name, part)| (format!("consumer-{index}-{name}"), part))
}

/// How long a point of a plot is, in seconds: it shows the largest of its samples.
const POINT: i64 = 30;

/// The last hour by age at the last sample, with a gap where nothing is known.
fn values(history: &[Figures], of: impl Fn(&Figures) -> Option<f64>) -> Vec<(f64, Option<f64>)> {
    let last = history.last().map(|figures| figures.at);
    let age = |figures: &Figures| last.map_or(0.0, |last| (last - figures.at).num_seconds() as f64);
    let recent: Vec<_> = history
        .iter()
        .filter(|figures| age(figures) <= SPAN)
        .collect();
    let points = recent.chunk_by(|one, next| point(one) == point(next));
    let points = points.filter_map(|samples| {
        let known = samples.iter().filter_map(|figures| of(figures));
        Some((age(samples.last()?), known.reduce(f64::max)))
    });
    points.collect()
}

fn point(figures: &Figures) -> i64 {
    figures.at.timestamp() / POINT
}

fn plot(
    id: &str,
    name: &str,
    values: Vec<(f64, Option<f64>)>,
    format: impl Fn(f64) -> String,
) -> Markup {
    let known = || values.iter().filter_map(|(_, value)| *value);
    let largest = known().fold(0.0, f64::max);
    let last = known().next_back();
    let description = format!(
        "Over the last hour: at most {}, last {}.",
        format(largest),
        last.map_or_else(|| "unknown".to_owned(), &format)
    );
    let title = format!("{name}, last hour");
    Plot {
        id,
        title: &title,
        description,
        values,
    }
    .render()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::certificate_left;

    #[test]
    fn a_certificate_that_ended_is_expired() {
        assert_eq!(certificate_left(TimeDelta::hours(-1)), "expired");
        assert_eq!(certificate_left(TimeDelta::hours(1)), "0 days left");
        assert_eq!(certificate_left(TimeDelta::hours(25)), "1 day left");
    }
}
