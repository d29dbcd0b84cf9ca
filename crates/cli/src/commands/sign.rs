//! `countersign sign`: say yes or no to exactly this change.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use countersign_core::decide::{Decision, IgnoredBecause, Verdict};
use countersign_core::moment::parse_duration;
use countersign_core::signoff::Digest;
use countersign_core::signoff::content::Content;
use countersign_core::signoff::statement::{
    About, Binding, Claims, Shown, SignOff, Signed, Stance, Statement,
};
use countersign_git::{FileChange, Oid, Range};
use jiff::Timestamp;

use super::RepoArgs;
use super::check::judge;
use super::plan::MakerArgs;
use crate::collect::{self, Merge};
use crate::error::{CliError, CliResult, exit};
use crate::recorder::{self, Recording};
use crate::report::{self, CheckReport, count};
use crate::rules::Rules;
use crate::signer::Signer;
use crate::signoffs::{Counted, Subject};
use crate::style::{BOLD, DIM, paint};

/// Sign off exactly this change, or veto it.
///
/// Shows on one screen what is signed, then signs with your SSH key and adds the
/// statement to `refs/countersign/signoffs`. It counts for this content alone;
/// an identical rebase that nothing moved under keeps it.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// `BASE..HEAD`, or one revision; else as `check`.
    #[arg(conflicts_with = "plan")]
    range: Option<String>,
    /// Sign exactly this plan instead; several files as for `plan`.
    #[arg(long, value_name = "FILE")]
    pub(super) plan: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) maker: MakerArgs,
    /// Do not let this change through. Stands until you revoke it.
    #[arg(long, conflicts_with = "revoke")]
    pub(super) veto: bool,
    /// Take back an earlier statement of yours (its SHA-256, or the beginning).
    #[arg(long, value_name = "STATEMENT")]
    pub(super) revoke: Option<String>,
    /// In your own words.
    #[arg(long, short, value_name = "TEXT")]
    pub(super) message: Option<String>,
    /// Count only for these very commits, not after a rebase.
    #[arg(long)]
    exact: bool,
    /// How long it counts, such as `7d`.
    #[arg(long, value_name = "TIME")]
    pub(super) expires: Option<String>,
    /// Your private key, or the public key of one in an agent.
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Do not ask; for when you have read the screen before.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    pub(super) repo: RepoArgs,
}

pub(super) fn run(args: &SignArgs) -> CliResult {
    if !args.plan.is_empty() {
        return super::sign_plan::run(args);
    }
    args.maker.refuse_without_plan()?;
    let repo = args.repo.open()?;
    let range = match &args.range {
        Some(text) => repo.parse_range(text)?,
        None => repo.default_range()?,
    };
    let rules = Rules::at(&repo, range.onto.as_ref())?;
    let now = Timestamp::now();
    let mut merge = collect::merge(&repo, &range, &rules, now)?;
    let subject = &merge.subject(&repo, &range, &rules)?;
    let signer = Signer::find(&repo, &rules, args.key.as_deref())?;
    if merge.collected.facts.authors.contains(signer.index) {
        let because = IgnoredBecause::Author.text();
        let message = format!("{} {because}", signer.person.id);
        return Err(CliError::new(exit::DATA, message));
    }
    let before = judge(&rules, &merge, now);
    let mut out = anstream::stdout().lock();
    let report = CheckReport::new(&range, &rules, &merge, &before);
    out.write_all(report::human(&report).as_bytes())?;
    show_files(&mut out, &merge.files)?;
    let act = Act::of(args, merge.counted.as_ref())?;
    if !confirmed(&mut out, args, &signer, &act)? {
        writeln!(out, "nothing signed")?;
        return Ok(exit::HOLD);
    }
    let statement = statement(
        &rules, &merge, subject, &signer, args, &act, &report, &range,
    )?;
    let id = signer.seal(&repo, subject, now, statement)?;
    let after = collect::merge(&repo, &range, &rules, Timestamp::now())?;
    let decision = judge(&rules, &after, Timestamp::now());
    Recording::IfConfigured.record(&repo, &rules, |noted| {
        Ok(recorder::of_signoffs(&repo, &rules.roster, noted)?.records)
    })?;
    conclude(&mut out, &act, &signer, &id, &rules, &decision)
}

/// Tells what was signed and what it changed; the exit code.
pub(super) fn conclude(
    out: &mut impl Write,
    act: &Act,
    signer: &Signer<'_>,
    id: &Oid,
    rules: &Rules,
    decision: &Decision,
) -> CliResult {
    let verdict = decision.explain(&rules.policy, &rules.roster).summary;
    writeln!(
        out,
        "\n{} as {}  {}",
        act.done(),
        paint(BOLD, &signer.person.id),
        paint(DIM, id.short())
    )?;
    writeln!(out, "  now: {} ({verdict})", decision.verdict.as_str())?;
    writeln!(
        out,
        "  {}   {}",
        paint(BOLD, "countersign signoffs push"),
        paint(DIM, "share it")
    )?;
    Ok(match decision.verdict {
        Verdict::Allow => exit::ALLOW,
        // A veto that was given is what its signer wanted.
        _ if matches!(act, Act::Veto) => exit::ALLOW,
        Verdict::Hold => exit::HOLD,
        Verdict::Refuse => exit::REFUSE,
    })
}

/// What the signer does.
pub(super) enum Act {
    Approve,
    Veto,
    Revoke(Digest),
}

