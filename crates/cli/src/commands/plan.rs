//! `countersign plan`: judge what a plan, change set or migration would do.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use countersign_core::catalog::Catalog;
use countersign_core::decide::{Load, decide};
use countersign_core::effect::Environment;
use jiff::Timestamp;

use super::RepoArgs;
use super::check::code;
use crate::collect_plan::{self, Given, Maker};
use crate::error::{CliError, CliResult, exit};
use crate::recorder::{self, Recording};
use crate::report::json;
use crate::report::plan::{self as report, PlanReport};
use crate::rules::Rules;

/// Judge a plan: what would it destroy, how far does it reach, who must sign?
///
/// Reads Terraform and OpenTofu plans (JSON, or binary through the installed
/// tool), CloudFormation change sets and templates, Kubernetes manifests and
/// `kubectl diff`, Pulumi previews and SQL migrations. Policy, people and
/// catalogue are read from the default branch.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The plan; `-` reads standard input. Several for pages, manifests and
    /// migrations.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What is there now, to compare manifests or a template with.
    #[arg(long, value_name = "FILE")]
    before: Vec<PathBuf>,
    /// Where it would be applied; else what the plan itself says; else unknown,
    /// which counts as production unless the policy says otherwise.
    #[arg(long, value_enum, value_name = "ENV")]
    env: Option<Env>,
    /// Who made or applies it: an id or mailbox from the roster.
    #[arg(long, value_name = "PERSON")]
    by: Option<String>,
    /// The agent that made or applies it, such as `claude-code`.
    #[arg(long, value_name = "TOOL")]
    agent: Option<String>,
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
enum Env {
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
    let repo = args.repo.open()?;
    let from = match &args.policy_from {
        Some(rev) => Some(repo.resolve(rev)?),
        None => super::protected(&repo)?,
    };
    let rules = Rules::at(&repo, from.as_ref())?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let read = collect_plan::read(&Given {
        files: &args.files,
        before: &args.before,
        environment: args.env.map(Environment::from),
    })?;
    let maker = Maker {
        by: args.by.as_deref(),
        agent: args.agent.as_deref(),
    };
    let empty = empty_catalog()?;
    let catalog = rules.catalog.as_ref().unwrap_or(&empty);
    let collected = collect_plan::facts(&read, maker, Vec::new(), &rules, catalog, now);
    let seen = rules.policy.observe(&collected.facts, now);
    let decision = decide(
        &rules.policy,
        &rules.roster,
        &collected.facts,
        &seen,
        &[],
        &Load::default(),
        now,
    );
    let report = PlanReport::new(read, maker.agent, &rules, collected, &decision);
    let text = match (args.json, args.format) {
        (true, _) | (_, Format::Json) => json(&report)?,
        (_, Format::Human) => report::human(&report),
        (_, Format::Markdown) => report::markdown(&report),
        (_, Format::Html) => report::html(&report, rules.catalog.as_ref()),
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    recording.record(&repo, &rules, |noted| {
        recorder::of_plan(&repo, from.as_ref(), &report, now, noted)
    })?;
    Ok(code(rules.policy.settings.mode, decision.verdict))
}

/// Nothing is known of what runs.
fn empty_catalog() -> CliResult<Catalog> {
    Catalog::assemble(Vec::new())
        .map_err(|_| CliError::new(exit::INTERNAL, "an empty catalogue is refused"))
}
