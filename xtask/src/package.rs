//! `cargo xtask package`: what an operator installs.

pub(crate) mod deb;
pub(crate) mod image;
pub(crate) mod program;

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

/// Build what an operator installs, under target/packages.
///
/// On Linux the program is static: Python 3 installs the C compiler for it.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[arg(value_enum)]
    what: What,
    /// Profile of cargo: `dist` is what is released, `dev` builds sooner.
    #[arg(long, default_value = program::RELEASED)]
    profile: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// An archive of the program, its manual and completions. The only one off Linux.
    Program,
    /// A Debian package.
    Deb,
    /// An image of a container, which `podman load` and `docker load` read.
    Image,
}

pub(crate) fn run(sh: &Shell, options: &Options) -> Result<()> {
    let program = program::build(sh, &sh.current_dir(), &options.profile)?;
    let file = match options.what {
        What::Program => archive(sh, &program),
        What::Deb => deb::build(sh, &program, None),
        What::Image => image::build(sh, &program),
    }?;
    println!("{}", file.display());
    Ok(())
}

/// Returns the directory of the packages.
pub(crate) fn directory(sh: &Shell) -> Result<PathBuf> {
    Ok(sh.create_dir("target/packages")?)
}

/// Collects what packages contain beside the files of the repository, and returns the directory.
fn stage(sh: &Shell, program: &Path) -> Result<PathBuf> {
    let stage = directory(sh)?.join("stage");
    sh.remove_path(&stage)?;
    let completions = sh.create_dir(stage.join("completions"))?;
    cmd!(sh, "{program} man {stage}/man").quiet().run()?;
    for (shell, file) in [
        ("bash", "aifi-push"),
        ("fish", "aifi-push.fish"),
        ("zsh", "_aifi-push"),
    ] {
        let script = cmd!(sh, "{program} completions {shell}").quiet().read()?;
        sh.write_file(completions.join(file), script + "\n")?;
    }
    sh.copy_file(program, &stage)?;
    Ok(stage)
}

/// Builds an archive of the program for a machine without a package manager for it.
pub(crate) fn archive(sh: &Shell, program: &Path) -> Result<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("aifi-push-{version}-{}", program::target(sh)?);
    let stage = stage(sh, program)?;
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md"] {
        sh.copy_file(file, &stage)?;
    }
    let directory = directory(sh)?;
    let named = directory.join(&name);
    sh.remove_path(&named)?;
    std::fs::rename(&stage, &named)?;
    let file = format!("{name}.tar.gz");
    // In its directory: elsewhere, `tar` takes the drive in a path of Windows for a host.
    let _directory = sh.push_dir(&directory);
    cmd!(sh, "tar -czf {file} {name}").run()?;
    sh.remove_path(&named)?;
    Ok(directory.join(file))
}

/// The time of the last commit, for files that are the same whenever they are built.
fn commit_time(sh: &Shell) -> Result<String> {
    Ok(cmd!(sh, "git log -1 --format=%ct").quiet().read()?)
}
