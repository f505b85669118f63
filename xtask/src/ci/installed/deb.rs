//! The Debian package in a clean system: installed, upgraded, removed, installed again and purged.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use aifi_push_testkit::{ServeProcess, http};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{end, receives, token};
use crate::{
    debian,
    package::{deb::build, program},
};

const CONFIGURATION: &str = "etc/aifi-push/config.toml";
const TOKENS: &str = "etc/aifi-push/tokens";
const ADMIN_TOKENS: &str = "etc/aifi-push/admin-tokens";
const STATE: &str = "var/lib/aifi-push";
const UNITS: [&str; 4] = [
    "aifi-push.service",
    "aifi-push.socket",
    "aifi-push-backup.service",
    "aifi-push-backup.timer",
];

/// What the installation enables, and what the administrator does.
const ENABLED: [&str; 3] = [
    "aifi-push.service",
    "aifi-push.socket",
    "aifi-push-backup.timer",
];

/// Installs an earlier version in a clean Debian, receives, upgrades, removes and purges.
///
/// Requires Debian and root.
pub(in super::super) fn deb(sh: &Shell) -> Result<()> {
    let program = program::build(sh, &sh.current_dir(), "dev")?;
    program::is_static(sh, &program)?;
    let earlier = build(sh, &program, Some("0.0.9~test-1"))?;
    let package = build(sh, &program, None)?;
    let lintian = debian::install(sh, "lintian", "lintian")?;
    cmd!(
        sh,
        "{lintian} --allow-root --fail-on error,warning {package}"
    )
    .run()?;

    let system = System::new(sh)?;
    system.install(&earlier)?;
    system.verify_units()?;
    system.enable_units()?;
    let tokens = system.tokens()?;
    system.receive(token(&tokens)?)?;
    ensure!(system.stored()? == 1, "the event is not in the inbox");

    let edited = sh.read_file(system.path(CONFIGURATION))? + "# Edited.\n";
    sh.write_file(system.path(CONFIGURATION), &edited)?;
    system.install(&package)?;
    let is_kept = sh.read_file(system.path(CONFIGURATION))? == edited;
    ensure!(is_kept, "the upgrade replaced an edited configuration");
    ensure!(system.tokens()? == tokens, "the upgrade changed the tokens");
    system.receive(token(&tokens)?)?;
    ensure!(system.stored()? == 2, "the upgrade changed the inbox");

    output(system.started_by("aifi-push-backup.service")?)?;
    let backups = sh.read_dir(system.path("var/lib/aifi-push/backups"))?;
    ensure!(backups.len() == 1, "there are {} backups", backups.len());

    system.dpkg("--remove", "aifi-push")?;
    for removed in [
        "usr/bin/aifi-push",
        "usr/lib/systemd/system/aifi-push.service",
    ] {
        ensure!(!system.path(removed).exists(), "{removed} is still there");
    }
    for kept in [CONFIGURATION, TOKENS, ADMIN_TOKENS, STATE] {
        ensure!(system.path(kept).exists(), "{kept} is gone after a removal");
    }
    system.install(&package)?;
    system.are_enabled()?;
    ensure!(system.stored()? == 2, "a new installation has no inbox");

    system.dpkg("--purge", "aifi-push")?;
    for purged in ["etc/aifi-push", STATE] {
        ensure!(!system.path(purged).exists(), "{purged} is still there");
    }
    let units = system.path("etc/systemd/system");
    let links = cmd!(sh, "find {units} -name aifi-push*").quiet().read()?;
    ensure!(links.is_empty(), "a unit is enabled or masked: {links}");
    Ok(())
}

/// A Debian with the essential packages, systemd and nothing else.
struct System<'a> {
    sh: &'a Shell,
    root: PathBuf,
}

