//! `cargo xtask test`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools;

/// What says that a program runs in an agent's session, where nothing is signed:
/// the tests are themselves wherever they are started.
const AGENT_VARIABLES: &str = include_str!("../../crates/cli/src/guard/agent_variables.tsv");

/// Installs or finds what the tests need, says so, and runs them all. No test
/// may skip itself on a continuous-integration machine.
pub(crate) fn run() -> Result<()> {
    tools::git()?;
    tools::ssh_keygen()?;
    tools::postgres()?;
    tools::chromium()?;
    tools::valgrind()?;
    tools::script()?;
    tools::interpreters()?;
    println!("$ cargo test --workspace --locked");
    let mut tests = Command::new("cargo");
    tests.args(["test", "--workspace", "--locked"]);
    for (name, _) in AGENT_VARIABLES
        .lines()
        .filter_map(|line| line.split_once('\t'))
    {
        tests.env_remove(name);
    }
    if let Some(program) = tools::terraform() {
        tests.env("COUNTERSIGN_TEST_WITHOUT", program);
    }
    let status = tests.status().context("starting cargo")?;
    if !status.success() {
        bail!("tests failed");
    }
    Ok(())
}
