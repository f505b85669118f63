//! The image, started as a container would be.

use std::process::Command;

use aifi_push_testkit::{ServeProcess, TempInbox};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{end, receives};
use crate::package::{
    image::{self, NAME, buildah},
    program,
};

const TOKEN: &str = "the-token-of-the-image";

/// Builds the image and starts what it says, as it says, with a root that can't be written.
///
/// Requires Debian and root.
pub(in super::super) fn image(sh: &Shell) -> Result<()> {
    let program = program::build(sh, &sh.current_dir(), "dev")?;
    image::build(sh, &program)?;
    let inspected = buildah(sh, &["inspect", "--type", "image", NAME])?;
    let inspected: Value = serde_json::from_str(&inspected.quiet().read()?)?;
    let config = &inspected["Docker"]["config"];
    let texts = |key: &str| -> Result<Vec<&str>> {
        let texts = config[key].as_array().context(key.to_owned())?;
        Ok(texts.iter().filter_map(Value::as_str).collect())
    };
    let (user, directory) = (config["User"].as_str(), config["WorkingDir"].as_str());
    let (user, directory) = user.zip(directory).context("no user or directory")?;
    ensure!(user == "65532:65532", "the image runs as {user}");

    let container = buildah(sh, &["from", NAME])?.quiet().read()?;
    let root = buildah(sh, &["mount", &container])?.quiet().read()?;
    // An empty volume gets its owner from here.
    let volume = format!("{root}/var/lib/aifi-push");
    let owner = cmd!(sh, "stat --format=%u:%g {volume}").quiet().read()?;
    ensure!(owner == user, "the volume is of {owner}");
    // What is mounted into a container: a volume that has its user, and the secrets.
    let state = TempInbox::new()?;
    let state = state.directory();
    cmd!(sh, "chown {user} {state}").quiet().run()?;
    let secrets = TempInbox::new()?;
    let secrets = secrets.directory();
    sh.write_file(secrets.join("tokens"), TOKEN)?;
    cmd!(sh, "chmod -R a+rX {secrets}").quiet().run()?;
    sh.create_dir(format!("{root}/run/secrets"))?;
    // The mounts end with the process.
    let mounts = r#"
        set -e
        mount --bind "$1" "$1"
        mount --bind "$2" "$1/var/lib/aifi-push"
        mount --bind "$3" "$1/run/secrets"
        mount -o remount,bind,ro "$1"
        if touch "$1/written" 2> /dev/null; then exit 1; fi
        user=$4; root=$1; directory=$5; shift 5
        cd "$root"
        exec chroot --userspec="$user" "$root" "$@"
    "#;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", mounts, "sh", &root])
        .args([state, secrets])
        .args([user, directory])
        .args(texts("Entrypoint")?)
        .args(texts("Cmd")?)
        .args(["--listen", "127.0.0.1:0", "--drain", "0s"])
        .env_clear()
        .env_remove("AIFI_PUSH_TOKEN");
    let environment = texts("Env")?;
    command.envs(environment.iter().filter_map(|it| it.split_once('=')));
    let receiver = ServeProcess::start(command)?;
    receives(sh, &receiver, TOKEN)?;
    end(receiver)?;
    ensure!(
        state.join("events.db").exists(),
        "the inbox is not in the volume"
    );
    buildah(sh, &["rm", &container])?.quiet().run()?;
    Ok(())
}
