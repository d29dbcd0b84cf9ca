//! `cargo xtask test`.

use anyhow::Result;

use crate::tools;

/// Installs or finds what the tests need, says so, and runs them all. No test
/// may skip itself on a continuous-integration machine.
pub(crate) fn run() -> Result<()> {
    tools::git()?;
    tools::ssh_keygen()?;
    tools::postgres()?;
    tools::chromium()?;
    tools::valgrind()?;
    tools::script()?;
    crate::run("cargo", &["test", "--workspace", "--locked"])
}
