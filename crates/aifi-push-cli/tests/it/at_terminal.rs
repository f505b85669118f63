//! A program at a terminal.

use std::{
    ffi::OsStr,
    fs::File,
    io::Read,
    os::{fd::AsFd, unix::ffi::OsStrExt},
    process::{Child, Command},
};

use aifi_push_testkit::http::TOKEN;
use assert_cmd::cargo_bin;
use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tempfile::TempDir;

/// A program at a terminal of its own.
pub(crate) struct AtTerminal {
    pub(crate) child: Child,
    /// What a person sees and types.
    pub(crate) screen: File,
}

impl AtTerminal {
    pub(crate) fn start(directory: &TempDir, arguments: &[&str]) -> Self {
        Self::start_with(directory, arguments, 0, true)
    }

    /// Starts it at a terminal of a width, with or without colors.
    pub(crate) fn start_with(
        directory: &TempDir,
        arguments: &[&str],
        columns: u16,
        is_colored: bool,
    ) -> Self {
        let mut command = Command::new(cargo_bin!("aifi-push"));
        set_colored(&mut command, is_colored);
        Self::start_by(command, directory, arguments, columns)
    }

    /// Starts it at a terminal that controls it: then the system asks this one for its size.
    #[cfg(target_os = "linux")]
    pub(crate) fn controlling(
        directory: &TempDir,
        arguments: &[&str],
        environment: &[(&str, &str)],
        is_colored: bool,
    ) -> Self {
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(cargo_bin!("aifi-push"));
        command.envs(environment.iter().copied());
        set_colored(&mut command, is_colored);
        Self::start_by(command, directory, arguments, 80)
    }

    fn start_by(
        mut command: Command,
        directory: &TempDir,
        arguments: &[&str],
        columns: u16,
    ) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let name = OsStr::from_bytes(name.as_bytes());
        let terminal = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let terminal = File::from(terminal);
        resize(&terminal, columns, 24);
        let child = command
            .current_dir(directory.path())
            .args(arguments)
            .env("AIFI_PUSH_TOKEN", TOKEN)
            .env("TERM", "xterm")
            .env_remove("CLICOLOR")
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal)
            .spawn();
        Self {
            child: child.unwrap(),
            screen: screen.into(),
        }
    }

    /// Reads the screen until the program ends.
    pub(crate) fn read(mut self) -> String {
        let mut shown = Vec::new();
        let mut buffer = [0; 4096];
        // Linux ends a terminal that nobody has open with an error.
        while let Ok(read @ 1..) = self.screen.read(&mut buffer) {
            shown.extend_from_slice(&buffer[..read]);
        }
        assert!(self.child.wait().unwrap().success());
        String::from_utf8(shown).unwrap().replace("\r\n", "\n")
    }

    /// Reads the screen until a text is on it.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
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

fn set_colored(command: &mut Command, is_colored: bool) {
    if is_colored {
        command.env_remove("NO_COLOR");
    } else {
        command.env("NO_COLOR", "1");
    }
}

/// Sets the size of a terminal.
pub(crate) fn resize(screen: impl AsFd, columns: u16, lines: u16) {
    let size = Winsize {
        ws_col: columns,
        ws_row: lines,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(screen, size).unwrap();
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
