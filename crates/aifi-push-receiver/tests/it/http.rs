//! A receiver on loopback, and HTTP byte by byte.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aifi_push::Client;
use aifi_push_receiver::{Inbox, Receiver, ReceiverBuilder, Server, Tokens};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

pub(crate) const TOKEN: &str = "s3cret";

/// A running receiver; it ends with the test.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) receiver: Receiver,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(inbox: Arc<dyn Inbox>) -> Self {
        Self::start_with(inbox, |receiver| receiver, |server| server).await
    }

    pub(crate) async fn start_with(
        inbox: Arc<dyn Inbox>,
        receiver: impl FnOnce(ReceiverBuilder) -> ReceiverBuilder,
        server: impl FnOnce(Server) -> Server,
    ) -> Self {
        let tokens = Tokens::new([TOKEN]).unwrap();
        let receiver = receiver(Receiver::builder(inbox, tokens)).build().unwrap();
        let server = server(Server::bind("127.0.0.1:0").await.unwrap());
        let address = server.address();
        let app = receiver.app("/webhook").unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(server.serve(app, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            receiver,
            stop: Some(stop),
            served,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::builder(format!("http://{}/webhook", self.address))
            .bearer_token(TOKEN)
            .build()
            .unwrap()
    }

    /// Posts a body as the vendor does.
    pub(crate) async fn post(&self, body: &[u8]) -> Answer {
        self.exchange(&push(body)).await
    }

    /// A request without a body.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.exchange(&head(&format!("GET {path}"), &[])).await
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) async fn exchange(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        // A server that has seen enough may close while we still write.
        let _ = stream.write_all(request).await;
        Answer::read(&mut stream).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Stops, and returns when the server has ended and the queue is empty.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        (&mut self.served).await.unwrap();
        self.receiver.close().await;
    }
}

/// A push as the vendor sends it.
pub(crate) fn push(body: &[u8]) -> Vec<u8> {
    let length = format!("Content-Length: {}", body.len());
    let mut push = head("POST /webhook/left", &[&length]);
    push.extend_from_slice(body);
    push
}

/// The head of a request with our token, which closes the connection after it.
pub(crate) fn head(request: &str, headers: &[&str]) -> Vec<u8> {
    let mut head = format!(
        "{request} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\n"
    );
    for header in headers {
        head += &format!("{header}\r\n");
    }
    (head + "\r\n").into_bytes()
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        // A reset after the answer is the end as well.
        let _ = tokio::time::timeout(Duration::from_secs(60), read)
            .await
            .unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}
