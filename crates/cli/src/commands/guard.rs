//! `countersign guard`: what a command would do, before an agent runs it.

mod compile;
mod doctor;
mod install;
mod log;
mod report;

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use countersign_core::effect::Environment;
use countersign_effects::command::{Context, Danger, Reading, judge_command};
use countersign_effects::target::Targets;
use countersign_git::Repo;

use super::policy::read_named;
use crate::error::{CliError, CliResult, exit};
use crate::report::json as to_json;
use crate::style::{self, BOLD, DIM, paint};

/// Judge commands by what they would do to which target.
///
/// `countersign guard --agent NAME` is the hook that agents call.
#[derive(Debug, Subcommand)]
pub(crate) enum GuardCommand {
    /// Show the commands as understood, their effects, their targets, the verdict.
    ///
    /// Exits with 1 when the command would be held for a person.
    Explain {
        /// The command, after `--`. One word is read as a whole shell line.
        #[arg(last = true, required = true)]
        command: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Judge a file of labelled commands, and print how often it is right.
    ///
    /// Columns: verdict (destructive or benign), family, command; `␤` stands
    /// for a newline. Targets are resolved from this directory and environment.
    Test {
        /// Tab-separated rows.
        file: PathBuf,
    },
    Install(install::InstallArgs),
    Uninstall(install::UninstallArgs),
    Doctor(doctor::DoctorArgs),
    Compile(compile::CompileArgs),
    Log(log::LogArgs),
    Report(report::ReportArgs),
}

pub(super) fn run(command: &GuardCommand) -> CliResult {
    match command {
        GuardCommand::Explain { command, json } => explain(&Here::new()?, command, *json),
        GuardCommand::Test { file } => test(&Here::new()?, file),
        GuardCommand::Install(args) => install::install(args),
        GuardCommand::Uninstall(args) => install::uninstall(args),
        GuardCommand::Doctor(args) => doctor::run(args),
        GuardCommand::Compile(args) => compile::run(args),
        GuardCommand::Log(args) => log::run(args),
        GuardCommand::Report(args) => report::run(args),
    }
}

/// What the guard may look at: this process's surroundings, read only.
struct Here {
    cwd: Option<String>,
    home: Option<String>,
    root: Option<String>,
    targets: Targets,
}

/// Which names are which environment, for this repository.
const TARGETS: &str = ".countersign/targets.toml";

/// Scripts larger than this are not read; what they do stays unknown.
const MAX_SCRIPT: u64 = 1 << 20;

impl Here {
    fn new() -> CliResult<Self> {
        let text = |path: &Path| path.to_str().map(str::to_owned);
        let cwd = std::env::current_dir().ok();
        let root = Repo::open(Path::new("."))
            .ok()
            .and_then(|repo| repo.work_tree().map(Path::to_owned));
        let file = root.as_ref().map(|root| root.join(TARGETS));
        let targets = match file.filter(|file| file.is_file()) {
            Some(file) => Targets::parse(&read_named(&file)?)
                .map_err(|error| CliError::new(exit::DATA, format!("{TARGETS}: {error}")))?,
            None => Targets::default(),
        };
        Ok(Self {
            cwd: cwd.as_deref().and_then(text),
            home: std::env::var("HOME").ok(),
            root: root.as_deref().and_then(text),
            targets,
        })
    }
}

impl Context for Here {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &str) -> Option<String> {
        let file = std::fs::File::open(path).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut text = String::new();
        let read = file.take(MAX_SCRIPT + 1).read_to_string(&mut text).ok()?;
        (read as u64 <= MAX_SCRIPT).then_some(text)
    }

    fn cwd(&self) -> Option<&str> {
        self.cwd.as_deref()
    }

    fn home(&self) -> Option<&str> {
        self.home.as_deref()
    }

    fn project_root(&self) -> Option<&str> {
        self.root.as_deref()
    }

    fn targets(&self) -> &Targets {
        &self.targets
    }
}

/// Whether a person has to look: anything dangerous beyond development.
fn is_held(reading: &Reading) -> bool {
    reading.danger_above(Environment::Development) > Danger::None
}

