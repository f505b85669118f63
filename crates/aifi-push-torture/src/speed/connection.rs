//! One connection that sends the same event again and again, with as little work as possible, so
//! that the server is what is measured.

use aifi_push::operations::TRANSITION_LEFT;
use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::serving::TOKEN;

pub(super) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: &str) -> Result<Self> {
        let body = TRANSITION_LEFT.example.context("no example")?;
        let head = format!(
            "POST /webhook/left HTTP/1.1\r\nHost: torture\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: (head + body).into_bytes(),
            answer: Vec::with_capacity(1024),
        })
    }

    /// Sends the event and waits until it is acknowledged.
    pub(super) async fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        while !self.is_complete() {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the server hung up");
        }
        ensure!(
            self.answer.starts_with(b"HTTP/1.1 201"),
            "not acknowledged: {}",
            String::from_utf8_lossy(&self.answer)
        );
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let Ok(text) = std::str::from_utf8(&self.answer) else {
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
