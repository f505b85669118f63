//! NATS brokers on loopback, to be killed, paused and restarted.
//!
//! The program is `target/external/python/bin/nats-server`, which `cargo xtask nats-server` installs.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::serve_process::send_signal;

/// How long a broker may take to say who leads.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// How often to try to start: another program may take the port that was free.
const TRIES: usize = 5;

/// A broker in a process of its own, killed when it is dropped. What it stores outlives the process
/// and goes away with this.
#[derive(Debug)]
pub struct Broker {
    /// The address for clients, on 127.0.0.1.
    port: u16,
    directory: TempDir,
    /// `None` while it is down.
    process: Option<Child>,
}

impl Broker {
    /// Starts a broker of its own.
    ///
    /// # Errors
    ///
    /// If there is no such program, or it does not start.
    pub fn start() -> Result<Self> {
        Self::start_with("")
    }

    /// The same, with more lines in its configuration.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start), with the last thing that it said.
    pub fn start_with(configuration: &str) -> Result<Self> {
        let mut failed = None;
        for _ in 0..TRIES {
            let [port] = free_ports()?;
            let mut broker = Self::new(port, configuration)?;
            match broker.restart() {
                Ok(()) => return Ok(broker),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.context("no try")?)
    }

    fn new(port: u16, configuration: &str) -> Result<Self> {
        Self::configured(port, |store| {
            format!(
                "listen: 127.0.0.1:{port}\njetstream {{ store_dir: {store:?} }}\n{configuration}\n"
            )
        })
    }

    /// A broker that is still down, with a configuration of its own, given where to store.
    ///
    /// # Errors
    ///
    /// If the configuration can't be written.
    pub fn configured(port: u16, configuration: impl FnOnce(&Path) -> String) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let configuration = configuration(&directory.path().join("store"));
        fs::write(directory.path().join("nats.conf"), configuration)?;
        Ok(Self {
            port,
            directory,
            process: None,
        })
    }

    /// Where it listens: host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of an inbox on it.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// The directory of what it stores.
    pub fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// The id of the process.
    ///
    /// # Errors
    ///
    /// If it is down.
    pub fn id(&self) -> Result<u32> {
        Ok(self.process.as_ref().context("the broker is down")?.id())
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    ///
    /// If it can't be killed.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Starts it again with what it stored, and waits until it accepts clients.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let program = program()?;
        let mut process = Command::new(program)
            .arg("--config")
            .arg(self.directory.path().join("nats.conf"))
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().context("no standard error")?;
        self.process = Some(process);
        let mut lines = BufReader::new(stderr).lines();
        let mut last = String::new();
        for line in lines.by_ref() {
            last = line?;
            if last.contains("Server is ready") {
                // It would stop if nobody read what it says.
                thread::spawn(move || lines.for_each(drop));
                return Ok(());
            }
        }
        bail!("the broker ended before it was ready: {last}")
    }

    /// Stops it without telling anybody, as a machine that hangs.
    ///
    /// # Errors
    ///
    /// If it is down.
    pub fn pause(&self) -> Result<()> {
        send_signal(self.id()?, "STOP")
    }

    /// Lets it go on after a [pause](Self::pause).
    ///
    /// # Errors
    ///
    /// If it is down.
    pub fn resume(&self) -> Result<()> {
        send_signal(self.id()?, "CONT")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

/// Three brokers that replicate each other, each acknowledging only what is on its disk.
#[derive(Debug)]
pub struct Cluster {
    brokers: Vec<Broker>,
}

impl Cluster {
    /// Starts three brokers.
    ///
    /// # Errors
    ///
    /// If one does not start.
    pub fn start() -> Result<Self> {
        let mut failed = None;
        for _ in 0..TRIES {
            match Self::try_start() {
                Ok(cluster) => return Ok(cluster),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.context("no try")?)
    }

    fn try_start() -> Result<Self> {
        let [a, b, c, x, y, z] = free_ports()?;
        let mut brokers = Vec::new();
        for (port, route) in [(a, x), (b, y), (c, z)] {
            let mut broker = Broker::configured(port, |store| {
                format!(
                    "server_name: n{port}\nlisten: 127.0.0.1:{port}\n\
                     jetstream {{ store_dir: {store:?}, sync_interval: always }}\n\
                     cluster {{ name: test, listen: 127.0.0.1:{route}, routes: [\n\
                     nats://127.0.0.1:{x}\nnats://127.0.0.1:{y}\nnats://127.0.0.1:{z}\n] }}\n"
                )
            })?;
            broker.restart()?;
            brokers.push(broker);
        }
        Ok(Self { brokers })
    }

    /// The brokers.
    pub fn brokers(&mut self) -> &mut [Broker] {
        &mut self.brokers
    }

    /// The name of the broker that leads a stream. `None` while there is none, or nobody answers.
    pub async fn leader(&self, stream: &str) -> Option<String> {
        let addresses: Vec<_> = self.brokers.iter().map(Broker::address).collect();
        let asked = async {
            let client = async_nats::connect(addresses).await.ok()?;
            let stream = async_nats::jetstream::new(client).get_stream(stream).await;
            stream.ok()?.cached_info().cluster.clone()?.leader
        };
        timeout(ANSWERED_WITHIN, asked).await.ok()?
    }

    /// Returns the broker of a name, as [`leader`](Self::leader) returned it.
    pub fn named(&mut self, name: &str) -> Option<&mut Broker> {
        let mut brokers = self.brokers.iter_mut();
        brokers.find(|broker| format!("n{}", broker.port) == name)
    }

    /// The URL of an inbox on all of them.
    pub fn url(&self) -> String {
        let addresses: Vec<_> = self.brokers.iter().map(Broker::address).collect();
        format!("nats://{}", addresses.join(","))
    }
}

/// The program of the brokers.
///
/// # Errors
///
/// If it is not installed.
pub fn program() -> Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = package.join("../../target/external/python/bin/nats-server");
    ensure!(
        program.exists(),
        "{} is missing: `cargo xtask nats-server` installs it",
        program.display()
    );
    Ok(program)
}

/// Ports that nobody listens on now.
///
/// # Errors
///
/// If there is none.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
