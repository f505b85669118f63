//! `top`: the figures of a receiver, live in a terminal.

mod figure;
mod plain;
mod screen;
mod source;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    thread,
    time::Duration,
};

use aifi_push_receiver::FiguresReport;
use anyhow::{Context, Result};
use chrono::Utc;
use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, Event, KeyCode, KeyModifiers},
};
use screen::{Lost, View};
use source::Source;
use tokio::sync::mpsc;

use crate::Outcome;

/// How often the figures are read.
const INTERVAL: Duration = Duration::from_secs(1);

/// Show what a receiver does now and did in the last hour, live: events per second, commits, queue,
/// quarantined events, dead letters, disk, certificate, and each consumer.
///
/// It reads `/figures` of `serve --admin-listen`. q or Ctrl-C ends it. Where standard output is no
/// terminal, the figures are printed once.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Address of `serve --admin-listen`: http://127.0.0.1:8081, or unix:/run/aifi-push/admin.sock.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    url: String,
    /// File of the admin token. Defaults to AIFI_PUSH_ADMIN_TOKEN of the environment.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print the figures once, as text.
    #[arg(long)]
    once: bool,
}

pub(crate) async fn run(options: Options) -> Outcome {
    let source = Source::new(&options.url, options.token_file)?;
    if options.once || !io::stdout().is_terminal() {
        plain::print(&source.read().await?.now)?;
        return Ok(true);
    }
    let mut terminal = Terminal::take()?;
    terminal.show(&source).await?;
    Ok(true)
}

/// The terminal while it belongs to this program. It is restored on drop, and before the message of a
/// panic is printed.
struct Terminal(DefaultTerminal);

impl Terminal {
    fn take() -> Result<Self> {
        let terminal = ratatui::try_init().context("the terminal can't be used")?;
        Ok(Self(terminal))
    }

    /// Shows the figures until a person or a signal ends it.
    async fn show(&mut self, source: &Source) -> Result<()> {
        let mut view = View::new(source.url());
        let mut events = events();
        let mut terminated = terminated()?;
        let mut reading = Box::pin(source.read_after(Duration::ZERO));
        loop {
            self.0.draw(|frame| screen::draw(frame, &view))?;
            tokio::select! {
                report = &mut reading => {
                    update(&mut view, report);
                    reading = Box::pin(source.read_after(INTERVAL));
                }
                // Also after a change of size it is drawn anew.
                Some(event) = events.recv() => if is_end(&event?) {
                    return Ok(());
                },
                _ = terminated.recv() => return Ok(()),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nobody can do anything about it.
        let _ = ratatui::try_restore();
    }
}

fn update(view: &mut View, report: Result<FiguresReport>) {
    match report {
        Ok(report) => {
            view.report = Some(report);
            view.lost = None;
        }
        Err(error) => {
            let since = view.lost.take().map_or_else(Utc::now, |lost| lost.since);
            let problem = format!("{error:#}");
            view.lost = Some(Lost { since, problem });
        }
    }
}

/// What is typed, and changes of size.
fn events() -> mpsc::UnboundedReceiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    // It waits in a system call when the program ends.
    thread::spawn(move || {
        loop {
            let event = event::read();
            let is_last = event.is_err();
            if sender.send(event).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

fn is_end(event: &Event) -> bool {
    let Some(key) = event.as_key_press_event() else {
        return false;
    };
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => true,
        // A terminal in raw mode sends no signal.
        KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

/// The signal to end of a process that has a terminal.
#[cfg(unix)]
fn terminated() -> Result<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(signal(SignalKind::terminate())?)
}

#[cfg(windows)]
fn terminated() -> Result<tokio::signal::windows::CtrlClose> {
    Ok(tokio::signal::windows::ctrl_close()?)
}
