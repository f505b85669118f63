//! HTTP byte by byte: requests as text, and what came back.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// How long a server may take to respond.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// The token that the requests carry, and that a [`ServeProcess`](crate::ServeProcess) accepts.
pub const TOKEN: &str = "s3cret-of-the-tests";

/// Returns the head of a request that carries the token and closes the connection after it.
pub fn head(method_and_path: &str, headers: &[&str]) -> Vec<u8> {
    head_keep_alive(method_and_path, &[&["Connection: close"], headers].concat())
}

/// Returns the head of a request that carries the token and leaves the connection open.
pub fn head_keep_alive(method_and_path: &str, headers: &[&str]) -> Vec<u8> {
    let mut head = format!(
        "{method_and_path} HTTP/1.1\r\nHost: test\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
    );
    for header in headers {
        head += header;
        head += "\r\n";
    }
    (head + "\r\n").into_bytes()
}

/// Returns a request with an event, as the vendor sends it below `/webhook`.
pub fn post(body: &[u8]) -> Vec<u8> {
    let length = format!("Content-Length: {}", body.len());
    let mut request = head("POST /webhook/left", &[&length]);
    request.extend_from_slice(body);
    request
}

/// Sends a request to an address and reads until the server closes.
///
/// # Errors
///
/// If the server can't be reached.
pub fn exchange(address: &str, request: &[u8]) -> io::Result<Response> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
    // A server that has seen enough may close while this still writes.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    // A reset after the response is the end as well.
    let _ = stream.read_to_end(&mut bytes);
    Ok(Response::parse(&bytes))
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status, or 0 if the connection ended without one.
    pub status: u16,
    /// The status line and the headers, in lowercase.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Response {
    /// Parses what was read until the end of the connection.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    /// Reads until the end of the connection. A reset after the response is the end as well.
    #[cfg(feature = "tokio")]
    pub async fn read(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Self {
        use tokio::io::AsyncReadExt;
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        let _ = tokio::time::timeout(RESPONSE_TIMEOUT, read).await;
        Self::parse(&bytes)
    }
}
