//! `countersign record guard-log`: the guard's own log, line by line.

use std::path::PathBuf;

use clap::Args;
use countersign_guard::journal::Reader;
use countersign_operations::noted::Noted;
use countersign_store::Access;

use super::super::RepoArgs;
use super::super::policy::read_named;
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::guard::recorded::{THROUGH, read};
use crate::guard::{journal, needed_home};
use crate::recorder;
use crate::rules::Rules;

/// Record what the guard answered, from its log of JSON lines.
///
/// Without FILE, the log of your own guard. Each line holds the hash of the one
/// before it; where a line was changed or dropped, nothing at all is recorded.
#[derive(Debug, Args)]
pub(crate) struct GuardLogArgs {
    /// The log's files, oldest first.
    files: Vec<PathBuf>,
    /// Whose agents they are, by id on the roster; your own where no file is
    /// named.
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) fn run(args: &GuardLogArgs) -> CliResult {
    let repo = args.repo.open()?;
    let rules = Rules::at(&repo, super::super::protected(&repo)?.as_ref())?;
    let noted = recorder::noted(&repo, &rules)?;
    let files = if args.files.is_empty() {
        journal::all_files(&needed_home()?)
    } else {
        args.files.clone()
    };
    let own = args.files.is_empty().then(|| noted.by.clone());
    let person = match &args.person {
        Some(id) if rules.roster.by_id(id).is_none() => {
            let message = format!("`{id}` is not on the roster");
            return Err(CliError::new(exit::NOT_FOUND, message));
        }
        Some(id) => Some(id.clone()),
        None => own.filter(|id| rules.roster.by_id(id).is_some()),
    };
    let noted = Noted {
        through: Some(THROUGH.to_owned()),
        ..noted
    };
    let mut reader = Reader::default();
    let mut records = Vec::new();
    for file in &files {
        let text = read_named(file)?;
        records.extend(read(&mut reader, file, &text, person.as_deref(), &noted)?);
    }
    let done = with(&args.db.address()?, Access::Write, async |store| {
        recorder::append(store, &noted.by, records).await
    })?;
    super::print(done, "guard decision")?;
    Ok(exit::ALLOW)
}
