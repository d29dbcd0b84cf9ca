//! `countersign guard install` and `uninstall`: the agents' configuration.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use countersign_core::signoff::Digest;
use countersign_guard::agent::Agent;
use countersign_guard::install::{self, Form, Scope, Target};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::compile::print as print_rules;
use crate::error::{CliError, CliResult, exit};
use crate::guard::compile::{For, compile};
use crate::guard::place::Place;
use crate::guard::{files, needed_home, rules};
use crate::style::{BOLD, DIM, paint};

/// The largest configuration file edited, in bytes.
const MAX_SIZE: usize = 8 << 20;

/// Which agents, and whose configuration.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// The agent; without it, every agent that is used here.
    #[arg(long, value_name = "NAME", value_parser = agent)]
    agent: Option<Agent>,
    /// The project's configuration instead of yours.
    #[arg(long, conflicts_with = "managed")]
    project: bool,
    /// Your configuration, in every project (the default).
    #[arg(long, conflicts_with_all = ["project", "managed"])]
    user: bool,
    /// The machine's configuration, which agents cannot edit.
    #[arg(long)]
    managed: bool,
    /// This file instead of the usual one, such as an agent of Kiro before
    /// version 3.
    #[arg(long, value_name = "FILE", requires = "agent")]
    file: Option<PathBuf>,
}

fn agent(name: &str) -> Result<Agent, String> {
    Agent::named(name).ok_or_else(|| {
        let known: Vec<&str> = Agent::ALL.iter().map(|agent| agent.as_str()).collect();
        format!("known are {}", known.join(", "))
    })
}

/// Make agents ask the guard before every tool call.
///
/// Shows each change to a configuration file and asks. Everything else in the
/// file stays as it is, and `uninstall` brings the old bytes back.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// The SSH key that passes are signed with, where there is no roster.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Take the guard out of the agents' configuration.
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// The file as it was before the guard came.
#[derive(Serialize, Deserialize)]
struct Kept {
    path: PathBuf,
    /// Absent when there was no file.
    before: Option<String>,
    /// SHA-256 of the file as the guard left it.
    after: Digest,
}

impl WhichArgs {
    const fn scope(&self) -> Scope {
        if self.managed {
            Scope::Managed
        } else if self.project {
            Scope::Project
        } else {
            Scope::User
        }
    }

    /// The files; of all agents, those that are used here.
    pub(super) fn targets(&self) -> CliResult<Vec<Target>> {
        if let (Some(agent), Some(file)) = (self.agent, &self.file) {
            return Ok(vec![Target::at(agent, &std::path::absolute(file)?)]);
        }
        let (home, root) = (home()?, project()?);
        let of = |agent| install::targets(agent, self.scope(), &home, &root);
        if let Some(agent) = self.agent {
            let target = of(agent).ok_or_else(|| {
                CliError::new(
                    exit::USAGE,
                    format!("{} has no configuration of that kind", agent.as_str()),
                )
            })?;
            return Ok(vec![target]);
        }
        Ok(Agent::ALL
            .into_iter()
            .filter_map(of)
            .filter(is_used)
            .collect())
    }
}

/// Whether an agent has left its directory here.
fn is_used(target: &Target) -> bool {
    let own = matches!(target.form, Form::OwnJson | Form::Plugin | Form::Script);
    let dir = target.path.parent();
    let dir = if own { dir.and_then(Path::parent) } else { dir };
    dir.is_some_and(Path::is_dir)
}

pub(super) fn home() -> CliResult<PathBuf> {
    std::env::var_os("HOME")
        .or_else(|| std::env::var_os("USERPROFILE"))
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
        .ok_or_else(|| CliError::new(exit::NOT_FOUND, "there is no home directory"))
}

pub(super) fn project() -> CliResult<PathBuf> {
    let place =
        Place::of(None).ok_or_else(|| CliError::new(exit::NOT_FOUND, "there is no directory"))?;
    Ok(place.repo.map_or(place.cwd, |repo| repo.root))
}

/// This program, as hooks call it: the path it was started by, not what a link
/// leads to, so that an update of the program updates the hooks.
fn program() -> CliResult<String> {
    let path = std::env::current_exe()?;
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| CliError::new(exit::DATA, "the program's path is not UTF-8"))
}

pub(super) fn read(path: &Path) -> CliResult<Option<String>> {
    let wrong = |what: String| CliError::new(exit::DATA, format!("{}: {what}", path.display()));
    match files::read(path, MAX_SIZE) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| wrong("it is not UTF-8 text".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(error.to_string())),
    }
}

pub(super) fn install(args: &InstallArgs) -> CliResult {
    let targets = args.which.targets()?;
    if targets.is_empty() {
        return Err(CliError::new(exit::NOT_FOUND, "no agent is used here")
            .hint("name one: countersign guard install --agent claude-code"));
    }
    let program = program()?;
    // Everything is read and computed before anything is written.
    let mut changes = Vec::new();
    for target in targets {
        let before = read(&target.path)?;
        let after = install::add(&target, before.as_deref(), &program).map_err(|error| {
            CliError::new(exit::DATA, format!("{}: {error}", target.path.display()))
                .hint("nothing was written; `--agent NAME` installs for one agent alone")
        })?;
        changes.push((target, before, after));
    }
    for (target, before, after) in &changes {
        change(target, before.as_deref(), Some(after), args.yes)?;
    }
    let made = ensure_rules(args)?;
    if made {
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "\nNow see that it works: {}",
            paint(BOLD, "countersign guard doctor")
        )?;
    }
    Ok(exit::ALLOW)
}

