//! A `serve` with everything that has a metric, and another that it forwards to.

use std::path::PathBuf;

use aifi_push_testkit::{ServeProcess, TempInbox, http};
use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::workspace;

/// What the receiver is asked to have: a kind whose service is down and has a fallback, and one without.
const ANSWERS: [&str; 6] = [
    "--answer",
    "entry-code-verify=http://127.0.0.1:9",
    "--answer-fallback",
    r#"entry-code-verify={"status":"FAILED"}"#,
    "--answer",
    "order-price=http://127.0.0.1:9",
];

pub(super) struct Receivers {
    // Dropped before its inbox.
    serving: ServeProcess,
    _target: ServeProcess,
    metrics_address: String,
    inbox: TempInbox,
    _target_inbox: TempInbox,
    certificate: PathBuf,
    binary: PathBuf,
}

impl Receivers {
    pub(super) fn start(sh: &Shell) -> Result<Self> {
        let binary = workspace::build_program(sh)?;
        let (inbox, target_inbox) = (TempInbox::new()?, TempInbox::new()?);
        let target_arguments = ["--log", "error", "--dangerously-accept-anyone"];
        let target = ServeProcess::serve(&binary, target_inbox.directory(), &target_arguments)?;
        let certificate = inbox.directory().join("cert.pem");
        let key = inbox.directory().join("key.pem");
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        sh.write_file(&certificate, signed.cert.pem())?;
        sh.write_file(&key, signed.signing_key.serialize_pem())?;
        let metrics_address = super::prometheus::free_address()?;
        let arguments = [
            "--log",
            "error",
            "--status-listen",
            &metrics_address,
            "--tls-cert",
            "cert.pem",
            "--tls-key",
            "key.pem",
            "--forward",
            target.url(),
            "--forward-no-token",
        ];
        let arguments = [&arguments[..], &ANSWERS].concat();
        Ok(Self {
            serving: ServeProcess::serve(&binary, inbox.directory(), &arguments)?,
            _target: target,
            metrics_address,
            inbox,
            _target_inbox: target_inbox,
            certificate,
            binary,
        })
    }

    /// Returns host and port of the metrics.
    pub(super) fn metrics_address(&self) -> &str {
        &self.metrics_address
    }

    /// Returns the metrics as Prometheus gets them.
    pub(super) fn metrics(&self) -> Result<String> {
        let request = http::head("GET /metrics", &[]);
        let response = http::exchange(&self.metrics_address, &request)?;
        ensure!(response.status == 200, "/metrics: {}", response.status);
        Ok(response.body)
    }

    /// Sends events of some kinds.
    pub(super) fn send_events(&self, sh: &Shell) -> Result<()> {
        let port = self.serving.address().rsplit(':').next();
        let url = format!("https://localhost:{}/webhook", port.context("no port")?);
        let (program, certificate) = (&self.binary, &self.certificate);
        for kind in ["left", "entered", "checkout"] {
            let events = cmd!(sh, "{program} example --kind {kind} --count 20").quiet();
            let events = events.read()?;
            let failures = self.inbox.directory().join("failures");
            let send = cmd!(
                sh,
                "{program} send --url {url} --kind {kind} --failures {failures}"
            );
            let send = send
                .env("AIFI_PUSH_TOKEN", http::TOKEN)
                .env("SSL_CERT_FILE", certificate)
                .stdin(events);
            send.quiet().ignore_stdout().run()?;
        }
        Ok(())
    }
}
