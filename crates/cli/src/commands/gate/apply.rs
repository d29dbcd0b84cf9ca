//! `countersign gate apply`: let exactly this plan through, once.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use clap::Args;
use countersign_core::decide::{ExplainedRule, Verdict};
use countersign_core::policy::Mode;
use countersign_git::Repo;
use countersign_git::spent::{Occasion, Spending};
use jiff::Timestamp;
use serde::Serialize;

use super::super::RepoArgs;
use super::super::check::code;
use super::super::plan::{Judged, MakerArgs, Question};
use super::super::sign_plan::bound;
use super::sealed::Sealed;
use crate::error::{CliError, CliResult, exit};
use crate::gate_record::{ReportSpent, SCHEMA, SpentRecord};
use crate::recorder::{self, Recording};
use crate::report::plan::{self as report, PlanReport};
use crate::report::{ReportSignOff, json};
use crate::style::{BOLD, DIM, paint, verdict as verdict_style};

/// Stands for the plan in the command.
const PLACEHOLDER: &str = "{}";

/// Let exactly this plan through, once, and run the command that applies it.
///
/// Judges the bytes anew, counts the sign-offs for them in this environment, and
/// spends the permission: a ref that can be created only once. Then it runs the
/// command, if one is given, on a private copy of the bytes that were judged, so
/// that nobody can exchange the file in between, and ends with the command's
/// exit code. What only a break-glass lets through is spent on a remote, where
/// there is one.
///
///     countersign gate apply tf.plan --env staging --by sen -- terraform apply tf.plan
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ApplyArgs {
    /// The plan; `-` reads standard input.
    plan: PathBuf,
    #[command(flatten)]
    maker: MakerArgs,
    /// Fetch sign-offs from this remote first, and spend the permission there,
    /// so that it holds once for everyone and not once in this clone.
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Print the answer as JSON; beside a command, to standard error.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    repo: RepoArgs,
    /// What applies it. The plan's name in it, or `{}`, becomes the private copy.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// The answer. The JSON form is exactly this.
#[derive(Serialize)]
struct GateReport {
    schema: &'static str,
    verdict: Verdict,
    /// It went ahead by break-glass.
    overridden: bool,
    /// Why it does not go ahead; absent when it does.
    because: Option<String>,
    /// The ref that was created by letting it through.
    spent: Option<String>,
    /// When it was let through before.
    before: Option<ReportSpent>,
    /// Where it holds once: a remote's name; absent: in this clone.
    once_at: Option<String>,
    plan: PlanReport,
}

pub(super) fn run(args: &ApplyArgs) -> CliResult {
    let repo = args.repo.open()?;
    let program = Program::of(args)?;
    if let Some(remote) = &args.remote {
        repo.fetch_signoffs(remote)?;
    }
    let now = Timestamp::now();
    let judged = Judged::of(
        &repo,
        &Question {
            files: std::slice::from_ref(&args.plan),
            maker: &args.maker,
            policy_from: None,
            now,
        },
    )?;
    if let Some(before) = &judged.spent {
        answer(args, &judged, Outcome::Before(before))?;
        return Ok(exit::REFUSE);
    }
    let mode = judged.rules.policy.settings.mode;
    let stopped = code(mode, judged.decision.verdict);
    if stopped != exit::ALLOW {
        answer(args, &judged, Outcome::Stopped)?;
        return Ok(stopped);
    }
    once_for_everyone(&repo, args, &judged)?;
    judged.remember_state(&repo);
    // Before the permission is spent: what cannot be run must not cost it.
    let sealed = match &program {
        Some(_) => Some(Sealed::of(
            judged.read.bytes.as_deref().unwrap_or_default(),
        )?),
        None => None,
    };
    match spend(&repo, args, &judged, now)? {
        Spending::Before(before) => {
            answer(args, &judged, Outcome::Before(&before))?;
            return Ok(exit::REFUSE);
        }
        Spending::Spent(_) => {
            let told = answer(args, &judged, Outcome::LetThrough);
            // It is spent: that nobody listens must not keep it from running.
            if program.is_none() {
                told?;
            }
        }
    }
    let done = match (program, sealed) {
        (Some(program), Some(sealed)) => program.run(&sealed),
        _ => Ok(exit::ALLOW),
    };
    // Afterwards: a ledger that answers slowly must not keep it from running.
    record(&repo, &judged, now)?;
    done
}

/// A break-glass has one use. Where there is a remote, a ref in this clone would
/// leave it a use in every other one.
fn once_for_everyone(repo: &Repo, args: &ApplyArgs, judged: &Judged) -> CliResult<()> {
    if args.remote.is_some() || !judged.decision.is_overridden() {
        return Ok(());
    }
    match repo.remotes()?.first() {
        None => Ok(()),
        Some(remote) => {
            let message = "a break-glass counts once for everyone, and here it would count \
                           once in every clone";
            Err(CliError::new(exit::USAGE, message).hint(format!(
                "name the remote to spend it on, such as `--remote {remote}`"
            )))
        }
    }
}

/// Keeps what was let through, and on whose word, in the ledger, where one is
/// configured.
fn record(repo: &Repo, judged: &Judged, now: Timestamp) -> CliResult<()> {
    Recording::IfConfigured.record(repo, &judged.rules, |noted| {
        let (onto, report) = (judged.onto.as_ref(), PlanReport::new(judged));
        let mut records = recorder::of_signoffs(repo, &judged.rules.roster, noted)?.records;
        records.extend(recorder::of_plan(
            repo,
            onto,
            &report,
            "gate apply",
            now,
            noted,
        )?);
        Ok(records)
    })
}

fn spend(repo: &Repo, args: &ApplyArgs, judged: &Judged, now: Timestamp) -> CliResult<Spending> {
    let subject = bound(judged)?;
    let accepted = judged.counted.iter().flat_map(|it| &it.verified.accepted);
    let explained = judged
        .decision
        .explain(&judged.rules.policy, &judged.rules.roster);
    let lifted = explained.rules.into_iter().filter(ExplainedRule::is_lifted);
    let record = SpentRecord {
        schema: SCHEMA.to_owned(),
        sha256: subject.sha256.to_string(),
        plan: judged.read.names.join(", "),
        environment: judged.collected.facts.environment,
        by: args.maker.by.clone(),
        agent: judged.maker.agent.clone(),
        at: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        policy: subject.ground.policy.to_string(),
        statements: accepted.map(|it| it.statement.to_string()).collect(),
        broken: lifted.map(|rule| rule.id).collect(),
        state: judged.read.reading.state.clone(),
    };
    let record = json(&record)?;
    let remote = args.remote.as_deref();
    Ok(repo.spend(&subject.sha256, record.as_bytes(), now.as_second(), remote)?)
}

/// What became of the plan.
#[derive(Clone, Copy)]
enum Outcome<'a> {
    Stopped,
    Before(&'a Occasion),
    LetThrough,
}

/// Tells what became of the plan: beside a command on standard error, since
/// standard output is the command's.
fn answer(args: &ApplyArgs, judged: &Judged, outcome: Outcome<'_>) -> CliResult<()> {
    let text = if args.json {
        json(&gate_report(args, judged, outcome))?
    } else {
        human(args, judged, outcome)
    };
    if args.command.is_empty() {
        anstream::stdout().lock().write_all(text.as_bytes())?;
    } else {
        anstream::stderr().lock().write_all(text.as_bytes())?;
    }
    Ok(())
}

fn gate_report(args: &ApplyArgs, judged: &Judged, outcome: Outcome<'_>) -> GateReport {
    let plan = PlanReport::new(judged);
    let (verdict, because, before) = match outcome {
        Outcome::Stopped => (plan.verdict, Some(plan.summary.clone()), None),
        Outcome::Before(before) => {
            let before = ReportSpent::of(before);
            (Verdict::Refuse, Some(again(&before)), Some(before))
        }
        // In shadow mode it goes ahead whatever the verdict.
        Outcome::LetThrough => (plan.verdict, None, None),
    };
    GateReport {
        schema: "countersign.gate/1",
        verdict,
        overridden: because.is_none() && judged.decision.is_overridden(),
        spent: because.is_none().then(|| name_of_ref(&plan)),
        because,
        before,
        once_at: args.remote.clone(),
        plan,
    }
}

fn human(args: &ApplyArgs, judged: &Judged, outcome: Outcome<'_>) -> String {
    let plan = PlanReport::new(judged);
    match outcome {
        Outcome::Stopped => report::human(&plan),
        Outcome::Before(before) => format!(
            "{}  {}\n\n  {}\n  {}\n",
            paint(verdict_style(Verdict::Refuse), "REFUSE"),
            again(&ReportSpent::of(before)),
            paint(DIM, name_of_ref(&plan)),
            paint(
                BOLD,
                "make the plan again: what is there now is not what it was made for"
            ),
        ),
        Outcome::LetThrough => {
            let once = match &args.remote {
                Some(remote) => format!("once for everyone who asks {remote}"),
                None => "once in this clone; `--remote NAME` makes it once for everyone".to_owned(),
            };
            let shadow = match plan.mode {
                Mode::Shadow => "  [shadow: nothing is stopped]",
                Mode::Enforce => "",
            };
            let files = plan.plan.files.join(", ");
            let (style, word, what) = if judged.decision.is_overridden() {
                let what = format!("{files}: {}", plan.summary);
                (Verdict::Hold, "OVERRIDDEN".to_owned(), what)
            } else {
                (plan.verdict, plan.verdict.as_str().to_uppercase(), files)
            };
            let mut out = format!(
                "{}  {what}{}\n\n",
                paint(verdict_style(style), word),
                paint(DIM, shadow)
            );
            for sentence in &plan.sentences {
                out.push_str(&format!("  {}\n", paint(BOLD, sentence)));
            }
            let signed: Vec<String> = plan.signoffs.iter().map(ReportSignOff::text).collect();
            if !signed.is_empty() {
                out.push_str(&format!("  {}\n", signed.join(", ")));
            }
            out.push_str(&format!("  {}\n", paint(DIM, once)));
            out.push_str(&format!("  {}\n", paint(DIM, name_of_ref(&plan))));
            out
        }
    }
}

fn again(before: &ReportSpent) -> String {
    format!("this plan was let through before, {}", before.text())
}

fn name_of_ref(plan: &PlanReport) -> String {
    format!("{}{}", countersign_git::spent::PREFIX, plan.plan.sha256)
}

/// The command that applies the plan.
struct Program<'a> {
    name: &'a OsString,
    arguments: &'a [OsString],
    plan: &'a Path,
}

