//! `countersign record guard-log`: the guard's own log, line by line.

use std::path::{Path, PathBuf};

use clap::Args;
use countersign_core::effect::Environment;
use countersign_core::signoff::Digest;
use countersign_guard::journal::{Reader, Record as Line};
use countersign_operations::guard::GuardDecision;
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::usage::of_action;
use countersign_store::Access;

use super::super::RepoArgs;
use super::super::policy::read_named;
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::guard::{journal, needed_home};
use crate::recorder::{self, word};
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
        own_files()?
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
        through: Some("guard-log".to_owned()),
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

fn own_files() -> CliResult<Vec<PathBuf>> {
    let home = needed_home()?;
    let mut files = journal::closed_files(&home);
    files.push(journal::current(&home));
    Ok(files)
}

/// Reads one file of a log, going on from the file before.
fn read(
    reader: &mut Reader,
    file: &Path,
    text: &str,
    person: Option<&str>,
    noted: &Noted,
) -> CliResult<Vec<Record>> {
    let mut records = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let known = reader.broken.len();
        let read = reader.read(line.as_bytes());
        if let Some(broken) = reader.broken.get(known) {
            let place = place + 1;
            let message = format!("{}:{place}: {}", file.display(), broken.why);
            return Err(CliError::new(exit::DATA, message).hint(
                "the log was cut off or changed: keep the file as evidence; nothing of it was recorded",
            ));
        }
        if let (Some(line), Some(last)) = (read, reader.head()) {
            records.push(decision(line, &last.hash, person, noted).into());
        }
    }
    Ok(records)
}

fn decision(line: Line, hash: &Digest, person: Option<&str>, noted: &Noted) -> GuardDecision {
    let target = line.target.as_deref();
    let mut known = Environment::ALL.into_iter();
    let environment = known.find(|it| Some(it.as_str()) == target);
    let environment = environment.unwrap_or_default();
    let call = line
        .call
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    GuardDecision {
        noted: noted.clone(),
        id: hash.to_string(),
        asked_at: line.at,
        tool: word(&line.agent),
        model: None,
        session: line.session,
        person: person.map(str::to_owned),
        action: line
            .action
            .unwrap_or_else(|| Digest::of(line.call.as_bytes())),
        summary: format!("{}: {}", line.tool, call.collect::<String>()),
        verdict: line.verdict,
        rules: line.rules.iter().map(|rule| word(rule)).collect(),
        environment,
        effects: Vec::new(),
        usage: Some(of_action(&word(&line.agent), None, environment).key()),
        shadow: line.shadow,
        ran: None,
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::decide::Verdict;
    use countersign_guard::journal::Last;
    use jiff::Timestamp;

    use super::*;

    /// Lines as the guard writes them.
    fn lines(calls: &[&str]) -> Vec<String> {
        let mut last = None;
        let line = |call: &&str| {
            let at = Timestamp::UNIX_EPOCH;
            let mut record = Line::new(at, "kiro", "shell", call, Verdict::Hold);
            record.target = Some("production".to_owned());
            record.rules = vec!["r1".to_owned()];
            let line = record.line_after(last.as_ref());
            last = Last::of(&line);
            String::from_utf8(line).unwrap()
        };
        calls.iter().map(line).collect()
    }

    fn records(texts: &[&str]) -> CliResult<Vec<Record>> {
        let noted = Noted::by("ann", Timestamp::UNIX_EPOCH);
        let mut reader = Reader::default();
        let mut all = Vec::new();
        for text in texts {
            all.extend(read(
                &mut reader,
                Path::new("log"),
                text,
                Some("ann"),
                &noted,
            )?);
        }
        Ok(all)
    }

    #[test]
    fn lines_become_decisions_with_ids_of_their_own() {
        let log = lines(&["terraform destroy", "ls"]);
        let [first, second] = log.as_slice() else {
            panic!()
        };
        let found = records(&[first, second]).unwrap();
        let [Record::Guard(one), Record::Guard(two)] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(one.id, Digest::of(first.trim_end().as_bytes()).to_string());
        assert_eq!(
            (one.verdict, one.environment),
            (Verdict::Hold, Environment::Production)
        );
        assert_eq!(one.summary, "shell: terraform destroy");
        let usage = "kiro/unknown/unknown/operations/production";
        assert_eq!(one.usage.as_deref(), Some(usage));
        assert_eq!((one.person.as_deref(), one.ran), (Some("ann"), None));
        assert_ne!(one.id, two.id);
        // older files are removed in time
        assert_eq!(records(&[second]).unwrap().len(), 1);
    }

    #[test]
    fn a_log_that_was_changed_is_refused() {
        let log = lines(&["terraform destroy", "ls", "pwd"]);
        let [first, second, third] = log.as_slice() else {
            panic!()
        };
        let harmless = first.replace("terraform destroy", "terraform plan");
        for texts in [
            vec![harmless.as_str(), second],
            vec![second, first],
            vec![first, third],
            vec![&first[..first.len() - 20], second],
            vec!["{}"],
            vec!["not json"],
        ] {
            assert!(records(&texts).is_err(), "{texts:?}");
        }
        let version = first.replace("\"v\":1", "\"v\":2");
        assert!(records(&[&version]).is_err());
    }
}