fn explain(here: &Here, command: &[String], json: bool) -> CliResult {
    let line = match command {
        [line] => line.clone(),
        words => words
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" "),
    };
    let reading = judge_command(&line, here);
    let held = is_held(&reading);
    let mut out = anstream::stdout().lock();
    if json {
        out.write_all(to_json(&reading)?.as_bytes())?;
    } else {
        use countersign_core::decide::Verdict;
        let (verdict, text) = match reading.danger_above(Environment::Development) {
            Danger::None => (
                Verdict::Allow,
                "ALLOW  nothing beyond development is at risk",
            ),
            Danger::UnknownCouldDestroy => (
                Verdict::Hold,
                "HOLD  could destroy, and cannot be understood fully",
            ),
            Danger::Destructive => (Verdict::Hold, "HOLD  would destroy or disrupt"),
        };
        writeln!(out, "{}", paint(style::verdict(verdict), text))?;
        if let Some(target) = reading.target() {
            writeln!(
                out,
                "  {}",
                paint(
                    DIM,
                    format!("most guarded target: {}", target.environment.as_str())
                )
            )?;
        }
        writeln!(out)?;
        for line in reading.render().lines() {
            writeln!(out, "  {line}")?;
        }
        for unknown in &reading.unknowns {
            writeln!(out, "  {}", paint(DIM, format!("not known: {unknown}")))?;
        }
    }
    Ok(if held { exit::HOLD } else { exit::ALLOW })
}

/// One word as the shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// How rows of one family came out.
#[derive(Default)]
struct Tally {
    held: [u32; 2],
    passed: [u32; 2],
}

fn test(here: &Here, file: &Path) -> CliResult {
    let text = read_named(file)?;
    let mut families: std::collections::BTreeMap<&str, Tally> = std::collections::BTreeMap::new();
    let mut wrong = Vec::new();
    for (at, row) in text.lines().enumerate() {
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        let mut columns = row.split('\t');
        let (Some(verdict), Some(family), Some(command)) =
            (columns.next(), columns.next(), columns.next())
        else {
            let message = format!("{}:{}: fewer than three columns", file.display(), at + 1);
            return Err(CliError::new(exit::DATA, message)
                .hint("verdict, family and command, separated by tabs"));
        };
        let destructive = match verdict {
            "destructive" => true,
            "benign" => false,
            other => {
                let message = format!("{}:{}: `{other}` is not a verdict", file.display(), at + 1);
                return Err(CliError::new(exit::DATA, message).hint("write destructive or benign"));
            }
        };
        let line = command.replace('␤', "\n").replace('␉', "\t");
        let held = is_held(&judge_command(&line, here));
        let tally = families.entry(family).or_default();
        let side = if held {
            &mut tally.held
        } else {
            &mut tally.passed
        };
        if let Some(count) = side.get_mut(usize::from(destructive)) {
            *count += 1;
        }
        if held != destructive {
            wrong.push(format!("{verdict:<12} line {}: {command}", at + 1));
        }
    }
    print_table(&families, &wrong)?;
    Ok(exit::ALLOW)
}

fn print_table(
    families: &std::collections::BTreeMap<&str, Tally>,
    wrong: &[String],
) -> CliResult<()> {
    let mut out = anstream::stdout().lock();
    let header = format!(
        "{:<24}{:>8}{:>8}{:>8}{:>8}",
        "family", "caught", "missed", "passed", "alarms"
    );
    writeln!(out, "{}", paint(DIM, header))?;
    let mut total = [0_u32; 4];
    for (family, tally) in families {
        let ([alarms, caught], [passed, missed]) = (tally.held, tally.passed);
        writeln!(
            out,
            "{family:<24}{caught:>8}{missed:>8}{passed:>8}{alarms:>8}"
        )?;
        for (sum, n) in total.iter_mut().zip([caught, missed, passed, alarms]) {
            *sum += n;
        }
    }
    let [caught, missed, passed, alarms] = total;
    let share = |n: u32, of: u32| f64::from(n) * 100.0 / f64::from(of.max(1));
    let recall = share(caught, caught + missed);
    let false_alarms = share(alarms, alarms + passed);
    writeln!(
        out,
        "{}",
        paint(
            BOLD,
            format!("recall {recall:.1} %, false alarms {false_alarms:.1} %")
        )
    )?;
    for row in wrong.iter().take(50) {
        writeln!(out, "  {row}")?;
    }
    Ok(())
}