impl<'a> Program<'a> {
    fn of(args: &'a ApplyArgs) -> CliResult<Option<Self>> {
        let Some((name, arguments)) = args.command.split_first() else {
            return Ok(None);
        };
        let program = Self {
            name,
            arguments,
            plan: &args.plan,
        };
        if !arguments.iter().any(|it| program.is_plan(it)) {
            let message = "the command does not name the plan, so nothing says that it applies it";
            return Err(CliError::new(exit::USAGE, message).hint(format!(
                "write `{}` or `{PLACEHOLDER}` where the plan goes",
                args.plan.display()
            )));
        }
        if !is_there(name) {
            let message = format!("there is no program `{}`", name.display());
            return Err(CliError::new(exit::NOT_FOUND, message));
        }
        Ok(Some(program))
    }

    fn is_plan(&self, argument: &OsStr) -> bool {
        argument == PLACEHOLDER || argument == self.plan.as_os_str()
    }

    /// Runs it on the private copy; its exit code, or 128 and the signal.
    fn run(&self, sealed: &Sealed) -> CliResult {
        let arguments = self.arguments.iter().map(|it| {
            if self.is_plan(it) {
                sealed.path().as_os_str()
            } else {
                it.as_os_str()
            }
        });
        let mut command = Command::new(self.name);
        command.args(arguments);
        let status = command.status().map_err(|error| {
            let message = format!("running `{}` failed: {error}", self.name.display());
            CliError::new(exit::IO, message)
        })?;
        Ok(exit_code(status))
    }
}

/// Whether a program can be found, as the system would look for it.
fn is_there(name: &OsStr) -> bool {
    let path = Path::new(name);
    if path.components().count() > 1 {
        return path.is_file();
    }
    let places = std::env::var_os("PATH").unwrap_or_default();
    let suffix = std::env::consts::EXE_SUFFIX;
    std::env::split_paths(&places).any(|place| {
        let mut with_suffix = name.to_owned();
        with_suffix.push(suffix);
        place.join(name).is_file() || place.join(with_suffix).is_file()
    })
}

fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return u8::try_from(128 + signal).unwrap_or(exit::INTERNAL);
        }
    }
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(exit::INTERNAL)
}
