//! The command line at a terminal.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read, Write},
    os::unix::ffi::OsStrExt,
    process::{Child, Command},
};

use aifi_push_testkit::{
    http::{self, TOKEN},
    send_signal,
};
use assert_cmd::cargo_bin;
use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use tempfile::TempDir;

use crate::{directory, documented, fake_receiver::FakeReceiver, printed, serving::serve};

/// A program at a terminal of its own.
struct AtTerminal {
    child: Child,
    /// What a person sees and types.
    screen: File,
}

impl AtTerminal {
    fn start(directory: &TempDir, arguments: &[&str]) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let name = OsStr::from_bytes(name.as_bytes());
        let terminal = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let terminal = File::from(terminal);
        let child = Command::new(cargo_bin!("aifi-push"))
            .current_dir(directory.path())
            .args(arguments)
            .env("AIFI_PUSH_TOKEN", TOKEN)
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal)
            .spawn();
        Self {
            child: child.unwrap(),
            screen: screen.into(),
        }
    }

    /// Reads the screen until a text is on it.
    fn wait_for(&mut self, text: &str) -> String {
        let mut shown = Vec::new();
        loop {
            let mut byte = [0];
            // Linux ends a terminal that nobody has open with an error.
            assert_eq!(self.screen.read(&mut byte).unwrap_or(0), 1, "{text}");
            shown.push(byte[0]);
            if shown.ends_with(text.as_bytes()) {
                return String::from_utf8(shown).unwrap();
            }
        }
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_says_that_it_reads_standard_input() {
    let directory = directory();
    let note = "reading events from standard input: end with Ctrl-D\r\n";
    let mut checking = AtTerminal::start(&directory, &["check"]);
    checking.wait_for(note);
    // Ctrl-D at the start of a line.
    checking.screen.write_all(b"{}\n\x04").unwrap();
    checking.wait_for("1 checked, 1 wrong\r\n");

    let target = FakeReceiver::start(&[]);
    let mut sending = AtTerminal::start(&directory, &["send", "--url", &target.url]);
    sending.wait_for(note);
    send_signal(sending.child.id(), "INT").unwrap();
    sending.wait_for("interrupted before an event was read\r\n");
    assert_eq!(sending.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_raw_body_is_escaped_there() {
    let directory = directory();
    let serving = serve(&directory, &[]);
    let body = format!("{}\u{9b}", documented());
    let posted = serving.exchange(&http::post(body.as_bytes())).unwrap();
    assert_eq!(posted.status, 422);
    let listed = printed(&directory, &["inbox", "list", "--json"], 0);
    let id = &listed[listed.find("\"id\":\"").unwrap() + 6..][..36];
    let mut showing = AtTerminal::start(&directory, &["inbox", "show", "--body", id]);
    let shown = showing.wait_for("}\\u{9b}");
    assert_eq!(shown.trim_end_matches("\\u{9b}"), documented());
}
