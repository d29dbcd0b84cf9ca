//! From what a command found to what is recorded of it.

use std::collections::BTreeSet;

use countersign_core::decide::{Explanation, Verdict};
use countersign_core::facts::Kind;
use countersign_core::ledger;
use countersign_core::roster::Roster;
use countersign_core::signoff::Digest;
use countersign_core::signoff::content::Content;
use countersign_core::signoff::statement::{Declared, Outcome, Stance, Statement};
use countersign_git::{Oid, Range, Repo};
use countersign_operations::change::ChangeRef;
use countersign_operations::decision::{Decision, RuleSaid};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::sign_off::{SignOffGiven, Stated};
use countersign_store::{Access, Address, Appended, Store};
use jiff::Timestamp;

use crate::database::{VARIABLE, configured, with};
use crate::error::{CliError, CliResult, exit};
use crate::guard::files;
use crate::guard::recorded::News;
use crate::report::CheckReport;
use crate::report::plan::PlanReport;
use crate::rules::Rules;
use crate::signoffs::repository;

/// Whether and where a command records what it decided.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Recording<'a> {
    /// Where the environment names a database. A verdict never depends on
    /// whether it could be recorded, so failing is a warning.
    IfConfigured,
    /// Into this one; failing is an error.
    To(&'a Address),
}

impl Recording<'_> {
    /// Makes records and appends them.
    pub(crate) fn record(
        self,
        repo: &Repo,
        rules: &Rules,
        make: impl FnOnce(&Noted) -> CliResult<Vec<Record>>,
    ) -> CliResult<()> {
        let done = match self {
            Self::IfConfigured => match configured() {
                None => return Ok(()),
                Some(text) => text
                    .parse::<Address>()
                    .map_err(|error| CliError::new(exit::USAGE, format!("{VARIABLE}: {error}")))
                    .and_then(|address| append_made(&address, repo, rules, make, true)),
            },
            Self::To(address) => append_made(address, repo, rules, make, false),
        };
        match (self, done) {
            (_, Ok(_)) => Ok(()),
            (Self::IfConfigured, Err(error)) => {
                anstream::eprintln!("countersign: warning: this was not recorded: {error}");
                Ok(())
            }
            (Self::To(_), Err(error)) => Err(error),
        }
    }
}

/// Appends what is made, and with `guards` what the guard answered since.
fn append_made(
    address: &Address,
    repo: &Repo,
    rules: &Rules,
    make: impl FnOnce(&Noted) -> CliResult<Vec<Record>>,
    guards: bool,
) -> CliResult<Appended> {
    let noted = noted(repo, rules)?;
    let mut records = make(&noted)?;
    let home = files::home().filter(|_| guards);
    let mut news = home.and_then(|home| {
        let person = rules.roster.by_id(&noted.by).map(|_| noted.by.as_str());
        let news = News::of(&home, address, repo, person, &noted);
        news.unwrap_or_else(|error| {
            anstream::eprintln!(
                "countersign: warning: what the guard answered was not recorded: {error}"
            );
            None
        })
    });
    if let Some(news) = &mut news {
        records.append(&mut news.records);
    }
    let done = with(address, Access::Write, async |store| {
        append(store, &noted.by, records).await
    })?;
    if let Some(news) = news {
        news.keep();
    }
    Ok(done)
}

/// Who records: the person on the roster with git's mailbox, else that mailbox.
pub(crate) fn noted(repo: &Repo, rules: &Rules) -> CliResult<Noted> {
    let email = repo.config("user.email")?.unwrap_or_default();
    let index = rules.roster.by_email(&email);
    let person = index.and_then(|index| rules.roster.person(index));
    let by = match person {
        Some(person) => person.id.clone(),
        None if email.is_empty() => "unknown".to_owned(),
        None => word(&email),
    };
    Ok(Noted::by(by, Timestamp::now()))
}

/// One word of what may be several.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| {
        if c.is_whitespace() || c.is_control() {
            '-'
        } else {
            c
        }
    };
    text.chars().take(200).map(plain).collect()
}

/// Appends records; decisions that say what the latest one on the same change
/// said are left out, so that asking twice leaves one trace.
pub(crate) async fn append(
    store: &Store,
    recorded_by: &str,
    records: Vec<Record>,
) -> CliResult<Appended> {
    let mut entries = Vec::with_capacity(records.len());
    let mut repeated = 0;
    for record in records {
        if let Record::Decision(decision) = &record
            && is_repeated(store, &record, decision).await?
        {
            repeated += 1;
            continue;
        }
        entries.push(entry(&record)?);
    }
    let appended = store.append(recorded_by, entries).await?;
    Ok(Appended {
        unchanged: appended.unchanged + repeated,
        ..appended
    })
}

async fn is_repeated(store: &Store, record: &Record, decision: &Decision) -> CliResult<bool> {
    let key = record.key();
    let Some(found) = store.latest(record.kind().as_str(), &key).await? else {
        return Ok(false);
    };
    Ok(match Record::parse(found.record.body()) {
        Ok(Record::Decision(mut before)) => {
            before.noted.clone_from(&decision.noted);
            before.decided_at = decision.decided_at;
            *before == *decision
        }
        _ => false,
    })
}

/// A record as the ledger keeps it.
pub(crate) fn entry(record: &Record) -> CliResult<ledger::Record> {
    let wrong = |error: &dyn std::fmt::Display| {
        CliError::new(exit::DATA, format!("{record} cannot be recorded: {error}"))
    };
    let body = record.to_json().map_err(|error| wrong(&error))?;
    let (kind, at) = (record.kind().as_str().to_owned(), record.at());
    ledger::Record::from_parts(kind, record.key(), at.as_microsecond(), body)
        .map_err(|error| wrong(&error))
}

