//! `countersign review build`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use countersign_store::Access;

use super::WeekArgs;
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::report::review::{html, markdown};
use crate::report::{json, pdf};

/// Build the review of a week from what is recorded.
///
/// The same records, week and cut-off give the same bytes.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    week: WeekArgs,
    /// The form of the document.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write it to this file.
    #[arg(long, short, value_name = "FILE", required_if_eq("format", "pdf"))]
    output: Option<PathBuf>,
    #[command(flatten)]
    db: DbArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal, a wiki or a message.
    #[default]
    Md,
    /// A page that stands alone, for screen and paper.
    Html,
    /// That page, printed by an installed browser of the Chromium family.
    Pdf,
    /// Versioned and documented, for programs.
    Json,
}

pub(super) fn run(args: &BuildArgs) -> CliResult {
    let beside = args.week.beside()?;
    let address = args.db.address()?;
    let review = with(&address, Access::Read, async |store| {
        args.week.build(store, &beside).await
    })?;
    let bytes = match args.format {
        Format::Md => markdown(&review).into_bytes(),
        Format::Html => html(&review).into_bytes(),
        Format::Pdf => pdf::print(&html(&review))?,
        Format::Json => json(&review)?.into_bytes(),
    };
    write(args.output.as_ref(), &bytes)?;
    Ok(exit::ALLOW)
}

/// To a file, or to standard output.
pub(super) fn write(path: Option<&PathBuf>, bytes: &[u8]) -> CliResult<()> {
    let Some(path) = path else {
        let mut out = anstream::stdout().lock();
        out.write_all(bytes)?;
        return Ok(out.flush()?);
    };
    std::fs::write(path, bytes).map_err(|error| {
        CliError::new(
            exit::IO,
            format!("writing {} failed: {error}", path.display()),
        )
    })
}
