//! `countersign policy`: what a policy means.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use countersign_core::policy::check::{PolicyCheck, check};
use countersign_core::policy::diff::{PolicyDiff, diff};
use countersign_core::policy::{self, Policy};
use countersign_core::roster::{self, Levels, Roster};
use jiff::Timestamp;

use super::RepoArgs;
use crate::error::{CliError, CliResult, exit};
use crate::report;
use crate::rules::{PEOPLE, POLICY, Rules};
use crate::style::{self, BOLD, DIM, paint};

/// Prove things about a policy before it is in force.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Can everyone still work? Tries every author against every case.
    ///
    /// Exits with 1 when someone's change could be held without anyone being
    /// able to sign it off.
    Check {
        /// The policy; else the one in the work tree, else the built-in one.
        policy: Option<PathBuf>,
        /// The roster; else the one in the work tree.
        #[arg(long, value_name = "FILE")]
        people: Option<PathBuf>,
        #[command(flatten)]
        repo: RepoArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Does an edit let anything through that was held before?
    ///
    /// Compares every case that the two policies can tell apart. Exits with 1
    /// when something is let through, and prints the cases.
    Diff {
        /// The policy before: a file, or `REV:` for the one at a revision.
        old: String,
        /// The policy after: a file, or `REV:` for the one at a revision.
        new: String,
        #[command(flatten)]
        repo: RepoArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the built-in policy.
    Show,
}

pub(super) fn run(command: &PolicyCommand) -> CliResult {
    match command {
        PolicyCommand::Check {
            policy,
            people,
            repo,
            json,
        } => run_check(policy.as_deref(), people.as_deref(), repo, *json),
        PolicyCommand::Diff {
            old,
            new,
            repo,
            json,
        } => run_diff(old, new, repo, *json),
        PolicyCommand::Show => {
            anstream::stdout().write_all(policy::DEFAULT.as_bytes())?;
            Ok(exit::ALLOW)
        }
    }
}

/// Reads a file that a person named.
pub(super) fn read_named(path: &Path) -> CliResult<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => exit::NOT_FOUND,
            std::io::ErrorKind::InvalidData => exit::DATA,
            _ => exit::IO,
        };
        CliError::new(code, format!("reading {} failed: {error}", path.display()))
    })
}

/// Reads a policy file against the levels of a roster.
pub(super) fn read_policy(path: &Path, levels: &Levels) -> CliResult<Policy> {
    let text = read_named(path)?;
    let name = shown(path);
    policy::parse(&text, &name, levels).map_err(|problems| CliError::file(&name, &text, problems))
}

/// Reads a roster file.
pub(super) fn read_roster(path: &Path) -> CliResult<Roster> {
    let text = read_named(path)?;
    let name = shown(path);
    roster::parse(&text, &name).map_err(|problems| CliError::file(&name, &text, problems))
}

/// A file's name as people know it: from the top of the repository for
/// Countersign's own files, else as given.
fn shown(path: &Path) -> String {
    let own = [POLICY, PEOPLE].into_iter().find(|own| path.ends_with(own));
    own.map_or_else(|| path.display().to_string(), str::to_owned)
}

/// The file if it exists in the work tree of the repository.
pub(super) fn in_work_tree(repo: &RepoArgs, file: &str) -> Option<PathBuf> {
    let repo = repo.open().ok()?;
    Some(repo.work_tree()?.join(file)).filter(|path| path.is_file())
}

fn run_check(
    policy: Option<&Path>,
    people: Option<&Path>,
    repo: &RepoArgs,
    json: bool,
) -> CliResult {
    let people = people
        .map(Path::to_owned)
        .or_else(|| in_work_tree(repo, PEOPLE));
    let roster = people
        .as_deref()
        .map_or_else(|| Ok(Roster::default()), read_roster)?;
    let file = policy
        .map(Path::to_owned)
        .or_else(|| in_work_tree(repo, POLICY));
    let policy = match &file {
        Some(path) => read_policy(path, roster.levels())?,
        None => Rules::builtin(roster.levels())?,
    };
    let owners = repo
        .open()
        .ok()
        .and_then(|repo| {
            let head = repo.resolve("HEAD").ok()?;
            Rules::at(&repo, Some(&head)).ok()
        })
        .map_or_else(Vec::new, |rules| rules.all_owners());
    let result = check(&policy, &roster, &owners, Timestamp::now())
        .map_err(|error| CliError::new(exit::DATA, error.to_string()))?;
    let mut out = anstream::stdout().lock();
    if json {
        out.write_all(report::json(&result)?.as_bytes())?;
    } else {
        print_check(&mut out, &policy, &result)?;
    }
    let failed = result
        .findings
        .iter()
        .any(countersign_core::policy::check::Finding::is_error);
    Ok(if failed { exit::HOLD } else { exit::ALLOW })
}

