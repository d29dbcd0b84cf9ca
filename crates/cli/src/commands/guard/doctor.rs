//! `countersign guard doctor`: do the installed hooks really deny?

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Args;
use countersign_guard::agent::Agent;
use countersign_guard::install::{self, Form, Scope, Target};
use countersign_guard::protocol::{denies, sample};
use jiff::Timestamp;

use super::install::{home, project, read};
use crate::error::{CliResult, exit};
use crate::guard::place::Place;
use crate::guard::{files, journal, needed_home, rules};
use crate::style::{BOLD, DIM, paint};

/// What every hook must deny. It names nothing that exists.
const PLANTED: &str = "terraform destroy -auto-approve";

/// Run every installed hook as its agent would, with a planted destruction.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}

/// How many things are wrong, and how many hooks were found.
#[derive(Default)]
struct Tally {
    wrong: usize,
    hooks: usize,
}

pub(super) fn run(_: &DoctorArgs) -> CliResult {
    let mut out = anstream::stdout().lock();
    let mut tally = Tally::default();
    check_rules(&mut out, &mut tally)?;
    let (home, root) = (home()?, project()?);
    for agent in Agent::ALL {
        let mut found: Vec<Target> = Vec::new();
        for scope in [Scope::User, Scope::Project, Scope::Managed] {
            if let Some(target) = install::targets(agent, scope, &home, &root)
                && read(&target.path)?.is_some_and(|text| install::is_ours(&text, agent))
                && !found.iter().any(|it| it.path == target.path)
            {
                found.push(target);
            }
        }
        for target in &found {
            tally.hooks += 1;
            check_hook(&mut out, target, &mut tally)?;
        }
        if found.len() > 1 {
            tally.wrong += 1;
            say(
                &mut out,
                false,
                agent.as_str(),
                "installed more than once: the second hook would find a pass used up; uninstall one",
            )?;
        }
    }
    if tally.hooks == 0 {
        tally.wrong += 1;
        say(
            &mut out,
            false,
            "hooks",
            "no agent asks the guard: countersign guard install",
        )?;
    }
    Ok(if tally.wrong == 0 {
        exit::ALLOW
    } else {
        exit::HOLD
    })
}

fn say(out: &mut impl Write, good: bool, name: &str, text: &str) -> CliResult<()> {
    let mark = if good {
        paint(DIM, "ok   ")
    } else {
        paint(BOLD, "WRONG")
    };
    writeln!(out, "{mark} {name:<12} {text}")?;
    Ok(())
}

fn check_rules(out: &mut impl Write, tally: &mut Tally) -> CliResult<()> {
    let now = Timestamp::now();
    let Some(place) = Place::of(None) else {
        return Ok(());
    };
    let opened = rules::load(&place, now).and_then(|compiled| Ok((compiled.open()?, compiled)));
    let (rules, compiled) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tally.wrong += 1;
            return say(
                out,
                false,
                "rules",
                &format!("{error}: countersign guard compile"),
            );
        }
    };
    let signers = rules
        .roster
        .people()
        .iter()
        .filter(|person| person.active && person.keys.iter().any(|key| key.is_valid_at(now)))
        .count();
    say(
        out,
        true,
        "rules",
        &format!(
            "{}, made {}, {signers} can sign passes",
            compiled.from,
            compiled.made.strftime("%F")
        ),
    )?;
    if signers == 0 {
        tally.wrong += 1;
        say(
            out,
            false,
            "passes",
            if rules.roster.people().is_empty() {
                "nobody can pass a held action: countersign guard compile --key FILE"
            } else {
                "nobody can pass a held action: add keys to people in .countersign/people.toml"
            },
        )?;
    }
    if compiled.shadow {
        tally.wrong += 1;
        say(
            out,
            false,
            "mode",
            "shadow: verdicts are recorded, nothing is stopped",
        )?;
    }
    let log = journal::current(&needed_home()?);
    let writable = files::private().append(true).create(true).open(&log);
    if let Err(error) = writable.or_else(|_| {
        files::private_dir(log.parent().unwrap_or(Path::new("/")))?;
        files::private().append(true).create(true).open(&log)
    }) {
        tally.wrong += 1;
        say(
            out,
            false,
            "log",
            &format!("{} cannot be written: {error}", log.display()),
        )?;
    }
    if let Some(key) = open_key() {
        say(
            out,
            true,
            "key",
            &format!(
                "{key} has no passphrase: an agent that gets round the guard could sign with it; a security key or a passphrase stops that"
            ),
        )?;
    }
    Ok(())
}

/// A usual key that can be used without a passphrase.
fn open_key() -> Option<String> {
    let ssh = std::path::PathBuf::from(std::env::var_os("HOME")?).join(".ssh");
    ["id_ed25519", "id_ecdsa", "id_rsa"]
        .iter()
        .find_map(|name| {
            let path = ssh.join(name);
            let status = path.is_file().then(|| {
                Command::new("ssh-keygen")
                    .args(["-y", "-P", "", "-f"])
                    .arg(&path)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
            })?;
            status
                .is_ok_and(|status| status.success())
                .then(|| path.display().to_string())
        })
}

fn check_hook(out: &mut impl Write, target: &Target, tally: &mut Tally) -> CliResult<()> {
    let name = target.agent.as_str();
    let path = target.path.display();
    let text = read(&target.path)?.unwrap_or_default();
    if let Some(why) = install::switched_off(&text, target) {
        tally.wrong += 1;
        return say(out, false, name, &format!("{path}: {why}"));
    }
    let cwd = project()?.to_string_lossy().into_owned();
    let destroys = attempt(target, &text, PLANTED, &cwd);
    let harmless = attempt(target, &text, "git status", &cwd);
    match (destroys, harmless) {
        (Ok(true), Ok(false)) => say(
            out,
            true,
            name,
            &format!("denies a planted destruction ({path})"),
        ),
        (Ok(true), Ok(true)) => {
            tally.wrong += 1;
            say(
                out,
                false,
                name,
                &format!(
                    "denies even `git status` ({path}): is the program still where the hook looks for it?"
                ),
            )
        }
        (Ok(false), _) => {
            tally.wrong += 1;
            say(
                out,
                false,
                name,
                &format!("LETS a planted destruction through ({path})"),
            )
        }
        (Err(error), _) | (_, Err(error)) => {
            tally.wrong += 1;
            say(
                out,
                false,
                name,
                &format!("cannot be started ({path}): {error}"),
            )
        }
    }
}

/// Runs the hook's own command line; whether it denies.
fn attempt(target: &Target, text: &str, command: &str, cwd: &str) -> std::io::Result<bool> {
    let mut process = match (target.form, install::command_in(text, target)) {
        (Form::Script, _) => Command::new(&target.path),
        (Form::Plugin, _) => {
            // The plugin runs inside the agent; what it starts is what counts.
            let mut process = Command::new(program_of_plugin(text).unwrap_or_default());
            process.args(["guard", "--agent", target.agent.as_str()]);
            process
        }
        (_, Some(line)) => {
            let mut process = Command::new("sh");
            process.args(["-c", &line]);
            process
        }
        (_, None) => return Err(std::io::Error::other("its command line cannot be read")),
    };
    let mut child = process
        .current_dir(cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that answers without reading is judged by its answer.
        let _ = stdin.write_all(&sample(target.agent, command, cwd));
    }
    let output = child.wait_with_output()?;
    Ok(denies(
        target.agent,
        output.status.code().unwrap_or(-1),
        &output.stdout,
    ))
}

fn program_of_plugin(text: &str) -> Option<String> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("const PROGRAM = "))?;
    serde_json::from_str(line).ok()
}