/// The decision on a range of commits.
pub(crate) fn of_check(
    repo: &Repo,
    range: &Range,
    report: &CheckReport,
    now: Timestamp,
    noted: &Noted,
) -> CliResult<Vec<Record>> {
    let head = range.head.to_string();
    let name = repository(repo, range.onto.as_ref().unwrap_or(&range.head))?;
    let signers = report.signoffs.iter().map(|signoff| signoff.person.clone());
    let decision = Decision {
        noted: noted.clone(),
        change: ChangeRef::new(name, head),
        kind: Kind::Merge,
        decided_at: now,
        verdict: report.verdict,
        rules: rules_said(&report.decision),
        signers: signers.collect(),
        policy: report.policy.digest.parse().ok(),
        asked_by: "check".to_owned(),
    };
    Ok(vec![decision.into()])
}

/// The decision on a plan, known by its bytes. `asked_by` is the command.
pub(crate) fn of_plan(
    repo: &Repo,
    from: Option<&Oid>,
    report: &PlanReport,
    asked_by: &str,
    now: Timestamp,
    noted: &Noted,
) -> CliResult<Vec<Record>> {
    let name = match from {
        Some(commit) => repository(repo, commit)?,
        None => "unborn".to_owned(),
    };
    let signers = report.signoffs.iter().map(|signoff| signoff.person.clone());
    let decision = Decision {
        noted: noted.clone(),
        change: ChangeRef::new(name, report.plan.sha256.clone()),
        kind: Kind::Plan,
        decided_at: now,
        verdict: report.verdict,
        rules: rules_said(&report.decision),
        signers: signers.collect(),
        policy: report.policy.digest.parse().ok(),
        asked_by: asked_by.to_owned(),
    };
    Ok(vec![decision.into()])
}

fn rules_said(explanation: &Explanation) -> Vec<RuleSaid> {
    let rules = explanation.rules.iter().map(|rule| {
        let verdict = match (rule.refuses, rule.met) {
            (true, _) => Verdict::Refuse,
            (false, true) => Verdict::Allow,
            (false, false) => Verdict::Hold,
        };
        let asks = rule.requirements.iter().map(|it| it.text.as_str());
        let asks = asks.collect::<Vec<_>>().join("; ");
        RuleSaid {
            rule: word(&rule.id),
            verdict,
            reason: if asks.is_empty() {
                rule.why.clone()
            } else {
                asks
            },
        }
    });
    rules.collect()
}

/// Statements of the chain, and those that were left out.
pub(crate) struct Statements {
    pub(crate) records: Vec<Record>,
    /// The signature is wrong, or the key is not that person's.
    pub(crate) unproven: usize,
}

/// Every statement of the chain whose signature is that of the person it names.
pub(crate) fn of_signoffs(repo: &Repo, roster: &Roster, noted: &Noted) -> CliResult<Statements> {
    let chain = repo.signoffs()?;
    let mut found = Statements {
        records: Vec::new(),
        unproven: chain.problems().len(),
    };
    for entry in chain.entries() {
        let signed = entry.statement.signed();
        let proven = entry.envelope.verify().ok();
        let owner = proven
            .as_ref()
            .and_then(|proven| roster.by_key(&proven.key));
        if owner.is_some_and(|(person, _)| person.id == signed.person) {
            let given = given(&entry.statement, entry.statement_id, noted);
            found.records.push(given.into());
        } else {
            found.unproven += 1;
        }
    }
    Ok(found)
}

fn given(statement: &Statement, id: Digest, noted: &Noted) -> SignOffGiven {
    let (about, signed) = (statement.about(), statement.signed());
    let (kind, content) = match &about.content {
        Content::Merge(merge) => (Kind::Merge, merge.head.commit.to_string()),
        Content::Plan(artifact) => (Kind::Plan, artifact.sha256.to_string()),
        Content::Action(artifact) => (Kind::Action, artifact.sha256.to_string()),
        Content::Deployment(artifact) => (Kind::Deployment, artifact.sha256.to_string()),
    };
    let mut given = SignOffGiven {
        noted: noted.clone(),
        statement: id,
        change: ChangeRef::new(word(&about.repository), content),
        kind,
        target: about.target.clone(),
        person: signed.person.clone(),
        stated: Stated::Approved,
        issued_at: signed.issued_at,
        rules: BTreeSet::new(),
        message: None,
        of: None,
        review_due: None,
    };
    match statement {
        Statement::SignOff(it) => {
            given.stated = match it.decision {
                Stance::Approve => Stated::Approved,
                Stance::Veto => Stated::Vetoed,
                Stance::Revoke => Stated::Revoked,
                Stance::BreakGlass => Stated::BrokeGlass,
            };
            given.rules = it.claims.rules.iter().cloned().collect();
            given.message.clone_from(&it.message);
            given.of = it.revokes;
            if let Some(terms) = &it.break_glass {
                given.rules = terms.rules.iter().cloned().collect();
                given.review_due = Some(terms.review_due);
                given.message.get_or_insert_with(|| terms.reason.clone());
            }
        }
        Statement::Declaration(it) => {
            given.stated = match it.declared {
                Declared::Human => Stated::DeclaredHuman,
                Declared::Ai { .. } => Stated::DeclaredAi,
                Declared::Reviewed { .. } => Stated::SelfReviewed,
            };
        }
        Statement::AfterReview(it) => {
            given.stated = match it.outcome {
                Outcome::Ratified => Stated::Ratified,
                Outcome::Rejected => Stated::Rejected,
            };
            given.of = Some(it.of);
            given.message = Some(it.message.clone());
        }
    }
    given
}
