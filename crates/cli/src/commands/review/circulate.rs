//! `countersign review circulate`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_core::signoff::Digest;
use countersign_operations::review::{Fate, ReviewIssued};
use countersign_store::Access;

use super::{WeekArgs, build};
use crate::database::with;
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, RecordArgs};
use crate::report::json;
use crate::report::review::{html, markdown};
use crate::style::{BOLD, DIM, paint};

/// Record that a version of the review was given to people.
///
/// Its lines go into the ledger, so that whatever a later version leaves out is
/// named with who took it away and when. The document itself is written to
/// `--output`: `.html` or `.md`.
#[derive(Debug, Args)]
pub(crate) struct CirculateArgs {
    #[command(flatten)]
    week: WeekArgs,
    /// Who it goes to and has to come, by id on the roster.
    #[arg(long, value_name = "PERSON", value_delimiter = ',')]
    required: Vec<String>,
    /// Who it goes to and may come.
    #[arg(long, value_name = "PERSON", value_delimiter = ',')]
    optional: Vec<String>,
    /// Where to write the document.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    record: RecordArgs,
}

pub(super) fn run(args: &CirculateArgs) -> CliResult {
    let noted = args.record.noted()?;
    let beside = args.week.beside()?;
    let mut to: BTreeMap<String, bool> = BTreeMap::new();
    to.extend(args.optional.iter().map(|it| (it.clone(), false)));
    to.extend(args.required.iter().map(|it| (it.clone(), true)));
    if to.is_empty() {
        return Err(CliError::new(exit::USAGE, "nobody to give it to is named")
            .hint("name them with `--required ada,bo` and `--optional cy`"));
    }
    with(&args.record.db.address()?, Access::Write, async |store| {
        let review = args.week.build(store, &beside).await?;
        let document = json(&review)?;
        let issued = ReviewIssued {
            noted: noted.clone(),
            week: review.week,
            version: review.version,
            issued_at: noted.at,
            cut_off: review.cut_off,
            content: Digest::of(document.as_bytes()),
            inputs: review.inputs.clone(),
            lines: review.lines(),
            seed: Some(review.dives.wheel.seed),
            to: to.clone(),
        };
        let (content, lines) = (issued.content, issued.lines.len());
        // written first: what is recorded as given should be there to give
        if let Some(path) = &args.output {
            let text = match path.extension().and_then(|it| it.to_str()) {
                Some("md") => markdown(&review),
                _ => html(&review),
            };
            build::write(Some(path), text.as_bytes())?;
        }
        register::keep(store, issued.into(), None).await?;
        let mut out = anstream::stdout().lock();
        let title = format!("circulated {} version {}", review.week, review.version);
        writeln!(
            out,
            "{}  {lines} lines to {} people, {}",
            paint(BOLD, title),
            to.len(),
            paint(DIM, content.short())
        )?;
        let unexplained = review.changelog.altered.iter();
        let unexplained = unexplained.filter(|it| it.fate == Fate::VanishedUnexplained);
        for it in unexplained {
            writeln!(
                out,
                "  {}: {}",
                it.fate.as_str(),
                register::cut(it.before.as_deref().unwrap_or_default(), 100)
            )?;
        }
        Ok(exit::ALLOW)
    })
}
