//! Programs that tests and checks need.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::run;

/// The oldest git that knows `merge-tree --write-tree`.
const GIT_FLOOR: (u32, u32) = (2, 38);

/// git, in a version with everything this project uses.
pub(crate) fn git() -> Result<()> {
    if !exists("git") {
        apt("git")?;
    }
    let output = Command::new("git")
        .arg("version")
        .output()
        .context("starting git")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().nth(2).unwrap_or_default();
    let mut numbers = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < GIT_FLOOR {
        bail!(
            "git {version} is too old: {}.{} or newer is needed",
            GIT_FLOOR.0,
            GIT_FLOOR.1
        );
    }
    println!("found git {version}");
    Ok(())
}

/// ssh-keygen, the independent judge of signatures.
pub(crate) fn ssh_keygen() -> Result<()> {
    if !exists("ssh-keygen") {
        apt("openssh-client")?;
    }
    println!("found ssh-keygen");
    Ok(())
}

/// PostgreSQL's server, on which everything of the store is tested too. Tests
/// start a private one; the service that Debian's package may start is not used.
pub(crate) fn postgres() -> Result<()> {
    if std::env::var("COUNTERSIGN_TEST_PG").is_ok_and(|value| value == "skip") {
        println!("SKIPPED: COUNTERSIGN_TEST_PG=skip, nothing is tested on PostgreSQL");
        return Ok(());
    }
    let installed = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql");
        let mut versions = versions.into_iter().flatten().flatten();
        exists("initdb") || versions.any(|dir| dir.path().join("bin/initdb").is_file())
    };
    if !installed() {
        apt("postgresql")?;
    }
    if !installed() {
        bail!(
            "`initdb` is still missing; install PostgreSQL's server, or set COUNTERSIGN_TEST_PG=skip"
        );
    }
    println!("found PostgreSQL");
    Ok(())
}

/// A browser that prints pages as PDF.
pub(crate) fn chromium() -> Result<()> {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    if !NAMES.iter().any(|name| exists(name)) {
        apt("chromium")?;
    }
    println!("found a browser of the Chromium family");
    Ok(())
}

/// valgrind, which counts instructions.
pub(crate) fn valgrind() -> Result<()> {
    if !exists("valgrind") {
        apt("valgrind")?;
    }
    println!("found valgrind");
    Ok(())
}

/// `script` of util-linux, the terminal that tests type at.
pub(crate) fn script() -> Result<()> {
    if !exists("script") {
        apt("bsdutils")?;
    }
    println!("found script");
    Ok(())
}

/// Interpreters that read what we write, and OpenSSL for certificates.
pub(crate) fn interpreters() -> Result<()> {
    for (program, package) in [
        ("python3", "python3"),
        ("node", "nodejs"),
        ("openssl", "openssl"),
    ] {
        if !exists(program) {
            apt(package)?;
        }
        println!("found {program}");
    }
    Ok(())
}

/// terraform, which judges what we read from its plans. No distribution ships
/// it, so tests do without it where nobody has installed it.
pub(crate) fn terraform() -> Option<&'static str> {
    if exists("terraform") {
        println!("found terraform");
        return None;
    }
    println!("SKIPPED: terraform is not installed; tests that ask it say so");
    Some("terraform")
}

/// cargo-deny, built from source when it is missing.
pub(crate) fn cargo_deny() -> Result<()> {
    let found = Command::new("cargo")
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        println!("cargo-deny is missing: building it");
        run(
            "cargo",
            &["install", "cargo-deny", "--locked", "--version", "0.20.2"],
        )?;
    }
    Ok(())
}

fn exists(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// Installs a Debian package; needs root, or says what to install by hand.
fn apt(package: &str) -> Result<()> {
    println!("{package} is missing: installing Debian's package");
    let installed = run(
        "apt-get",
        &["install", "-y", "--no-install-recommends", package],
    )
    .or_else(|_| {
        run("apt-get", &["update"])?;
        run(
            "apt-get",
            &["install", "-y", "--no-install-recommends", package],
        )
    });
    installed.with_context(|| format!("install `{package}` with your package manager"))
}
