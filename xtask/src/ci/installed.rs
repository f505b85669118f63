//! What an operator installs works: the Debian package in a clean system, and the image.

mod deb;
mod image;

use aifi_push_testkit::ServeProcess;
use anyhow::{Context, Result, ensure};
pub(super) use deb::deb;
pub(super) use image::image;
use xshell::Shell;

const EVENT: &str = "openapi/examples/transition-left.documented.json";

/// Sends an event with a token, which must be stored.
fn receives(sh: &Shell, receiver: &ServeProcess, token: &str) -> Result<()> {
    let body = sh.read_file(EVENT)?;
    let request = format!(
        "POST /webhook/left HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let response = receiver.exchange(request.as_bytes())?;
    ensure!(
        response.status == 201,
        "{} {}",
        response.status,
        response.body
    );
    Ok(())
}

/// Ends a receiver as its supervisor does.
fn end(receiver: ServeProcess) -> Result<()> {
    let status = receiver.terminate()?;
    ensure!(status.success(), "the receiver ended with {status}");
    Ok(())
}

/// Returns the token in the text of a token file.
fn token(file: &str) -> Result<&str> {
    let token = file.lines().find(|line| !line.starts_with('#'));
    token.context("the file has no token")
}
