//! The text formats of Prometheus.

use std::collections::BTreeSet;

/// A format that a scraper may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsFormat {
    OpenMetrics,
    /// What everything reads that reads metrics.
    Text,
}

impl MetricsFormat {
    /// Chooses by the values of `Accept`. `*/*` is for [`Text`](Self::Text).
    pub(crate) fn accepted<'a>(accept: impl Iterator<Item = &'a str>) -> Self {
        let (mut openmetrics, mut text) = (0.0, 0.0);
        for range in accept.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.and_then(|quality| quality.parse().ok());
            let quality: f32 = quality.unwrap_or(1.0);
            match media_type.as_str() {
                "application/openmetrics-text" => openmetrics = quality,
                "text/plain" => text = quality,
                _ => {}
            }
        }
        if openmetrics > 0.0 && openmetrics >= text {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Writes OpenMetrics in this format.
    pub(crate) fn write(self, openmetrics: String) -> String {
        match self {
            Self::OpenMetrics => openmetrics,
            Self::Text => text(&openmetrics),
        }
    }
}

/// The families of counters have the names of their samples there, and there are neither units nor an
/// end.
fn text(openmetrics: &str) -> String {
    let counters = openmetrics.lines().filter_map(|line| {
        let family = line.strip_prefix("# TYPE ")?;
        family.strip_suffix(" counter")
    });
    let counters: BTreeSet<_> = counters.collect();
    let mut text = String::with_capacity(openmetrics.len());
    for line in openmetrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("UNIT" | "EOF"), ..) => continue,
            (Some("#"), Some(kind), Some(name), Some(rest)) if counters.contains(name) => {
                text.extend(["# ", kind, " ", name, "_total ", rest]);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::MetricsFormat::{self, OpenMetrics, Text};

    #[test]
    fn a_scraper_gets_what_it_asks_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,\
                          text/plain;version=0.0.4;q=0.4,*/*;q=0.3";
        for (accept, expected) in [
            (prometheus, OpenMetrics),
            ("application/openmetrics-text", OpenMetrics),
            ("Application/OpenMetrics-Text; version=1.0.0", OpenMetrics),
            ("application/openmetrics-text;q=0", Text),
            ("text/plain, application/openmetrics-text;q=0.5", Text),
            ("text/plain;version=0.0.4", Text),
            ("*/*", Text),
            ("application/json", Text),
            ("", Text),
        ] {
            assert_eq!(
                MetricsFormat::accepted([accept].into_iter()),
                expected,
                "{accept}"
            );
        }
    }
}
