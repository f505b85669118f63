//! What a browser does: it keeps a cookie, and sends the forms that it got.

use std::net::SocketAddr;

use aifi_push_testkit::http::Response;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

pub(super) struct Browser {
    pub(super) address: SocketAddr,
    pub(super) host: String,
    pub(super) cookie: Option<String>,
    /// Of the forms that it got.
    pub(super) csrf: String,
    /// What it sends along.
    pub(super) headers: Vec<String>,
    /// Where the page is.
    pub(super) directory: &'static str,
}

impl Browser {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            host: address.to_string(),
            cookie: None,
            csrf: String::new(),
            headers: Vec::new(),
            directory: "",
        }
    }

    /// A program that sends a token instead.
    pub(super) fn with_token(address: SocketAddr, token: &str) -> Self {
        Self {
            headers: vec![format!("Authorization: Bearer {token}")],
            ..Self::new(address)
        }
    }

    pub(super) async fn sign_in(&mut self, token: &str) -> Response {
        let response = self.post("/sign-in", &[("token", token)]).await;
        if response.status == 303 {
            let (_, cookie) = response.head.split_once("set-cookie: ").unwrap();
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
            let page = self.get("/consumers").await.body;
            self.csrf = csrf(&page).unwrap();
        }
        response
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.send("GET", path, "").await
    }

    /// Sends a form of a page, with the token that is in it.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let form = [fields, &[("csrf", self.csrf.as_str())]].concat();
        self.send("POST", path, &encoded(&form)).await
    }

    pub(super) async fn send(&self, method: &str, path: &str, form: &str) -> Response {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.send_by(stream, method, path, form).await
    }

    pub(super) async fn send_by(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        method: &str,
        path: &str,
        form: &str,
    ) -> Response {
        let request = self.request(method, path, form);
        stream.write_all(request.as_bytes()).await.unwrap();
        Response::read(&mut stream).await
    }

    pub(super) fn request(&self, method: &str, path: &str, form: &str) -> String {
        let Self {
            host, directory, ..
        } = self;
        let mut request = format!(
            "{method} {directory}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        );
        if let Some(cookie) = &self.cookie {
            request += &format!("Cookie: other=1; {cookie}\r\n");
        }
        for header in &self.headers {
            request += &format!("{header}\r\n");
        }
        request + "\r\n" + form
    }
}

/// The token of the forms of a page.
pub(super) fn csrf(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(r#"name="csrf" value=""#)?;
    Some(rest.split('"').next()?.to_owned())
}

pub(super) fn encoded(form: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(form).unwrap()
}
