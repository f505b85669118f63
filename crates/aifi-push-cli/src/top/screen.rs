//! What is on the screen.

use aifi_push_receiver::{Figures, FiguresReport};
use chrono::{DateTime, Utc};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Row, Sparkline, SparklineBar, Table},
};

use super::figure::{self, FIGURES, Figure};
use crate::escape;

/// How wide a figure is at least.
const WIDTH: u16 = 26;

/// How high a figure is with its plot, and a line between.
const HEIGHT: u16 = 4;

/// The lines that consumers have at least, where there is room for plots.
const CONSUMERS_HEIGHT: u16 = 4;

/// The samples of an hour.
const SAMPLES: usize = 360;

/// The steps of a plot: a sparkline shows whole numbers.
const STEPS: f64 = 1000.0;

/// What there is to show.
pub(super) struct View {
    url: String,
    pub(super) report: Option<FiguresReport>,
    pub(super) lost: Option<Lost>,
}

/// Why there is nothing new.
pub(super) struct Lost {
    pub(super) since: DateTime<Utc>,
    pub(super) problem: String,
}

impl View {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            report: None,
            lost: None,
        }
    }
}

pub(super) fn draw(frame: &mut Frame<'_>, view: &View) {
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(title(view), head);
    if let Some(report) = &view.report {
        draw_report(frame, report, body);
    }
    let not_ready = view.report.as_ref();
    let not_ready = not_ready.and_then(|report| figure::not_ready(&report.now));
    let foot_line = match (&view.lost, not_ready) {
        (Some(lost), _) => lost.line(),
        (None, Some(reason)) => {
            Line::from(format!("not ready to receive events: {reason}")).style(bad())
        }
        (None, None) => Line::from("q ends; plots are of the last hour".dim()),
    };
    frame.render_widget(foot_line, foot);
}

fn title(view: &View) -> Line<'_> {
    let mut title = vec!["aifi-push ".bold(), Span::raw(&view.url)];
    match &view.report {
        Some(report) => {
            let at = report.now.at.format("  %Y-%m-%d %H:%M:%S UTC").to_string();
            title.push(Span::raw(at));
        }
        None if view.lost.is_none() => title.push("  connecting".dim()),
        None => {}
    }
    Line::from(title)
}

impl Lost {
    fn line(&self) -> Line<'_> {
        let since = self.since.format("%H:%M:%S");
        let problem = escape::line(&self.problem);
        let text = format!("connection lost at {since} UTC, retrying: {problem}");
        Line::from(text).style(bad())
    }
}

fn draw_report(frame: &mut Frame<'_>, report: &FiguresReport, area: Rect) {
    let columns = (area.width / WIDTH).clamp(1, 3);
    let lines = u16::try_from(FIGURES.len())
        .unwrap_or(u16::MAX)
        .div_ceil(columns);
    let has_plots = lines * HEIGHT + CONSUMERS_HEIGHT <= area.height;
    let height = if has_plots { HEIGHT } else { 1 };
    let [figures, _, consumers] = Layout::vertical([
        Constraint::Length(lines * height),
        Constraint::Length(u16::from(!has_plots)),
        Constraint::Fill(1),
    ])
    .areas(area);
    let lines = Layout::vertical((0..lines).map(|_| Constraint::Length(height))).split(figures);
    for (line, figures) in lines.iter().zip(FIGURES.chunks(columns.into())) {
        let cells = Layout::horizontal((0..columns).map(|_| Constraint::Fill(1)))
            .spacing(2)
            .split(*line);
        for (cell, figure) in cells.iter().zip(figures) {
            draw_figure(frame, figure, report, *cell, has_plots);
        }
    }
    draw_consumers(frame, &report.now, consumers);
}

fn draw_figure(
    frame: &mut Frame<'_>,
    figure: &Figure,
    report: &FiguresReport,
    area: Rect,
    has_plots: bool,
) {
    let style = if (figure.is_bad)(&report.now) {
        bad()
    } else {
        Style::new().add_modifier(Modifier::BOLD)
    };
    let value = (figure.text)(&report.now);
    let line = Line::from(vec![
        format!("{:13}", figure.name).dim(),
        Span::styled(value, style),
    ]);
    let [text, plot, _] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(if has_plots { HEIGHT - 2 } else { 0 }),
        Constraint::Fill(1),
    ])
    .areas(area);
    frame.render_widget(line, text);
    let points = points(figure, &report.history, plot.width.into());
    if points.iter().any(Option::is_some) {
        let bars = points.into_iter().map(SparklineBar::from);
        let plot_style = Style::new().fg(Color::Cyan);
        let sparkline = Sparkline::default().data(bars).style(plot_style);
        frame.render_widget(sparkline, plot);
    }
}

/// The last hour in so many points: the most of the samples that each is for, or none before the first
/// sample.
fn points(figure: &Figure, history: &[Figures], width: usize) -> Vec<Option<u64>> {
    let history = &history[history.len().saturating_sub(SAMPLES)..];
    let missing = SAMPLES - history.len();
    let values: Vec<Option<f64>> = history.iter().map(figure.of).collect();
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    (0..width)
        .map(|point| {
            let (start, end) = (point * SAMPLES / width, (point + 1) * SAMPLES / width);
            let end = end.max(start + 1);
            let start = start.saturating_sub(missing);
            let values = values.get(start..end.checked_sub(missing)?)?;
            let value = values.iter().flatten().copied().reduce(f64::max)?;
            // A float becomes the nearest whole number that fits.
            Some(if most > 0.0 {
                value / most * STEPS
            } else {
                0.0
            } as u64)
        })
        .collect()
}

fn draw_consumers(frame: &mut Frame<'_>, figures: &Figures, area: Rect) {
    if figures.consumers.is_empty() {
        frame.render_widget(Line::from("no consumers".dim()), area);
        return;
    }
    let rows = figures.consumers.iter().map(|consumer| {
        let is_behind = figure::is_behind(consumer);
        let style = if is_behind { bad() } else { Style::new() };
        Row::new(figure::consumer(consumer)).style(style)
    });
    let widths = [
        Constraint::Min(8),
        Constraint::Length(7),
        Constraint::Length(10),
        Constraint::Length(4),
        Constraint::Length(6),
    ];
    let header = Row::new(figure::CONSUMER).dim();
    frame.render_widget(Table::new(rows, widths).header(header), area);
}

/// Readable without color as well.
fn bad() -> Style {
    Style::new().fg(Color::Red).add_modifier(Modifier::BOLD)
}

#[cfg(test)]
mod tests;
