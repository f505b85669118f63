//! A service to forward to, which answers as a test asks.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Which it was, from 0.
    pub(crate) number: usize,
    /// Path and query.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(header, _)| header == name)?;
        Some(value)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

pub(crate) struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: String::new(),
            body: String::new(),
        }
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// Adds header lines, each with its line end.
    pub(crate) fn headers(mut self, headers: &str) -> Self {
        self.headers += headers;
        self
    }
}

/// A server on loopback, with a thread for each connection.
pub(crate) struct Target {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    calls: Vec<Call>,
    at_once: usize,
    most_at_once: usize,
}

impl Target {
    pub(crate) fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, answer) = (Arc::<Mutex<Seen>>::default(), Arc::new(answer));
        let target = Self {
            address,
            seen: Arc::clone(&seen),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(&stream, &seen, &*answer));
            }
        });
        target
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.seen.lock().unwrap().calls.clone()
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.seen.lock().unwrap().most_at_once
    }
}

/// Answers each request of a connection, until the client closes it.
fn serve(mut stream: &TcpStream, seen: &Mutex<Seen>, answer: &dyn Fn(&Call) -> Answer) {
    let mut input = BufReader::new(stream);
    while let Some(mut call) = read(&mut input) {
        {
            let mut seen = seen.lock().unwrap();
            call.number = seen.calls.len();
            seen.calls.push(call.clone());
            seen.at_once += 1;
            seen.most_at_once = seen.most_at_once.max(seen.at_once);
        }
        let Answer {
            status,
            headers,
            body,
        } = answer(&call);
        let length = body.len();
        seen.lock().unwrap().at_once -= 1;
        let head = format!("HTTP/1.1 {status} So\r\nContent-Length: {length}\r\n{headers}\r\n");
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(input: &mut impl BufRead) -> Option<Call> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let mut call = Call {
        number: 0,
        path,
        headers: headers.collect(),
        body: Vec::new(),
    };
    let length = call.header("content-length").parse().ok()?;
    call.body.resize(length, 0);
    input.read_exact(&mut call.body).ok()?;
    Some(call)
}
