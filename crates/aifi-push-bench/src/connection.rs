//! One connection that sends the same event again and again, with as little work as possible, so
//! that the server is what is measured.

use aifi_push_testkit::{events::documented, http};
use anyhow::{Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let body = documented();
        let length = format!("Content-Length: {}", body.len());
        let mut request = http::head_keep_alive("POST /webhook/left", &[&length]);
        request.extend_from_slice(body.as_bytes());
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request,
            response: Vec::with_capacity(1024),
        })
    }

    /// Sends the event and waits until it is acknowledged.
    pub(crate) async fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.request).await?;
        self.response.clear();
        while !self.is_complete() {
            let read = self.stream.read_buf(&mut self.response).await?;
            ensure!(read > 0, "the server closed the connection");
        }
        ensure!(
            self.response.starts_with(b"HTTP/1.1 201"),
            "not acknowledged: {}",
            String::from_utf8_lossy(&self.response)
        );
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let Ok(text) = std::str::from_utf8(&self.response) else {
            return false;
        };
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            return false;
        };
        let length = head
            .lines()
            .filter_map(|line| line.strip_prefix("content-length: "))
            .find_map(|length| length.parse().ok());
        body.len() >= length.unwrap_or(0)
    }
}
