//! A server on loopback that responds as a test asks, with valid HTTP or not.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use aifi_push::{Client, ClientBuilder};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The token that the tests send.
pub(crate) const TOKEN: &str = "SENTINEL-b7f3.token";

/// What to do after reading a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Send this text and close the connection.
    Text(String),
    /// Close the connection.
    Nothing,
    /// Send nothing until the client goes away.
    Silence,
}

impl Answer {
    /// Returns an answer with a status and a body.
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::with_headers(status, "", body)
    }

    /// Returns an answer with further header lines, each with its line end.
    pub(crate) fn with_headers(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Text(format!(
            "HTTP/1.1 {status} Some reason\r\ncontent-length: {length}\r\nconnection: close\r\n\
             {headers}\r\n{body}"
        ))
    }
}

/// A request as received.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The first line: method, path and version.
    pub(crate) line: String,
    /// Name and value of each header, the names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Returns `true` if there is a header of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.0 == name)
    }

    /// Returns the value of a header that must occur once.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.iter().filter(|header| header.0 == name);
        let (_, value) = values
            .next()
            .unwrap_or_else(|| panic!("no {name}: {self:?}"));
        assert!(values.next().is_none(), "{name} twice: {self:?}");
        value
    }
}

/// A server on loopback.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request with the next of `answers`, and any further one with the last.
    pub(crate) async fn start(answers: impl Into<Vec<Answer>>) -> Self {
        let answers = answers.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, answers.clone(), Arc::clone(&seen)));
            }
        });
        Self { address, requests }
    }

    /// Scheme, host and port.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns a client for this server, with the token.
    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// Returns a builder of such a client.
    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(self.url()).bearer_token(TOKEN)
    }

    /// Returns the requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the only request.
    pub(crate) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }
}

async fn serve(mut stream: TcpStream, answers: Vec<Answer>, requests: Arc<Mutex<Vec<Request>>>) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    let number = {
        let mut requests = requests.lock().unwrap();
        requests.push(request);
        requests.len() - 1
    };
    match &answers[number.min(answers.len() - 1)] {
        Answer::Text(text) => stream.write_all(text.as_bytes()).await.unwrap(),
        Answer::Nothing => {}
        Answer::Silence => {
            // Ends when the client closes the connection.
            let _ = stream.read(&mut [0]).await;
        }
    }
}

/// Reads one request, or `None` if the client sent none.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        assert_ne!(stream.read_buf(&mut body).await.unwrap(), 0, "half a body");
    }
    Some(Request {
        line,
        headers,
        body,
    })
}