impl Act {
    pub(super) fn of(args: &SignArgs, counted: Option<&Counted>) -> CliResult<Self> {
        let Some(wanted) = &args.revoke else {
            return Ok(if args.veto { Self::Veto } else { Self::Approve });
        };
        let mut found = counted
            .into_iter()
            .flat_map(|counted| &counted.verified.accepted)
            .map(|it| it.statement)
            .filter(|statement| wanted.len() >= 4 && statement.to_string().starts_with(wanted));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(Self::Revoke(only)),
            _ => Err(CliError::new(
                exit::NOT_FOUND,
                format!("`{wanted}` is not one statement that counts for this change"),
            )
            .hint("`countersign check --json` lists them under `signoffs`")),
        }
    }

    const fn done(&self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Veto => "vetoed",
            Self::Revoke(_) => "taken back",
        }
    }

    const fn asks(&self) -> &'static str {
        match self {
            Self::Approve => "Approve exactly this change",
            Self::Veto => "Veto this change",
            Self::Revoke(_) => "Take your statement back",
        }
    }

    pub(super) const fn stance(&self) -> Stance {
        match self {
            Self::Approve => Stance::Approve,
            Self::Veto => Stance::Veto,
            Self::Revoke(_) => Stance::Revoke,
        }
    }
}

/// Files shown before the rest is counted.
const MAX_FILES: usize = 25;

/// Deletions first, then configuration and migrations, then the rest, each with
/// its size: what a reviewer is most likely to miss comes first.
fn show_files(out: &mut impl Write, files: &[FileChange]) -> CliResult<()> {
    let rank = |file: &FileChange| match file.status {
        'D' => 0,
        _ if is_risky(&file.path) => 1,
        _ => 2,
    };
    let mut files: Vec<&FileChange> = files.iter().collect();
    files.sort_by_key(|file| (rank(file), std::cmp::Reverse(file.added.max(file.deleted))));
    writeln!(
        out,
        "\n  {}",
        paint(DIM, "files, what is easily missed first")
    )?;
    for file in files.iter().take(MAX_FILES) {
        let size = match (file.added, file.deleted) {
            (Some(added), Some(deleted)) => format!("+{added} -{deleted}"),
            _ => "binary".to_owned(),
        };
        let note = match rank(file) {
            0 => "deleted  ",
            1 => "configuration or migration  ",
            _ => "",
        };
        writeln!(
            out,
            "    {} {size:>12}  {}{}",
            file.status,
            paint(BOLD, note),
            file.path
        )?;
    }
    if files.len() > MAX_FILES {
        let more = count((files.len() - MAX_FILES) as u64, "more file");
        writeln!(out, "    {}", paint(DIM, format!("and {more}")))?;
    }
    Ok(())
}

fn is_risky(path: &str) -> bool {
    const ENDS: [&str; 12] = [
        ".sql",
        ".tf",
        ".tofu",
        ".yaml",
        ".yml",
        ".toml",
        ".json",
        ".ini",
        ".conf",
        ".env",
        "Dockerfile",
        "CODEOWNERS",
    ];
    ENDS.iter().any(|end| path.ends_with(end)) || path.split('/').any(|part| part == "migrations")
}

pub(super) fn confirmed(
    out: &mut impl Write,
    args: &SignArgs,
    signer: &Signer<'_>,
    act: &Act,
) -> CliResult<bool> {
    if args.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        let message = "nobody is there to confirm";
        return Err(CliError::new(exit::USAGE, message)
            .hint("read what is signed, then repeat with `--yes`"));
    }
    write!(
        out,
        "\n{} as {}? [y/N] ",
        act.asks(),
        paint(BOLD, &signer.person.id)
    )?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// What the change is called in statements.
pub(super) fn about(subject: &Subject, range: &Range) -> About {
    About {
        repository: subject.repository.clone(),
        target: subject.target.clone(),
        change: subject
            .change
            .clone()
            .unwrap_or_else(|| range.head.to_string()),
        content: Content::Merge(subject.proposed.content.clone()),
    }
}

#[expect(clippy::too_many_arguments, reason = "a statement says all of this")]
fn statement(
    rules: &Rules,
    merge: &Merge,
    subject: &Subject,
    signer: &Signer<'_>,
    args: &SignArgs,
    act: &Act,
    report: &CheckReport,
    range: &Range,
) -> CliResult<impl FnOnce(Signed) -> Statement> {
    let about = about(subject, range);
    let lasts = match &args.expires {
        Some(text) => {
            Some(parse_duration(text).map_err(|message| CliError::new(exit::USAGE, message))?)
        }
        None => rules.policy.settings.signoff_expires,
    };
    let serves = report
        .decision
        .way_forward
        .iter()
        .filter(|act| act.candidates.contains(&signer.person.id))
        .flat_map(|act| act.rules.clone())
        .collect();
    let evidence = merge.collected.involvement.evidence.iter();
    let claims = Claims {
        outranks_author: signer.person.level > merge.collected.facts.author_level,
        rules: serves,
    };
    let shown = Shown {
        verdict: merge.collected.involvement.verdict,
        evidence: evidence
            .map(|item| Digest::of(item.witness.as_bytes()))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect(),
    };
    let authors = merge
        .collected
        .authors
        .iter()
        .filter_map(|author| author.person.clone())
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let (stance, policy, message) = (act.stance(), subject.policy, args.message.clone());
    let binding = if args.exact {
        Binding::Exact
    } else {
        Binding::Replay
    };
    let revokes = match act {
        Act::Revoke(statement) => Some(*statement),
        Act::Approve | Act::Veto => None,
    };
    let expires = matches!(act, Act::Approve).then_some(lasts).flatten();
    Ok(move |signed: Signed| {
        let expires_at = expires.and_then(|lasts| signed.issued_at.checked_add(lasts).ok());
        Statement::SignOff(Box::new(SignOff {
            decision: stance,
            about,
            binding,
            authors,
            claims,
            involvement: shown,
            policy,
            expires_at,
            message,
            revokes,
            break_glass: None,
            signed,
        }))
    })
}
