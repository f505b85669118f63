//! A server in a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::http::{self, Response, TOKEN};

/// A server that prints `listening on URL` as its first line, killed when it is dropped.
#[derive(Debug)]
pub struct ServeProcess {
    url: String,
    child: Child,
    output: BufReader<ChildStdout>,
    log: Option<BufReader<ChildStderr>>,
}

impl ServeProcess {
    /// Starts `aifi-push serve` on a free port, with further arguments, in a directory. On SIGTERM it
    /// ends without a wait unless an argument says otherwise.
    ///
    /// # Errors
    ///
    /// If it does not start, with what it printed.
    pub fn serve(binary: &Path, directory: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(binary);
        command.current_dir(directory);
        Self::serve_with(command, arguments)
    }

    /// The same by a command that runs the program with the arguments that it gets.
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    pub fn serve_with(mut command: Command, arguments: &[&str]) -> Result<Self> {
        command.arg("serve");
        for (option, value) in [("--listen", "127.0.0.1:0"), ("--drain", "0s")] {
            if !arguments.contains(&option) {
                command.args([option, value]);
            }
        }
        command.args(arguments);
        Self::start(command)
    }

    /// Starts any such server. Its log can be read unless the command sends it elsewhere.
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    pub fn start(mut command: Command) -> Result<Self> {
        if command
            .get_envs()
            .all(|(name, _)| name != "AIFI_PUSH_TOKEN")
        {
            command.env("AIFI_PUSH_TOKEN", TOKEN);
        }
        command.stdout(Stdio::piped());
        let mut child = command.spawn().context("the server does not start")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let log = child.stderr.take().map(BufReader::new);
        let mut process = Self {
            url: String::new(),
            child,
            output: BufReader::new(stdout),
            log,
        };
        let line = process.next_line()?;
        let Some(url) = line.strip_prefix("listening on ") else {
            let mut text = String::new();
            if let Some(log) = &mut process.log {
                log.read_to_string(&mut text)?;
            }
            bail!("the server does not listen: {line}\n{text}");
        };
        url.clone_into(&mut process.url);
        Ok(process)
    }

    /// Returns the URL that it printed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns scheme, host and port.
    pub fn origin(&self) -> &str {
        let path = self.url.find("://").map_or(0, |scheme| scheme + 3);
        let path = self.url[path..].find('/').map(|end| path + end);
        &self.url[..path.unwrap_or(self.url.len())]
    }

    /// Returns host and port.
    pub fn address(&self) -> &str {
        let origin = self.origin();
        origin.split_once("://").map_or(origin, |(_, host)| host)
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request and reads until the server closes.
    ///
    /// # Errors
    ///
    /// If it can't be reached.
    pub fn exchange(&self, request: &[u8]) -> Result<Response> {
        Ok(http::exchange(self.address(), request)?)
    }

    /// Gets a path.
    ///
    /// # Errors
    ///
    /// As for [`exchange`](Self::exchange).
    pub fn get(&self, path: &str) -> Result<Response> {
        self.exchange(&http::head(&format!("GET {path}"), &[]))
    }

    /// Reads the next line of its output, or an empty one if it ended.
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub fn next_line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    /// Reads the log up to a line that contains a text, and returns that line.
    ///
    /// # Errors
    ///
    /// If it ended without one, or its log is elsewhere.
    pub fn wait_for_log(&mut self, text: &str) -> Result<String> {
        let log = self.log.as_mut().context("the log is elsewhere")?;
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(log.read_line(&mut line)? > 0, "it ended without {text:?}");
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    /// Sends a signal of a name such as `TERM`.
    ///
    /// # Errors
    ///
    /// If that is not possible.
    pub fn signal(&self, name: &str) -> Result<()> {
        send_signal(self.id(), name)
    }

    /// Ends it as a crash would, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// If that is not possible.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it has ended, and returns the rest of its log as well.
    ///
    /// # Errors
    ///
    /// If that is not possible.
    pub fn wait(mut self) -> Result<(ExitStatus, String)> {
        let mut text = String::new();
        if let Some(log) = &mut self.log {
            log.read_to_string(&mut text)?;
        }
        Ok((self.child.wait()?, text))
    }

    /// Asks it to end by SIGTERM, and waits until it has.
    ///
    /// # Errors
    ///
    /// If that is not possible.
    pub fn terminate(self) -> Result<ExitStatus> {
        self.signal("TERM")?;
        Ok(self.wait()?.0)
    }
}

impl Drop for ServeProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal of a name such as `STOP` to a process.
///
/// # Errors
///
/// If that is not possible.
pub fn send_signal(process: u32, name: &str) -> Result<()> {
    let sent = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status()?;
    ensure!(sent.success(), "SIG{name} was not sent");
    Ok(())
}
