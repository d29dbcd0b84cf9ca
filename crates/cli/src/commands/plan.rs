//! `countersign plan`: judge what a plan, change set or migration would do.

mod judge;
mod record_state;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use countersign_core::effect::Environment;
use jiff::Timestamp;

use super::RepoArgs;
use super::check::code;
use crate::error::{CliError, CliResult, exit};
use crate::recorder::{self, Recording};
use crate::report::json;
use crate::report::plan::{self as report, PlanReport};

pub(crate) use judge::Judged;
pub(super) use judge::Question;

/// Judge a plan: what would it destroy, how far does it reach, who must sign?
///
/// Reads Terraform and OpenTofu plans (JSON, or binary through the installed
/// tool), CloudFormation change sets and templates, Kubernetes manifests and
/// `kubectl diff`, Pulumi previews and SQL migrations. Policy, people and
/// catalogue are read from the default branch.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct PlanArgs {
    /// The plan; `-` reads standard input. Several for pages, manifests and
    /// migrations.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    maker: MakerArgs,
    #[command(flatten)]
    repo: RepoArgs,
    /// Read policy, people and catalogue from this revision instead.
    #[arg(long, value_name = "REV")]
    policy_from: Option<String>,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Judge as if it were this time (RFC 3339), for repeating an answer.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    #[command(subcommand)]
    command: Option<PlanCommand>,
}

#[derive(Debug, Subcommand)]
enum PlanCommand {
    RecordState(record_state::RecordStateArgs),
}

/// Where a plan goes, who makes or applies it, and how.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct MakerArgs {
    /// Where it would be applied; else what the plan itself says; else unknown,
    /// which counts as production unless the policy says otherwise.
    #[arg(long, value_enum, value_name = "ENV")]
    pub(crate) env: Option<Env>,
    /// Who made or applies it: an id or mailbox from the roster.
    #[arg(long, value_name = "PERSON")]
    pub(crate) by: Option<String>,
    /// The agent that made or applies it, such as `claude-code`; in a session of
    /// an agent, that one.
    #[arg(long, value_name = "TOOL")]
    pub(crate) agent: Option<String>,
    /// What is there now, to compare manifests or a template with.
    #[arg(long, value_name = "FILE")]
    pub(crate) before: Vec<PathBuf>,
    /// Its stages: a file, an Argo Rollout, or a line such as
    /// `eu-cell-1:5%:30m, eu-west-1:2h, all`.
    #[arg(long, value_name = "FILE|STAGES")]
    pub(crate) rollout: Option<String>,
    /// What the state it is made from is called; else the folder of the plan.
    #[arg(long, value_name = "NAME")]
    pub(crate) state: Option<String>,
}

impl MakerArgs {
    /// For commands where these only mean something about a plan.
    pub(super) fn refuse_without_plan(&self) -> CliResult<()> {
        let given = [
            ("--env", self.env.is_some()),
            ("--by", self.by.is_some()),
            ("--agent", self.agent.is_some()),
            ("--before", !self.before.is_empty()),
            ("--rollout", self.rollout.is_some()),
            ("--state", self.state.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(CliError::new(
                exit::USAGE,
                format!("{option} goes with `--plan FILE` only"),
            )),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For a person at a terminal.
    #[default]
    Human,
    /// Versioned and documented, for programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// A page that stands alone, with the radius drawn.
    Html,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Env {
    Production,
    Staging,
    Development,
    Local,
}

impl From<Env> for Environment {
    fn from(env: Env) -> Self {
        match env {
            Env::Production => Self::Production,
            Env::Staging => Self::Staging,
            Env::Development => Self::Development,
            Env::Local => Self::Local,
        }
    }
}

pub(super) fn run(args: &PlanArgs) -> CliResult {
    run_recording(args, Recording::IfConfigured)
}

/// Judges a plan and records the decision.
pub(super) fn run_recording(args: &PlanArgs, recording: Recording<'_>) -> CliResult {
    if let Some(PlanCommand::RecordState(args)) = &args.command {
        return record_state::run(args);
    }
    let repo = args.repo.open()?;
    let question = Question {
        files: &args.files,
        maker: &args.maker,
        policy_from: args.policy_from.as_deref(),
        now: args.now.unwrap_or_else(Timestamp::now),
    };
    let judged = Judged::of(&repo, &question)?;
    judged.remember_state(&repo);
    let report = PlanReport::new(&judged);
    let text = match (args.json, args.format) {
        (true, _) | (_, Format::Json) => json(&report)?,
        (_, Format::Human) => report::human(&report),
        (_, Format::Markdown) => report::markdown(&report),
        (_, Format::Html) => report::html(&report, judged.rules.catalog.as_ref()),
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    recording.record(&repo, &judged.rules, |noted| {
        let onto = judged.onto.as_ref();
        recorder::of_plan(&repo, onto, &report, "plan", question.now, noted)
    })?;
    Ok(code(
        judged.rules.policy.settings.mode,
        judged.decision.verdict,
    ))
}