fn print_check(out: &mut impl Write, policy: &Policy, result: &PolicyCheck) -> CliResult<()> {
    let errors = result
        .findings
        .iter()
        .filter(|finding| finding.is_error())
        .count();
    let verdict = if errors == 0 {
        paint(
            style::verdict(countersign_core::decide::Verdict::Allow),
            "every author has a way forward",
        )
    } else {
        let text = match errors {
            1 => "1 author class or rule".to_owned(),
            n => format!("{n} author classes or rules"),
        };
        paint(
            style::verdict(countersign_core::decide::Verdict::Hold),
            format!("{text} without a way forward"),
        )
    };
    writeln!(out, "{verdict}")?;
    let tried = format!(
        "{}: {} in {}, {} tried",
        policy.file,
        report::count(policy.rules.len() as u64, "rule"),
        report::count(result.cells, "case"),
        report::count(result.authors as u64, "author")
    );
    writeln!(out, "  {}", paint(DIM, tried))?;
    for finding in &result.findings {
        let mark = if finding.is_error() { "✗" } else { "!" };
        writeln!(out, "\n  {} {finding}", paint(BOLD, mark))?;
    }
    Ok(())
}

/// A policy given as a file or as `REV:`.
fn named_policy(name: &str, repo: &RepoArgs) -> CliResult<Policy> {
    if let Some(rev) = name.strip_suffix(':') {
        let repo = repo.open()?;
        let commit = repo.resolve(rev)?;
        return Ok(Rules::at(&repo, Some(&commit))?.policy);
    }
    let path = Path::new(name);
    let beside = path.parent().map(|dir| dir.join("people.toml"));
    let roster = match beside
        .filter(|path| path.is_file())
        .or_else(|| in_work_tree(repo, PEOPLE))
    {
        Some(people) => read_roster(&people)?,
        None => Roster::default(),
    };
    read_policy(path, roster.levels())
}

fn run_diff(old: &str, new: &str, repo: &RepoArgs, json: bool) -> CliResult {
    let (old, new) = (named_policy(old, repo)?, named_policy(new, repo)?);
    let result = diff(&old, &new).map_err(|error| {
        CliError::new(exit::DATA, error.to_string())
            .hint("compare in two steps, each with fewer of these facts")
    })?;
    let mut out = anstream::stdout().lock();
    if json {
        out.write_all(report::json(&result)?.as_bytes())?;
    } else {
        print_diff(&mut out, &result)?;
    }
    Ok(if result.is_harmless() {
        exit::ALLOW
    } else {
        exit::HOLD
    })
}

fn print_diff(out: &mut impl Write, result: &PolicyDiff) -> CliResult<()> {
    use countersign_core::decide::Verdict;
    let cases = report::count(result.cells, "case");
    if result.is_harmless() {
        let verdict = paint(
            style::verdict(Verdict::Allow),
            "nothing is let through that was held before",
        );
        writeln!(
            out,
            "{verdict}\n  {}",
            paint(DIM, format!("proved over all {cases}"))
        )?;
    } else {
        let lost = result.weaker.len() + result.weaker_settings.len();
        let text = format!("{} lost", report::count(lost as u64, "demand"));
        writeln!(out, "{}", paint(style::verdict(Verdict::Hold), text))?;
        writeln!(
            out,
            "  {}",
            paint(DIM, format!("compared over all {cases}"))
        )?;
    }
    for setting in &result.weaker_settings {
        writeln!(out, "\n  {} {setting}", paint(BOLD, "settings"))?;
    }
    for lost in &result.weaker {
        writeln!(
            out,
            "\n  {}  asked for: {}",
            paint(BOLD, &lost.rule),
            lost.asked
        )?;
        writeln!(out, "    when  {}", lost.case.join("; "))?;
        if !lost.example_paths.is_empty() {
            writeln!(out, "    such as  {}", lost.example_paths.join(", "))?;
        }
        let now = if lost.now.is_empty() {
            "nothing".to_owned()
        } else {
            lost.now.join("; ")
        };
        writeln!(out, "    now   {now}")?;
        let certain = if lost.certain {
            ""
        } else {
            "; no example path found, so it may not occur"
        };
        let text = format!("{} of {cases}{certain}", lost.cells);
        writeln!(out, "    {}", paint(DIM, text))?;
    }
    if result.stricter_cells > 0 {
        let text = format!("asks for more in {} of {cases}", result.stricter_cells);
        writeln!(out, "\n  {}", paint(DIM, text))?;
    }
    Ok(())
}
