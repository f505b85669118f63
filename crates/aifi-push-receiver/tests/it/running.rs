//! A receiver on loopback.

use std::{net::SocketAddr, sync::Arc};

use aifi_push::Client;
use aifi_push_receiver::{Receiver, ReceiverBuilder, Server, Tokens, inbox::Inbox};
use aifi_push_testkit::http::{self, Response, TOKEN};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::oneshot, task::JoinHandle};

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
        let server = server.count_refused(&receiver);
        let address = server.address().unwrap();
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
    pub(crate) async fn post(&self, body: &[u8]) -> Response {
        self.exchange(&http::post(body)).await
    }

    /// Sends a request without a body.
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.exchange(&http::head(&format!("GET {path}"), &[]))
            .await
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) async fn exchange(&self, request: &[u8]) -> Response {
        let mut stream = self.connect().await;
        // A server that has seen enough may close while this still writes.
        let _ = stream.write_all(request).await;
        Response::read(&mut stream).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Stops, and returns when the server has ended and everything is stored.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        (&mut self.served).await.unwrap();
        self.receiver.close().await;
    }
}
