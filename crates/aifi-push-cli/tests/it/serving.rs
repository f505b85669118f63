//! A `serve` in a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
};

use assert_cmd::cargo_bin;
use tempfile::TempDir;

pub(crate) const TOKEN: &str = "s3cret-of-the-test";

/// A running `serve`, killed when the test is over.
pub(crate) struct Serving {
    pub(crate) url: String,
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Serving {
    /// Starts it in a directory, with its inbox there.
    pub(crate) fn start(directory: &TempDir, arguments: &[&str]) -> Self {
        Self::start_with(directory, arguments, &[("AIFI_PUSH_TOKEN", TOKEN)])
    }

    pub(crate) fn start_with(
        directory: &TempDir,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(cargo_bin!("aifi-push"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let Some(url) = line.trim_end().strip_prefix("listening on ") else {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            panic!("it does not serve: {text}");
        };
        let url = url.to_owned();
        Self { url, child, log }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Reads the log up to a line that holds a text.
    pub(crate) fn wait_for_log(&mut self, text: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(
                self.log.read_line(&mut line).unwrap(),
                0,
                "no line with {text}"
            );
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits for the end, and gives the rest of the log.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
