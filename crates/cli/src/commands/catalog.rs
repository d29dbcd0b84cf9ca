//! `countersign catalog`: look at what runs, who owns it and what it needs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use countersign_core::catalog::{self, Catalog, Draft, Finding};
use countersign_core::moment;
use countersign_core::problem::{Problem, Severity, Source};
use countersign_git::Repo;
use jiff::Timestamp;
use serde::Serialize;

use super::RepoArgs;
use crate::catalogue::{self, BACKSTAGE, Said};
use crate::error::{CliError, CliResult, exit};
use crate::input::Input;
use crate::report::{self, count};
use crate::rules::{self, CATALOG};
use crate::style::{BOLD, DIM, paint};

/// What runs, who owns it, what it needs.
#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    /// Report what is dangling, stale, cyclic, unowned and the like; exit 1
    /// when something is wrong.
    Check(CheckArgs),
    /// Draw the catalogue as SVG.
    Graph(GraphArgs),
}

/// Gives the text of a file; `None` when it is not there.
type Load<'a> = Box<dyn Fn(&str) -> CliResult<Option<String>> + 'a>;

/// Where the catalogue comes from.
#[derive(Debug, Args)]
struct SourceArgs {
    #[command(flatten)]
    repo: RepoArgs,
    /// Read it as of this revision; else from the work tree.
    #[arg(long, value_name = "REV")]
    at: Option<String>,
    /// Calls that were measured: dependencies from Jaeger or Zipkin (JSON), or
    /// an OpenTelemetry service graph (Prometheus text).
    #[arg(long, value_name = "FILE")]
    traces: Vec<PathBuf>,
    /// Kubernetes manifests.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    manifests: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    sources: SourceArgs,
    /// Measured needs count as stale after this time.
    #[arg(long, default_value = "30d", value_name = "TIME")]
    stale_after: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Judge as if it were this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    sources: SourceArgs,
    /// Write to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(command: &CatalogCommand) -> CliResult {
    match command {
        CatalogCommand::Check(args) => check(args),
        CatalogCommand::Graph(args) => graph(args),
    }
}

/// The JSON form of `catalog check`.
#[derive(Debug, Serialize)]
struct CheckReport<'a> {
    schema: &'static str,
    services: usize,
    functions: usize,
    needs: usize,
    findings: &'a [Finding],
    warnings: &'a [Problem],
}

fn check(args: &CheckArgs) -> CliResult {
    let repo = args.sources.repo.open()?;
    let (catalog, warnings) = args.sources.read(&repo)?;
    let stale_after = moment::parse_duration(&args.stale_after)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(moment::DURATION_HINT))?;
    let files = args.sources.files(&repo)?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let findings = catalog::check(&catalog, files.as_deref(), now, stale_after);
    let mut out = anstream::stdout().lock();
    if args.json {
        let report = CheckReport {
            schema: "countersign.catalog-check/1",
            services: catalog.services().len(),
            functions: catalog.functions().len(),
            needs: catalog.edges().len(),
            findings: &findings,
            warnings: &warnings,
        };
        out.write_all(report::json(&report)?.as_bytes())?;
    } else {
        print(&mut out, &catalog, &findings, &warnings)?;
    }
    let wrong = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    Ok(if wrong { exit::HOLD } else { exit::ALLOW })
}

fn print(
    out: &mut impl Write,
    catalog: &Catalog,
    findings: &[Finding],
    warnings: &[Problem],
) -> CliResult<()> {
    let size = format!(
        "{}, {}, {}",
        count(catalog.services().len() as u64, "service"),
        count(catalog.functions().len() as u64, "customer function"),
        count(catalog.edges().len() as u64, "need")
    );
    let errors = findings.iter().filter(|f| f.severity == Severity::Error);
    let errors = errors.count();
    let word = match (errors, findings.len()) {
        (0, 0) => "nothing wrong".to_owned(),
        (errors, all) => format!(
            "{}, {}",
            count(errors as u64, "error"),
            count((all - errors) as u64, "warning")
        ),
    };
    writeln!(out, "{}  {}", paint(BOLD, word), paint(DIM, size))?;
    for (at, severity) in [Severity::Error, Severity::Warning].iter().enumerate() {
        let mark = if at == 0 { "✗" } else { "•" };
        for finding in findings.iter().filter(|f| f.severity == *severity) {
            writeln!(out, "  {mark} {}", finding.message)?;
        }
    }
    for warning in warnings {
        writeln!(out, "  • {warning}")?;
    }
    Ok(())
}

