//! A bar on a terminal, when there are many.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// From how many on it is shown.
const MANY: u64 = 10;

pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows nothing where standard error is no terminal.
    pub(crate) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} done, {per_sec}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn advance(&self) {
        self.bar.inc(1);
        if self.bar.position() == MANY {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
