//! A receiver that responds as a test asks for.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

/// A response that accepts an event.
pub(crate) const CREATED: &str = "201 Created\r\nContent-Length: 0\r\n\r\n";

/// A receiver on loopback, which runs until the end of the tests.
pub(crate) struct FakeReceiver {
    pub(crate) url: String,
    requests: Receiver<String>,
}

impl FakeReceiver {
    /// Starts a receiver that answers with these responses in turn, from the status on, and never again
    /// after that.
    pub(crate) fn start(responses: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        let responses: Vec<_> = responses.iter().map(|&text| text.to_owned()).collect();
        thread::spawn(move || {
            let mut responses = responses.into_iter();
            let mut waiting = Vec::new();
            for stream in listener.incoming() {
                waiting.push(respond(stream.unwrap(), &mut responses, &sender));
            }
        });
        Self { url, requests }
    }

    /// Waits for the next request, and returns its head.
    pub(crate) fn next_request(&self) -> String {
        self.requests.recv().unwrap()
    }
}

/// Responds until the connection ends, or no response is left: then it stays open.
fn respond(
    mut stream: TcpStream,
    responses: &mut impl Iterator<Item = String>,
    requests: &Sender<String>,
) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return None;
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        });
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        // A test that has seen enough asks for no more.
        let _ = requests.send(head);
        let Some(response) = responses.next() else {
            return Some(stream);
        };
        write!(stream, "HTTP/1.1 {response}").unwrap();
    }
}
