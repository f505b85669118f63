//! Small line plots.

use maud::{Markup, html};

const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 48.0;

/// The most that a plot covers, in seconds.
pub(super) const SPAN: f64 = 3600.0;

/// The least, so that the first samples do not fill it.
const MIN_SPAN: f64 = 300.0;

/// A line over the last hour: values by their age in seconds, the oldest first.
pub(super) struct Plot<'a> {
    /// An id that is unique on the page.
    pub(super) id: &'a str,
    /// What is shown.
    pub(super) title: &'a str,
    /// The newest and the largest value, in words.
    pub(super) description: String,
    /// `None` where nothing is known, which breaks the line.
    pub(super) values: Vec<(f64, Option<f64>)>,
}

impl Plot<'_> {
    pub(super) fn render(&self) -> Markup {
        let (title, desc) = (format!("{}-title", self.id), format!("{}-desc", self.id));
        let base = HEIGHT - 1.0;
        html! {
            svg.plot viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img"
                aria-labelledby=(format!("{title} {desc}")) {
                title id=(title) { (self.title) }
                desc id=(desc) { (self.description) }
                line.plot-base x1="0" x2=(WIDTH) y1=(base) y2=(base) {}
                @for line in self.lines() {
                    polygon.plot-area points=(area(&line, base)) {}
                    polyline.plot-line points=(points(&line)) {}
                }
            }
        }
    }

    /// The points of each line without a gap.
    fn lines(&self) -> Vec<Vec<(f64, f64)>> {
        let known = self.values.iter().filter_map(|(_, value)| *value);
        let largest = known.fold(0.0, f64::max);
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let oldest = self.values.first().map_or(SPAN, |(age, _)| *age);
        let span = oldest.clamp(MIN_SPAN, SPAN);
        let parts = self.values.split(|(_, value)| value.is_none());
        let parts = parts.filter(|part| !part.is_empty());
        parts
            .map(|part| {
                let points = part.iter().filter_map(|(age, value)| {
                    let x = WIDTH * (1.0 - age / span).clamp(0.0, 1.0);
                    let y = (HEIGHT - 3.0) * (1.0 - (*value)? / scale) + 2.0;
                    Some((x, y))
                });
                points.collect()
            })
            .collect()
    }
}

fn points(line: &[(f64, f64)]) -> String {
    let points = line.iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
    points.collect::<Vec<_>>().join(" ")
}

/// The line, closed at the bottom.
fn area(line: &[(f64, f64)], base: f64) -> String {
    let ends = [line.last(), line.first()].into_iter().flatten();
    let ends: Vec<_> = ends.map(|(x, _)| (*x, base)).collect();
    format!("{} {}", points(line), points(&ends))
}