fn graph(args: &GraphArgs) -> CliResult {
    let repo = args.sources.repo.open()?;
    let (catalog, _) = args.sources.read(&repo)?;
    let svg = catalog::draw(&catalog, &BTreeMap::new());
    match &args.out {
        None => anstream::stdout().lock().write_all(svg.as_bytes())?,
        Some(path) => std::fs::write(path, svg).map_err(|error| {
            let message = format!("writing {} failed: {error}", path.display());
            CliError::new(exit::IO, message)
        })?,
    }
    Ok(exit::ALLOW)
}

impl SourceArgs {
    /// The catalogue from every source that is there.
    fn read(&self, repo: &Repo) -> CliResult<(Catalog, Vec<Problem>)> {
        let Said {
            mut drafts,
            warnings,
        } = self.declared(repo)?;
        if !self.manifests.is_empty() {
            drafts.push(manifests(&self.manifests)?);
        }
        for path in &self.traces {
            drafts.push(traces(path)?);
        }
        match catalogue::assemble(drafts)? {
            Some(catalog) => Ok((catalog, warnings)),
            None => {
                let message = format!("there is no catalogue: neither {CATALOG} nor {BACKSTAGE}");
                Err(CliError::new(exit::NOT_FOUND, message)
                    .hint("countersign init writes a commented one"))
            }
        }
    }

    fn declared(&self, repo: &Repo) -> CliResult<Said> {
        let load: Load<'_> = match (&self.at, repo.work_tree()) {
            (Some(rev), _) => {
                let commit = repo.resolve(rev)?;
                Box::new(move |path| rules::text(path, repo.read_file(&commit, path)?))
            }
            (None, Some(top)) => Box::new(move |path| file(top, path)),
            (None, None) => {
                let commit = repo.resolve("HEAD")?;
                Box::new(move |path| rules::text(path, repo.read_file(&commit, path)?))
            }
        };
        catalogue::drafts(load(CATALOG)?, load(BACKSTAGE)?, load)
    }

    /// The paths that patterns are checked against.
    fn files(&self, repo: &Repo) -> CliResult<Option<Vec<String>>> {
        let rev = self.at.as_deref().unwrap_or("HEAD");
        let Ok(commit) = repo.resolve(rev) else {
            return Ok(None);
        };
        let files = repo.list_files(&commit, "")?;
        Ok(Some(files.into_iter().map(|entry| entry.path).collect()))
    }
}

/// A file of the work tree; `None` when it is not there.
fn file(top: &Path, path: &str) -> CliResult<Option<String>> {
    let whole = top.join(path);
    if !whole.exists() {
        return Ok(None);
    }
    Input::read(&whole)?.text().map(Some)
}

fn manifests(paths: &[PathBuf]) -> CliResult<Draft> {
    let mut files = Vec::new();
    for path in paths {
        let input = Input::read(path)?;
        files.push((input.name.clone(), input.text()?));
    }
    let sources = files.iter().map(|(file, text)| Source { file, text });
    catalog::from_manifests(sources).map_err(|problems| at_fault(problems, &files))
}

/// Measured calls. They were seen when the file was written.
fn traces(path: &Path) -> CliResult<Draft> {
    let input = Input::read(path)?;
    let name = input.name.clone();
    let seen = std::fs::metadata(path)
        .and_then(|found| found.modified())
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok())
        .unwrap_or_else(Timestamp::now);
    let text = input.text()?;
    let source = Source {
        file: &name,
        text: &text,
    };
    let read = if text.trim_start().starts_with(['{', '[']) {
        catalog::from_dependencies(source, seen)
    } else {
        catalog::from_service_graph(source, seen)
    };
    read.map_err(|problem| CliError::file(&name, &text, vec![problem]))
}

/// The problems of the first file that has any.
fn at_fault(problems: Vec<Problem>, files: &[(String, String)]) -> CliError {
    let file = problems
        .first()
        .map(|problem| problem.file.clone())
        .unwrap_or_default();
    let text = files.iter().find(|(name, _)| *name == file);
    let text = text.map_or("", |(_, text)| text.as_str());
    let here = problems.into_iter().filter(|problem| problem.file == file);
    CliError::file(&file, text, here.collect())
}
