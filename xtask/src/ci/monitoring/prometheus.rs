//! Prometheus of Debian.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use aifi_push_testkit::http::Response;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{DEADLINE, PACK, PAUSE};
use crate::workspace;

/// Its programs.
pub(super) struct Programs {
    pub(super) promtool: PathBuf,
    prometheus: PathBuf,
}

impl Programs {
    /// Returns those that are installed, or unpacks Debian's package: installed by it, a service would
    /// start.
    pub(super) fn install(sh: &Shell) -> Result<Self> {
        if cmd!(sh, "promtool --version").quiet().output().is_ok() {
            return Ok(Self {
                promtool: "promtool".into(),
                prometheus: "prometheus".into(),
            });
        }
        let root = workspace::external(sh).join("prometheus");
        let promtool = root.join("usr/bin/promtool");
        if !sh.path_exists(&promtool) {
            sh.remove_path(&root)?;
            sh.create_dir(&root)?;
            let _directory = sh.push_dir(&root);
            let download = || cmd!(sh, "apt-get download prometheus").run();
            if download().is_err() {
                // A new machine has no lists of packages.
                cmd!(sh, "apt-get update").run()?;
                download().context("promtool is missing: install prometheus")?;
            }
            cmd!(sh, "sh -c 'dpkg -x prometheus_*.deb .'").run()?;
        }
        Ok(Self {
            promtool,
            prometheus: root.join("usr/bin/prometheus"),
        })
    }
}

/// A Prometheus with the alerts of the pack, ended on drop.
pub(super) struct Prometheus {
    process: Child,
    address: String,
}

/// An alert as it was loaded.
pub(super) struct Alert {
    pub(super) name: String,
    pub(super) query: String,
}

impl Prometheus {
    /// Starts it with the configuration of the pack, to scrape an address each second, and waits until
    /// it has done so.
    pub(super) fn start(sh: &Shell, programs: &Programs, target: &str) -> Result<Self> {
        let directory = sh.current_dir().join("target/monitoring");
        sh.remove_path(&directory)?;
        sh.create_dir(&directory)?;
        let shipped = sh.read_file(format!("{PACK}/prometheus.yml"))?;
        let config = shipped
            .replace("_interval: 15s", "_interval: 1s")
            .replace("127.0.0.1:9090", target);
        ensure!(config.contains(target), "prometheus.yml has another target");
        sh.write_file(directory.join("prometheus.yml"), config)?;
        sh.copy_file(format!("{PACK}/alerts.yml"), &directory)?;
        let address = free_address()?;
        let process = start(&programs.prometheus, &directory, &address)?;
        let mut prometheus = Self { process, address };
        prometheus.wait_until_scraped()?;
        Ok(prometheus)
    }

    fn wait_until_scraped(&mut self) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let up = self.query("up{job=\"aifi-push\"} == 1");
            if up.is_ok_and(|up| !up.is_empty()) {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("Prometheus ended with {status}: see target/monitoring/log");
            }
            ensure!(
                Instant::now() < deadline,
                "nothing was scraped: see target/monitoring/log"
            );
            std::thread::sleep(PAUSE);
        }
    }

    /// Returns the alerts that it has loaded.
    pub(super) fn alerts(&self) -> Result<Vec<Alert>> {
        let data = self.get("/api/v1/rules")?;
        let groups = data["groups"].as_array().context("no groups")?;
        let rules = groups.iter().filter_map(|group| group["rules"].as_array());
        let alerts = rules.flatten().map(|rule| {
            let text = |name: &str| rule[name].as_str().map(str::to_owned);
            let (name, query) = (text("name"), text("query"));
            ensure!(rule["health"] != "err", "{name:?}: {}", rule["lastError"]);
            Ok(Alert {
                name: name.context("no name")?,
                query: query.context("no query")?,
            })
        });
        alerts.collect()
    }

    /// Returns the series that a query has now.
    pub(super) fn query(&self, query: &str) -> Result<Vec<Value>> {
        let query: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let mut data = self.get(&format!("/api/v1/query?query={query}"))?;
        match data["result"].take() {
            Value::Array(series) => Ok(series),
            other => bail!("no series: {other}"),
        }
    }

    fn get(&self, path: &str) -> Result<Value> {
        // Of HTTP/1.0, so that the answer is in one piece.
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        let response = aifi_push_testkit::http::exchange(&self.address, request.as_bytes())?;
        let Response { body, .. } = response;
        let mut answer: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
        ensure!(answer["status"] == "success", "{body}");
        Ok(answer["data"].take())
    }
}

fn start(program: &Path, directory: &Path, address: &str) -> Result<Child> {
    let log = std::fs::File::create(directory.join("log"))?;
    let child = Command::new(program)
        .current_dir(directory)
        .args([
            "--config.file",
            "prometheus.yml",
            "--storage.tsdb.path",
            "data",
        ])
        .args(["--web.listen-address", address])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    child.context("Prometheus does not start")
}

pub(super) fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
