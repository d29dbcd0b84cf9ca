//! `cargo xtask test`.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools;

/// What says that a program runs in an agent's session, where nothing is signed:
/// the tests are themselves wherever they are started (`cli/src/guard/person.rs`).
const SESSION: [&str; 17] = [
    "AGENT_SESSION",
    "AI_AGENT",
    "ANTIGRAVITY_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLINE_ACTIVE",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_THREAD_ID",
    "COPILOT_AGENT_SESSION",
    "COPILOT_CLI",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "KIRO_SESSION_ID",
    "OPENCODE",
    "OPENCODE_CLIENT",
    "Q_TERM_AGENT",
];

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
    for name in SESSION {
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
