//! What the guard answered, from its log into the ledger.
//!
//! An agent waits for the guard, so the guard itself never talks to a database:
//! the next command that a person runs takes its log along.

use std::path::{Path, PathBuf};

use countersign_core::effect::Environment;
use countersign_core::signoff::Digest;
use countersign_git::Repo;
use countersign_guard::journal::{Last, Reader, Record as Line, VERSION};
use countersign_operations::guard::GuardDecision;
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::usage::of_action;
use countersign_store::Address;

use super::{files, journal};
use crate::error::{CliError, CliResult, exit};
use crate::recorder::word;

/// What recorded answers came through.
pub(crate) const THROUGH: &str = "guard-log";
/// Lines taken along at once; the next command goes on behind them.
const MOST: usize = 2_000;

/// Lines of the log that were not taken along yet.
pub(crate) struct News {
    pub(crate) records: Vec<Record>,
    /// The file that says how far the log was read.
    mark: PathBuf,
    last: Last,
}

impl News {
    /// The agents' calls in this work tree since the last time. What they did
    /// elsewhere is no business of this repository's database.
    pub(crate) fn of(
        home: &Path,
        address: &Address,
        repo: &Repo,
        person: Option<&str>,
        noted: &Noted,
    ) -> CliResult<Option<Self>> {
        let Some(top) = repo.work_tree() else {
            return Ok(None);
        };
        let top = std::fs::canonicalize(top)?.to_string_lossy().into_owned();
        let name = Digest::of(format!("{address} {top}").as_bytes()).to_string();
        let name: String = name.chars().take(16).collect();
        let mark = home.join("log").join(format!("recorded-{name}"));
        let noted = Noted {
            through: Some(THROUGH.to_owned()),
            ..noted.clone()
        };
        let since = Since::of(&mark);
        let mut taken = Taken::of(home, &since, &top, person, &noted)?;
        if let (Some((seq, _)), false) = (&since.0, taken.goes_on) {
            anstream::eprintln!(
                "countersign: warning: the guard's log does not go on from its line {seq}, which was recorded last: it was begun anew, or what followed is gone"
            );
            taken = Taken::of(home, &Since(None), &top, person, &noted)?;
        }
        let records = taken.records;
        Ok(taken.last.map(|last| Self {
            records,
            mark,
            last,
        }))
    }

    /// They are in the ledger. When this cannot be noted they are offered again,
    /// and found to be known.
    pub(crate) fn keep(&self) {
        let Last { seq, hash } = &self.last;
        let _ = files::replace(&self.mark, format!("{seq} {hash}\n").as_bytes());
    }
}

struct Taken {
    records: Vec<Record>,
    last: Option<Last>,
    /// The line that was recorded last was there.
    goes_on: bool,
}

impl Taken {
    fn of(
        home: &Path,
        since: &Since,
        top: &str,
        person: Option<&str>,
        noted: &Noted,
    ) -> CliResult<Self> {
        let mut reader = Reader::default();
        let (mut records, mut goes_on) = (Vec::new(), false);
        for file in journal::all_files(home) {
            if since.is_behind(&file) {
                continue;
            }
            let text = match std::fs::read_to_string(&file) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                other => other?,
            };
            let has_room = each(&mut reader, &file, since.rest(&text), |line, hash| {
                if since.holds(hash) {
                    goes_on = true;
                } else if line.place == top {
                    records.push(decision(line, hash, person, noted).into());
                }
                records.len() < MOST
            })?;
            if !has_room {
                break;
            }
        }
        Ok(Self {
            records,
            last: reader.head().cloned(),
            goes_on,
        })
    }
}

/// How far a log was read before.
struct Since(Option<(u64, String)>);

impl Since {
    fn of(mark: &Path) -> Self {
        let text = std::fs::read_to_string(mark).unwrap_or_default();
        let known = text.trim().split_once(' ');
        Self(known.and_then(|(seq, hash)| Some((seq.parse().ok()?, hash.to_owned()))))
    }

    /// Whether all of a closed file, named after its last line, was read.
    fn is_behind(&self, file: &Path) -> bool {
        let name = file.file_stem().map(|name| name.to_string_lossy());
        let last = name.and_then(|name| name.strip_prefix("decisions-")?.parse::<u64>().ok());
        matches!((&self.0, last), (Some((seq, _)), Some(last)) if last < *seq)
    }

    /// From the last line that was read on, where this text holds it.
    fn rest<'a>(&self, text: &'a str) -> &'a str {
        let Some((seq, _)) = &self.0 else {
            return text;
        };
        let start = format!("{{\"v\":{VERSION},\"seq\":{seq},");
        if text.starts_with(&start) {
            return text;
        }
        let found = text.find(&format!("\n{start}"));
        found.and_then(|at| text.get(at + 1..)).unwrap_or(text)
    }

    fn holds(&self, hash: &Digest) -> bool {
        let known = self.0.as_ref();
        known.is_some_and(|(_, known)| *known == hash.to_string())
    }
}

/// Reads one file of a log, going on from the file before. A log in which a line
/// was changed or cut off is refused as a whole.
pub(crate) fn read(
    reader: &mut Reader,
    file: &Path,
    text: &str,
    person: Option<&str>,
    noted: &Noted,
) -> CliResult<Vec<Record>> {
    let mut records = Vec::new();
    each(reader, file, text, |line, hash| {
        records.push(decision(line, hash, person, noted).into());
        true
    })?;
    Ok(records)
}

/// Calls `take` with each line and its hash, until it has enough: then `false`.
fn each(
    reader: &mut Reader,
    file: &Path,
    text: &str,
    mut take: impl FnMut(Line, &Digest) -> bool,
) -> CliResult<bool> {
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
        if let (Some(line), Some(last)) = (read, reader.head())
            && !take(line, &last.hash)
        {
            return Ok(false);
        }
    }
    Ok(true)
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
