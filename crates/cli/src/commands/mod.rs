//! One file per command.

mod action;
mod audit;
mod backtest;
mod break_glass;
mod break_glass_plan;
mod catalog;
mod check;
mod db;
mod declare;
mod demo;
mod deployment;
mod factor;
mod gate;
mod guard;
mod hook;
mod incident;
mod init;
mod initiative;
mod ledger;
mod link;
mod mcp_proxy;
mod pack;
mod pass;
mod plan;
mod policy;
mod queue;
mod radius;
mod ratify;
mod record;
mod report;
mod review;
mod scan;
mod sign;
mod sign_plan;
mod signoffs;
mod trend;
mod usage;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use countersign_git::{GitError, Oid, Repo};

use crate::error::CliResult;

pub(crate) use check::judge;
pub(crate) use plan::Judged;

/// The safety interlock between AI coding tools and production.
///
/// Every AI-assisted change carries the sign-off that its blast radius calls
/// for, before it merges, ships, or an agent runs it.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 allow, 1 hold, 2 refuse, 64 usage, 65 bad data, 66 not found, 70 internal, 74 I/O.\n\
                  Start with: countersign check"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Sign(Box<sign::SignArgs>),
    Declare(declare::DeclareArgs),
    BreakGlass(break_glass::BreakGlassArgs),
    Ratify(ratify::RatifyArgs),
    Verify(verify::VerifyArgs),
    Audit(audit::AuditArgs),
    #[command(subcommand)]
    Hook(hook::HookCommand),
    Queue(queue::QueueArgs),
    #[command(subcommand)]
    Gate(gate::GateCommand),
    #[command(subcommand)]
    Guard(guard::GuardCommand),
    #[command(subcommand)]
    Signoffs(signoffs::SignoffsCommand),
    Pass(pass::PassArgs),
    McpProxy(mcp_proxy::McpProxyArgs),
    Scan(scan::ScanArgs),
    Plan(Box<plan::PlanArgs>),
    Init(init::InitArgs),
    Backtest(backtest::BacktestArgs),
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    #[command(subcommand)]
    Report(report::ReportCommand),
    #[command(subcommand)]
    Record(record::RecordCommand),
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    #[command(subcommand)]
    Incident(incident::IncidentCommand),
    #[command(subcommand)]
    Factor(factor::FactorCommand),
    #[command(subcommand)]
    Link(link::LinkCommand),
    #[command(subcommand)]
    Deployment(deployment::DeploymentCommand),
    #[command(subcommand)]
    Action(action::ActionCommand),
    #[command(subcommand)]
    Db(db::DbCommand),
    Trend(trend::TrendArgs),
    #[command(subcommand)]
    Usage(usage::UsageCommand),
    #[command(subcommand)]
    Radius(radius::RadiusCommand),
    #[command(subcommand)]
    Review(review::ReviewCommand),
    #[command(subcommand)]
    Initiative(initiative::InitiativeCommand),
    #[command(subcommand)]
    Pack(pack::PackCommand),
    Demo(demo::DemoArgs),
}

/// Which repository.
#[derive(Debug, Args)]
pub(crate) struct RepoArgs {
    /// The repository, or any directory in it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
}

impl RepoArgs {
    fn dir(&self) -> &std::path::Path {
        &self.repo
    }

    pub(crate) fn open(&self) -> CliResult<Repo> {
        Ok(Repo::open(&self.repo)?)
    }
}

/// The commit that rules are read from when no change says where it goes: the
/// default branch, else HEAD. `None` before the first commit.
pub(crate) fn protected(repo: &Repo) -> CliResult<Option<Oid>> {
    let rev = repo.default_branch()?.unwrap_or_else(|| "HEAD".to_owned());
    match repo.resolve(&rev) {
        Ok(commit) => Ok(Some(commit)),
        Err(GitError::UnbornBranch(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Runs the command and returns its exit code.
pub(crate) fn run(cli: Cli) -> CliResult {
    match cli.command {
        Command::Check(args) => check::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Declare(args) => declare::run(&args),
        Command::BreakGlass(args) => break_glass::run(&args),
        Command::Ratify(args) => ratify::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Hook(command) => hook::run(&command),
        Command::Queue(args) => queue::run(&args),
        Command::Gate(command) => gate::run(&command),
        Command::Guard(command) => guard::run(&command),
        Command::Signoffs(command) => signoffs::run(&command),
        Command::Pass(args) => pass::run(&args),
        Command::McpProxy(args) => mcp_proxy::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Catalog(command) => catalog::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Report(command) => report::run(&command),
        Command::Record(command) => record::run(&command),
        Command::Ledger(command) => ledger::run(&command),
        Command::Incident(command) => incident::run(&command),
        Command::Factor(command) => factor::run(&command),
        Command::Link(command) => link::run(&command),
        Command::Deployment(command) => deployment::run(&command),
        Command::Action(command) => action::run(&command),
        Command::Db(command) => db::run(&command),
        Command::Trend(args) => trend::run(&args),
        Command::Usage(command) => usage::run(&command),
        Command::Radius(command) => radius::run(&command),
        Command::Review(command) => review::run(&command),
        Command::Initiative(command) => initiative::run(&command),
        Command::Pack(command) => pack::run(&command),
        Command::Demo(args) => demo::run(&args),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        super::Cli::command().debug_assert();
    }
}
