//! `countersign record guard-log`: the guard's own log, line by line.

use std::path::{Path, PathBuf};

use clap::Args;
use countersign_core::decide::Verdict;
use countersign_core::effect::Environment;
use countersign_core::signoff::Digest;
use countersign_operations::guard::GuardDecision;
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_store::Access;
use jiff::Timestamp;
use serde::Deserialize;

use super::super::RepoArgs;
use super::super::policy::read_named;
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::recorder::{self, word};
use crate::rules::Rules;

/// The version of the line that is read here.
const VERSION: u32 = 1;

/// Record what the guard answered, from its log of JSON lines.
///
/// Each line holds the hash of the one before it; a file in which a line was
/// changed or dropped is refused as a whole.
#[derive(Debug, Args)]
pub(crate) struct GuardLogArgs {
    /// The log.
    file: PathBuf,
    #[command(flatten)]
    repo: RepoArgs,
    #[command(flatten)]
    db: DbArgs,
}

/// What is read of one line. Fields that are not known here are left alone:
/// later guards may write more.
#[derive(Debug, Deserialize)]
struct Line {
    v: u32,
    seq: u64,
    prev: String,
    at: Timestamp,
    agent: String,
    #[serde(default)]
    session: Option<String>,
    tool: String,
    call: String,
    #[serde(default)]
    action: Option<Digest>,
    verdict: Verdict,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    target: Option<String>,
}

pub(super) fn run(args: &GuardLogArgs) -> CliResult {
    let repo = args.repo.open()?;
    let rules = Rules::at(&repo, super::super::protected(&repo)?.as_ref())?;
    let noted = recorder::noted(&repo, &rules)?;
    let text = read_named(&args.file)?;
    let records = read(&args.file, &text, &noted)?;
    let done = with(&args.db.address()?, Access::Write, async |store| {
        recorder::append(store, &noted.by, records).await
    })?;
    super::print(done, "guard decision")?;
    Ok(exit::ALLOW)
}

fn read(file: &Path, text: &str, noted: &Noted) -> CliResult<Vec<Record>> {
    let noted = Noted {
        through: Some("guard-log".to_owned()),
        ..noted.clone()
    };
    let mut records = Vec::new();
    let mut last: Option<(u64, Digest)> = None;
    for (place, text) in text.lines().enumerate() {
        let wrong = |why: String| {
            let place = place + 1;
            CliError::new(exit::DATA, format!("{}:{place}: {why}", file.display()))
        };
        let line: Line = serde_json::from_str(text)
            .map_err(|error| wrong(format!("this is no line of the guard's log: {error}")))?;
        if line.v != VERSION {
            let (found, known) = (line.v, VERSION);
            return Err(wrong(format!(
                "the line has version {found}, and version {known} is read here"
            )));
        }
        let hash = Digest::of(text.as_bytes());
        if let Some((seq, before)) = last
            && (line.seq != seq + 1 || line.prev != before.to_string())
        {
            let message = "the line does not follow the one before it: the log was changed";
            return Err(wrong(message.to_owned())
                .hint("keep the file as evidence; nothing of it was recorded"));
        }
        last = Some((line.seq, hash));
        records.push(decision(line, hash, &noted).into());
    }
    Ok(records)
}

fn decision(line: Line, hash: Digest, noted: &Noted) -> GuardDecision {
    let environment = match line.target.as_deref() {
        Some("production") => Environment::Production,
        Some("staging") => Environment::Staging,
        Some("development") => Environment::Development,
        Some("local") => Environment::Local,
        _ => Environment::Unknown,
    };
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
        person: None,
        action: line
            .action
            .unwrap_or_else(|| Digest::of(line.call.as_bytes())),
        summary: format!("{}: {}", line.tool, call.collect::<String>()),
        verdict: line.verdict,
        rules: line.rules.iter().map(|rule| word(rule)).collect(),
        environment,
        effects: Vec::new(),
        usage: None,
        ran: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64, prev: &str, call: &str) -> String {
        format!(
            r#"{{"v":1,"seq":{seq},"prev":"{prev}","at":"2026-03-02T12:00:00Z","agent":"claude-code","place":"/repo","tool":"Bash","call":"{call}","verdict":"hold","rules":["r1"],"target":"production","later":true}}"#
        )
    }

    fn noted() -> Noted {
        Noted::by("ann", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn lines_become_decisions_with_ids_of_their_own() {
        let first = line(7, "unknown, the file was turned", "terraform destroy");
        let second = line(8, &Digest::of(first.as_bytes()).to_string(), "ls");
        let records = read(Path::new("log"), &format!("{first}\n{second}\n"), &noted()).unwrap();
        let [Record::Guard(one), Record::Guard(two)] = records.as_slice() else {
            panic!("{records:?}");
        };
        assert_eq!(one.id, Digest::of(first.as_bytes()).to_string());
        assert_eq!(
            (one.verdict, one.environment),
            (Verdict::Hold, Environment::Production)
        );
        assert_eq!(one.summary, "Bash: terraform destroy");
        assert_ne!(one.id, two.id);
        assert_eq!(one.noted.through.as_deref(), Some("guard-log"));
    }

    #[test]
    fn a_log_that_was_changed_is_refused() {
        let first = line(1, "0", "terraform destroy");
        let second = line(2, &Digest::of(first.as_bytes()).to_string(), "ls");
        let harmless = line(1, "0", "terraform plan");
        for text in [
            format!("{harmless}\n{second}\n"),
            format!("{second}\n{first}\n"),
            first.replace("\"v\":1", "\"v\":2"),
            "{}".to_owned(),
            "not json".to_owned(),
        ] {
            assert!(read(Path::new("log"), &text, &noted()).is_err(), "{text}");
        }
    }
}