/// Compiles rules where there are none: without them the guard denies whatever
/// could destroy.
fn ensure_rules(args: &InstallArgs) -> CliResult<bool> {
    let now = Timestamp::now();
    let place = Place::of(None);
    if args.key.is_none()
        && place
            .as_ref()
            .is_some_and(|place| rules::load(place, now).is_ok())
    {
        return Ok(true);
    }
    let whom = match (args.which.managed, place.and_then(|place| place.repo)) {
        (true, _) => For::Machine,
        (_, Some(repo)) if args.which.project || repo.has_adopted() => For::Repository,
        _ => For::User,
    };
    let made = compile(Path::new("."), whom, args.key.as_deref(), now)?;
    made.write()?;
    print_rules(&made)?;
    Ok(true)
}

/// Shows a change and makes it; `None` removes the file.
fn change(target: &Target, before: Option<&str>, after: Option<&str>, yes: bool) -> CliResult<()> {
    let mut out = anstream::stdout().lock();
    let name = target.path.display();
    if before == after {
        writeln!(
            out,
            "{} {name} {}",
            target.agent.as_str(),
            paint(DIM, "is as it should be")
        )?;
        return Ok(());
    }
    writeln!(out, "{} {}", paint(BOLD, target.agent.as_str()), name)?;
    for line in install::diff(before.unwrap_or_default(), after.unwrap_or_default()).lines() {
        writeln!(
            out,
            "  {}",
            if line.starts_with(' ') {
                paint(DIM, line)
            } else {
                line.to_owned()
            }
        )?;
    }
    drop(out);
    if !yes && !agrees()? {
        return Err(CliError::new(exit::HOLD, format!("{name} was not changed")));
    }
    match after {
        Some(text) => write(target, text)?,
        None => std::fs::remove_file(&target.path)?,
    }
    remember(target, before, after)
}

fn agrees() -> CliResult<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::new(exit::USAGE, "this is no terminal to ask at").hint("add --yes"));
    }
    anstream::print!("Change it? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Writes beside the file and renames, keeping the file's own permissions.
fn write(target: &Target, text: &str) -> CliResult<()> {
    // A link is followed: what it leads to is edited, the link stays.
    let path = std::fs::canonicalize(&target.path).unwrap_or_else(|_| target.path.clone());
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let beside = path.with_extension(format!("countersign-{}", std::process::id()));
    std::fs::write(&beside, text)?;
    let permissions = std::fs::metadata(&path).map(|about| about.permissions());
    if let Ok(permissions) = permissions {
        std::fs::set_permissions(&beside, permissions)?;
    }
    #[cfg(unix)]
    if target.form == Form::Script {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o755))?;
    }
    std::fs::rename(&beside, &path)?;
    Ok(())
}

fn kept_file(path: &Path) -> CliResult<PathBuf> {
    let name = Digest::of(path.to_string_lossy().as_bytes()).to_string();
    Ok(needed_home()?.join("installs").join(format!("{name}.json")))
}

fn kept(path: &Path) -> CliResult<Option<Kept>> {
    let text = read(&kept_file(path)?)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn remember(target: &Target, before: Option<&str>, after: Option<&str>) -> CliResult<()> {
    let file = kept_file(&target.path)?;
    let Some(after) = after else {
        let _ = std::fs::remove_file(file);
        return Ok(());
    };
    // A second install keeps what was there before the first.
    let first = kept(&target.path)?
        .filter(|kept| before.is_some_and(|before| Digest::of(before.as_bytes()) == kept.after))
        .map(|kept| kept.before);
    let record = Kept {
        path: target.path.clone(),
        before: first.unwrap_or_else(|| before.map(str::to_owned)),
        after: Digest::of(after.as_bytes()),
    };
    let bytes = serde_json::to_vec(&record)
        .map_err(|error| CliError::new(exit::INTERNAL, error.to_string()))?;
    files::replace(&file, &bytes)?;
    Ok(())
}

pub(super) fn uninstall(args: &UninstallArgs) -> CliResult {
    for target in args.which.targets()? {
        let Some(before) = read(&target.path)? else {
            continue;
        };
        if !install::is_ours(&before, target.agent) {
            continue;
        }
        let untouched =
            kept(&target.path)?.filter(|kept| kept.after == Digest::of(before.as_bytes()));
        let after = match untouched {
            // Nobody else has changed the file: the old bytes come back.
            Some(kept) => kept.before,
            None => install::remove(&target, &before).map_err(|error| {
                CliError::new(exit::DATA, format!("{}: {error}", target.path.display()))
            })?,
        };
        change(&target, Some(&before), after.as_deref(), args.yes)?;
        let _ = std::fs::remove_file(kept_file(&target.path)?);
    }
    Ok(exit::ALLOW)
}