impl<'a> System<'a> {
    fn new(sh: &'a Shell) -> Result<Self> {
        let mmdebstrap = debian::install(sh, "mmdebstrap", "mmdebstrap")?;
        let root = sh.current_dir().join("target/packages/debian");
        sh.remove_path(&root)?;
        cmd!(
            sh,
            "{mmdebstrap} --quiet --variant=essential --include=systemd,procps bookworm {root}"
        )
        .run()?;
        Ok(Self { sh, root })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Installs or upgrades a package, with the answers of somebody who is not there.
    fn install(&self, package: &Path) -> Result<()> {
        let name = package.file_name().context("the package has no name")?;
        self.sh.copy_file(package, self.path("tmp"))?;
        self.dpkg("--install", &format!("/tmp/{}", name.display()))?;
        let mut check = self.service();
        check.args(["/usr/bin/aifi-push", "config", "check"]);
        let configuration = String::from_utf8(output(check)?)?;
        // Personal data is not kept for ever where there is no consumer.
        let is_pruned = configuration.contains("keep-for = \"90d\"");
        ensure!(is_pruned, "nothing is deleted:\n{configuration}");
        Ok(())
    }

    fn dpkg(&self, action: &str, package: &str) -> Result<()> {
        let (sh, root) = (self.sh, &self.root);
        Ok(cmd!(sh, "chroot {root} dpkg {action} {package}").run()?)
    }

    /// Has systemd read the units as it would start them.
    fn verify_units(&self) -> Result<()> {
        let (sh, root) = (self.sh, &self.root);
        Ok(cmd!(sh, "chroot {root} systemd-analyze verify {UNITS...}").run()?)
    }

    /// Enables the units that the installation leaves to the administrator.
    fn enable_units(&self) -> Result<()> {
        let (sh, root) = (self.sh, &self.root);
        let units = &ENABLED[1..];
        cmd!(sh, "chroot {root} systemctl --quiet enable {units...}").run()?;
        self.are_enabled()
    }

    fn are_enabled(&self) -> Result<()> {
        let (sh, root) = (self.sh, &self.root);
        for unit in ENABLED {
            // Of a masked one, it says so.
            let state = cmd!(sh, "chroot {root} systemctl is-enabled {unit}").ignore_status();
            let state = state.quiet().read()?;
            ensure!(state == "enabled", "{unit} is {state}");
        }
        Ok(())
    }

    /// Returns the tokens for the events, after a look at what the installation made.
    fn tokens(&self) -> Result<String> {
        let (sh, root) = (self.sh, &self.root);
        for file in [TOKENS, ADMIN_TOKENS] {
            let owner = cmd!(sh, "chroot {root} stat --format=%a:%U:%G /{file}").quiet();
            let owner = owner.read()?;
            ensure!(owner == "640:root:aifi-push", "{file} is of {owner}");
        }
        let read = |file| sh.read_file(self.path(file));
        let (tokens, admin_tokens) = (read(TOKENS)?, read(ADMIN_TOKENS)?);
        ensure!(
            token(&tokens)? != token(&admin_tokens)?,
            "they are the same"
        );
        Ok(tokens)
    }

    /// Starts the receiver as its unit does, on free ports, sends an event, and asks for the page.
    fn receive(&self, token: &str) -> Result<()> {
        let mut command = self.started_by("aifi-push.service")?;
        command.args(["--listen", "127.0.0.1:0", "--drain", "0s"]);
        command.args(["--admin-listen", "127.0.0.1:0"]);
        let mut receiver = ServeProcess::start(command)?;
        receives(self.sh, &receiver, token)?;
        self.shows(&mut receiver)?;
        end(receiver)
    }

    /// Checks that the operator's page is there for whoever has its token, and for nobody else.
    fn shows(&self, receiver: &mut ServeProcess) -> Result<()> {
        let page = loop {
            let line = receiver.next_line()?;
            ensure!(!line.is_empty(), "there is no page");
            if let Some(address) = line.strip_prefix("admin page on http://") {
                break address.to_owned();
            }
        };
        let admin_tokens = self.sh.read_file(self.path(ADMIN_TOKENS))?;
        for (token, expected) in [("unknown", 401), (token(&admin_tokens)?, 200)] {
            let request = format!(
                "GET /figures HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\
                 Authorization: Bearer {token}\r\n\r\n"
            );
            let status = http::exchange(&page, request.as_bytes())?.status;
            ensure!(status == expected, "/figures: {status}, not {expected}");
        }
        Ok(())
    }

    /// Returns how many events are in the inbox.
    fn stored(&self) -> Result<u64> {
        let mut command = self.service();
        // Its configuration says where the inbox is.
        command.args(["/usr/bin/aifi-push", "inbox", "stats", "--json"]);
        let stats: Value = serde_json::from_slice(&output(command)?)?;
        stats["events"].as_u64().context("no number of events")
    }

    /// Returns the command of a unit, as its user and with its directories: systemd itself needs a machine of its own.
    fn started_by(&self, unit: &str) -> Result<Command> {
        let (sh, root) = (self.sh, &self.root);
        let unit = sh.read_file(self.path("usr/lib/systemd/system").join(unit))?;
        let unit = unit.replace("\\\n", " ");
        let setting = |name: &str| {
            let mut lines = unit.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.with_context(|| format!("the unit has no {name}"))
        };
        let (user, group) = (setting("User")?, setting("Group")?);
        let mode = setting("StateDirectoryMode")?;
        for directory in setting("StateDirectory")?.split_whitespace() {
            cmd!(
                sh,
                "chroot {root} install --directory --owner={user} --group={group} --mode={mode}
                    /var/lib/{directory}"
            )
            .quiet()
            .run()?;
        }
        let mut command = self.service();
        command.args(setting("ExecStart")?.split_whitespace());
        Ok(command)
    }

    /// Returns a command that runs another as the user of the service, with nothing in its environment.
    fn service(&self) -> Command {
        let mut command = Command::new("chroot");
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env_remove("AIFI_PUSH_TOKEN")
            .arg("--userspec=aifi-push:aifi-push")
            .arg(&self.root);
        command
    }
}

/// Returns what a command prints if it succeeds.
fn output(mut command: Command) -> Result<Vec<u8>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{text}",
        output.status
    );
    Ok(output.stdout)
}
