//! The servers of `serve`: one of the events, and perhaps those of health and metrics, and of the
//! operator's page.

use std::{path::PathBuf, time::Duration};

use aifi_push_receiver::{Listener, Receiver, Routes, Server, TlsCertificate};
use anyhow::{Context, Result};
use axum::Router;

use super::{
    LIMITS, LISTENING, STOPPING,
    admin::AdminPage,
    listen, positive_duration,
    routing::{self, Routing},
};
use crate::output;

#[derive(clap::Args)]
#[command(next_help_heading = LISTENING)]
pub(super) struct ServerOptions {
    /// Address to listen on; may be repeated.
    ///
    /// 127.0.0.1:8080, localhost:8080 for each address of the name, :8080 for every address of the
    /// machine, or unix:/run/aifi-push.sock. Port 0 chooses a free one. Sockets that systemd opened are
    /// used instead.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: Vec<String>,
    /// Address for health and metrics alone, such as 127.0.0.1:9090.
    ///
    /// Without it, they are on the address of the events.
    #[arg(long, value_name = "ADDRESS")]
    status_listen: Option<String>,
    #[command(flatten)]
    routing: Routing,
    /// PEM file of the certificate chain, to serve TLS.
    ///
    /// A renewed one is noticed.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file of the private key.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// How many connections there may be at a time.
    ///
    /// For more, silent ones end.
    #[arg(long, help_heading = LIMITS, value_name = "CONNECTIONS", default_value = "1024", value_parser = positive)]
    max_connections: usize,
    /// How long the headers of a request may take.
    ///
    /// It is also the limit for a TLS handshake, and for the first request of a connection.
    #[arg(long, help_heading = LIMITS, value_name = "TIME", default_value = "10s", value_parser = positive_duration)]
    header_timeout: Duration,
    /// How long a connection may be silent between requests.
    ///
    /// It has to be longer than a proxy in front keeps it.
    #[arg(long, help_heading = LIMITS, value_name = "TIME", default_value = "620s", value_parser = positive_duration)]
    idle_timeout: Duration,
    /// How long requests in flight may take when it is to stop.
    #[arg(long, help_heading = STOPPING, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(super) stop_within: Duration,
}

/// A server, with a name for errors and what it serves.
pub(super) type NamedServer = (&'static str, Server, Router);

/// Servers that listen, and do not serve yet.
pub(super) struct Servers {
    pub(super) servers: Vec<NamedServer>,
    pub(super) certificate: Option<TlsCertificate>,
    /// The base path at each address.
    urls: Vec<String>,
    /// The URLs to configure at the vendor's, at the first address.
    webhooks: String,
    admin_page: Option<String>,
}

impl ServerOptions {
    pub(super) fn routes(&self) -> Result<Routes> {
        self.routing.routes(self.status_listen.is_some())
    }

    /// Checks paths and certificate.
    pub(super) fn check(&self) -> Result<()> {
        self.routes()?;
        self.certificate()?;
        Ok(())
    }

    pub(super) async fn start(&self, receiver: &Receiver, routes: &Routes) -> Result<Servers> {
        let certificate = self.certificate()?;
        let scheme = certificate.as_ref().map_or("http", |_| "https");
        let listening = listen::listen(&self.listen, scheme).await?;
        let origins = || listening.iter().filter_map(|one| one.origin.as_deref());
        let base_path = self.routing.base_path();
        let urls = origins()
            .map(|origin| format!("{origin}{base_path}"))
            .collect();
        // The path of a socket is no part of a URL.
        let origin = origins().find(|origin| origin.contains("://"));
        let webhooks = routing::table(routes, origin.unwrap_or_default());
        let listeners = listening.into_iter().map(|one| one.listener).collect();
        // A request that is no HTTP is an event that may be lost only here.
        let mut events = self.server(listeners).count_refused(receiver);
        if let Some(certificate) = &certificate {
            events = events.tls(certificate.clone());
        }
        let app = receiver.router_with(routes);
        #[cfg(feature = "otel")]
        let app = super::traces::of_requests(app, receiver.clone());
        let servers = match &self.status_listen {
            None => vec![("events", events, app.merge(receiver.status_router()))],
            Some(address) => {
                let listeners = Listener::bind(address).await.context("--status-listen")?;
                for listener in &listeners {
                    tracing::info!(address = %listener, "health and metrics");
                }
                let status = self.server(listeners);
                vec![
                    ("events", events, app),
                    ("status", status, receiver.status_router()),
                ]
            }
        };
        Ok(Servers {
            servers,
            certificate,
            urls,
            webhooks,
            admin_page: None,
        })
    }

    pub(super) fn add_admin_page(&self, servers: &mut Servers, page: AdminPage) {
        let server = self.server(page.listeners);
        servers.servers.push(("admin", server, page.router));
        servers.admin_page = Some(page.url);
    }

    pub(super) fn certificate_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.tls_cert.iter().chain(&self.tls_key)
    }

    fn certificate(&self) -> Result<Option<TlsCertificate>> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => Ok(Some(TlsCertificate::from_pem_files(chain, key)?)),
            _ => Ok(None),
        }
    }

    fn server(&self, listeners: Vec<Listener>) -> Server {
        Server::new(listeners)
            .max_connections(self.max_connections)
            .header_timeout(self.header_timeout)
            .idle_timeout(self.idle_timeout)
            .stop_within(self.stop_within)
    }
}

impl Servers {
    pub(super) fn print_urls(&self) -> Result<()> {
        for url in &self.urls {
            output::line(format_args!("listening on {url}"))?;
        }
        // A program that starts this one may read no more than the first line.
        let _ = output::lines(&self.webhooks);
        if let Some(url) = &self.admin_page {
            let _ = output::line(format_args!("admin page on {url}"));
        }
        Ok(())
    }
}

fn positive(text: &str) -> Result<usize> {
    let number: usize = text.parse()?;
    anyhow::ensure!(number > 0, "at least 1 is needed");
    Ok(number)
}
