use aifi_push_receiver::FiguresReport;
use chrono::{DateTime, TimeDelta, Utc};
use insta::assert_snapshot;
use ratatui::{Terminal, backend::TestBackend};
use serde_json::{Value, json};

use super::{Lost, View, draw};

fn at() -> DateTime<Utc> {
    "2026-11-26T12:00:00Z".parse().unwrap_or_default()
}

fn figures() -> Value {
    json!({
        "at": at(),
        "is_ready": true,
        "refused": 3,
        "refused_by_reason": { "slow": 3 },
        "events_per_second": 3.25,
        "commit_p50": 0.0021,
        "commit_p99": 1.25,
        "queued": 2,
        "stored": 90_000,
        "quarantined": 1,
        "events": 1234,
        "bytes": 5 << 20,
        "disk_free": 20_u64 << 30,
        "certificate_valid_until": at() + TimeDelta::days(40),
        "consumers": [
            { "name": "billing", "pending": 7, "oldest_pending_age_seconds": 63.4 },
            {
                "name": "loyalty\u{1b}[2J",
                "pending": 7,
                "oldest_pending_age_seconds": 63.4,
                "dead": 3,
                "is_paused": true,
            },
        ],
    })
}

fn report() -> FiguresReport {
    // Half an hour.
    let history = (0..180).map(|sample| {
        let mut figures = figures();
        figures["events_per_second"] = sample.into();
        figures
    });
    let history: Vec<_> = history.collect();
    serde_json::from_value(json!({ "now": figures(), "history": history })).unwrap()
}

fn view() -> View {
    View {
        report: Some(report()),
        ..View::new("http://127.0.0.1:8081")
    }
}

fn drawn(view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, view)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn everything_is_on_the_usual_screen() {
    assert_snapshot!(drawn(&view(), 80, 24), @r#"
    "aifi-push http://127.0.0.1:8081  2026-11-26 12:00:00 UTC                        "
    "events/s     3.2           commit p50   2.1 ms         commit p99   1.2 s       "
    "                   ▁▂▄▅▆█               █████████████              █████████████"
    "             ▁▃▄▅▆███████               █████████████              █████████████"
    "                                                                                "
    "queued       2             refused 5min 3: slow 3      quarantined  1           "
    "            █████████████               █████████████              █████████████"
    "            █████████████               █████████████              █████████████"
    "                                                                                "
    "dead letters 3             in the inbox 1234           disk left    20.0 GiB    "
    "            █████████████               █████████████              █████████████"
    "            █████████████               █████████████              █████████████"
    "                                                                                "
    "certificate  40 days                                                            "
    "                                                                                "
    "                                                                                "
    "                                                                                "
    "CONSUMER                                          PENDING OLDEST     DEAD       "
    "billing                                           7       1m 3s      0          "
    "loyalty\u{1b}[2J                                  7       1m 3s      3    paused"
    "                                                                                "
    "                                                                                "
    "                                                                                "
    "q ends; plots are of the last hour                                              "
    "#);
}

#[test]
fn a_small_screen_has_no_plots() {
    assert_snapshot!(drawn(&view(), 40, 16), @r#"
    "aifi-push http://127.0.0.1:8081  2026-11"
    "events/s     3.2                        "
    "commit p50   2.1 ms                     "
    "commit p99   1.2 s                      "
    "queued       2                          "
    "refused 5min 3: slow 3                  "
    "quarantined  1                          "
    "dead letters 3                          "
    "in the inbox 1234                       "
    "disk left    20.0 GiB                   "
    "certificate  40 days                    "
    "                                        "
    "CONSUMER  PENDING OLDEST     DEAD       "
    "billing   7       1m 3s      0          "
    "loyalty\u 7       1m 3s      3    paused"
    "q ends; plots are of the last hour      "
    "#);
}

#[test]
fn no_size_is_too_small_or_too_large() {
    for (width, height) in [(1, 1), (5, 3), (26, 2), (79, 9), (500, 200)] {
        drawn(&view(), width, height);
    }
}

#[test]
fn a_lost_connection_is_shown_with_the_last_figures() {
    let lost = Lost {
        since: at(),
        problem: "no answer: \u{1b}[31m".to_owned(),
    };
    let shown = View {
        lost: Some(lost),
        ..view()
    };
    let shown = drawn(&shown, 80, 24);
    assert!(shown.contains("events/s     3.2"), "{shown}");
    let line = r"connection lost at 12:00:00 UTC, retrying: no answer: \u{1b}[31m";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn a_receiver_that_is_not_ready_says_why() {
    let mut shown = view();
    if let Some(report) = &mut shown.report {
        report.now.not_ready_reason = Some("the disk is full: \u{1b}[31m".to_owned());
    }
    let shown = drawn(&shown, 80, 24);
    let line = r"not ready to receive events: the disk is full: \u{1b}[31m";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn before_the_first_answer_it_connects() {
    let shown = drawn(&View::new("http://127.0.0.1:8081"), 60, 3);
    assert_snapshot!(shown, @r#"
    "aifi-push http://127.0.0.1:8081  connecting                 "
    "                                                            "
    "q ends; plots are of the last hour                          "
    "#);
}

#[test]
fn a_receiver_without_consumers_has_none() {
    let report = json!({ "now": {}, "history": [{}] });
    let report = serde_json::from_value(report).unwrap();
    let view = View {
        report: Some(report),
        ..view()
    };
    assert_snapshot!(drawn(&view, 60, 14), @r#"
    "aifi-push http://127.0.0.1:8081  1970-01-01 00:00:00 UTC    "
    "events/s     0.0               commit p50   -               "
    "commit p99   -                 queued       0               "
    "refused 5min 0                 quarantined  0               "
    "dead letters 0                 in the inbox 0               "
    "disk left    -                 certificate  -               "
    "                                                            "
    "no consumers                                                "
    "                                                            "
    "                                                            "
    "                                                            "
    "                                                            "
    "                                                            "
    "q ends; plots are of the last hour                          "
    "#);
}
