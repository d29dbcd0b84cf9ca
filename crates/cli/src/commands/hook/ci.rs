//! Ready jobs for continuous integration.

use std::io::Write as _;

use clap::ValueEnum;

use crate::error::{CliResult, exit};

/// Whose jobs there are.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Forge {
    /// GitHub Actions: `.github/workflows/countersign.yml`
    Github,
    /// GitLab CI: `.gitlab-ci.yml`
    Gitlab,
}

const GITHUB: &str = include_str!("github.yml");
const GITLAB: &str = include_str!("gitlab.yml");

pub(super) fn run(forge: Forge) -> CliResult {
    let text = match forge {
        Forge::Github => GITHUB,
        Forge::Gitlab => GITLAB,
    };
    let text = text
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@REPOSITORY@", env!("CARGO_PKG_REPOSITORY"));
    anstream::stdout().write_all(text.as_bytes())?;
    Ok(exit::ALLOW)
}
