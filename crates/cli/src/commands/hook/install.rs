//! Installing and removing hooks, keeping those of the user.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use countersign_git::Repo;

use super::{Hook, InstallArgs};
use crate::error::{CliError, CliResult, exit};
use crate::style::{BOLD, DIM, paint};

/// By this line a hook is known as ours.
const MARKER: &str = "# Installed by `countersign hook install`; `--uninstall` removes it.";

/// What was there before lives on under this name and runs first.
const KEPT: &str = "before-countersign";

pub(super) fn run(args: &InstallArgs) -> CliResult {
    let repo = Repo::open(&args.repo)?;
    let dir = hooks_dir(&repo)?;
    let gate = args.pre_receive || args.update || (!args.pre_push && repo.work_tree().is_none());
    let hooks: &[Hook] = match (gate, args.update) {
        (false, _) => &[Hook::PrePush],
        (true, false) => &[Hook::PreReceive, Hook::PostReceive],
        (true, true) => &[Hook::Update, Hook::PostReceive],
    };
    if let Some(name) = &args.pusher
        && !is_variable(name)
    {
        return Err(
            CliError::new(exit::USAGE, format!("`{name}` is not a variable"))
                .hint("write a name such as `GL_USERNAME`"),
        );
    }
    let mut out = anstream::stdout().lock();
    // Nothing is written before all of it can be.
    for hook in hooks {
        check(&dir, *hook)?;
    }
    for hook in hooks {
        let did = if args.uninstall {
            uninstall(&dir, *hook)?
        } else {
            let program = std::env::current_exe()?;
            install(&dir, *hook, &script(*hook, &program, args))?
        };
        let place = dir.join(hook.name());
        writeln!(out, "{did}  {}", paint(BOLD, place.display()))?;
    }
    if gate && !args.uninstall {
        let note = "the protected branches are those of the policy on the default branch";
        writeln!(out, "  {}", paint(DIM, note))?;
        if args.pusher.is_none() {
            let warning = "warning: without --pusher nobody knows who pushes, so whoever does can write under any mailbox, also a senior's";
            writeln!(out, "  {warning}")?;
        }
    }
    Ok(exit::ALLOW)
}

fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Where git looks for the repository's hooks.
fn hooks_dir(repo: &Repo) -> CliResult<PathBuf> {
    let (dir, shared) = repo.hooks_dir()?;
    if shared {
        let message = format!(
            "hooks of all repositories are in {} (core.hooksPath), not in this one",
            dir.display()
        );
        return Err(CliError::new(exit::DATA, message).hint(
            "set core.hooksPath in this repository, or call `countersign hook run HOOK` from yours",
        ));
    }
    Ok(dir)
}

fn is_ours(file: &Path) -> CliResult<Option<bool>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).contains(MARKER))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("reading {} failed: {error}", file.display());
            Err(CliError::new(exit::IO, message))
        }
    }
}

fn kept(dir: &Path, hook: Hook) -> PathBuf {
    dir.join(format!("{}.{KEPT}", hook.name()))
}

/// Refuses where two hooks of the user would meet.
fn check(dir: &Path, hook: Hook) -> CliResult<()> {
    let file = dir.join(hook.name());
    if is_ours(&file)? == Some(false) && kept(dir, hook).exists() {
        let message = format!(
            "{} is not ours, and {} is in the way of keeping it",
            file.display(),
            kept(dir, hook).display()
        );
        return Err(CliError::new(exit::DATA, message)
            .hint("merge the two into one hook, and remove the other"));
    }
    Ok(())
}

fn install(dir: &Path, hook: Hook, script: &str) -> CliResult<&'static str> {
    std::fs::create_dir_all(dir)?;
    let file = dir.join(hook.name());
    let ours = is_ours(&file)?;
    if ours == Some(true) && std::fs::read_to_string(&file)? == script {
        return Ok("already installed");
    }
    if ours == Some(false) {
        std::fs::rename(&file, kept(dir, hook))?;
    }
    // A push that comes meanwhile finds the old hook or the new one, never half.
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    new.write_all(script.as_bytes())?;
    executable(new.path())?;
    new.persist(&file).map_err(|error| error.error)?;
    Ok(match ours {
        None => "installed",
        Some(true) => "updated",
        Some(false) => "installed, after the hook that was there,",
    })
}

#[cfg(unix)]
fn executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
}

/// Elsewhere git runs hooks by their first line.
#[cfg(not(unix))]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn uninstall(dir: &Path, hook: Hook) -> CliResult<&'static str> {
    let file = dir.join(hook.name());
    if is_ours(&file)? != Some(true) {
        return Ok("was not installed");
    }
    let before = kept(dir, hook);
    if before.exists() {
        std::fs::rename(&before, &file)?;
        return Ok("removed, and put back what was there,");
    }
    std::fs::remove_file(&file)?;
    Ok("removed")
}

/// The hook. A gate whose program is gone refuses, since the shell's own error
/// does; advice without a program stays silent.
fn script(hook: Hook, program: &Path, args: &InstallArgs) -> String {
    let name = hook.name();
    let program = quoted(&program.display().to_string());
    let mut options = String::new();
    if args.block {
        options.push_str(" --block");
    }
    if let Some(pusher) = args.pusher.as_ref().filter(|_| hook != Hook::PrePush) {
        let _ = write!(options, " --pusher {pusher}");
    }
    let call = format!("{program} hook run {name}{options} -- \"$@\"");
    let mut text = format!("#!/bin/sh\n{MARKER}\nbefore=\"$(dirname \"$0\")/{name}.{KEPT}\"\n");
    let guard = if hook == Hook::PrePush && !args.block {
        format!("[ -x {program} ] || exit 0\n")
    } else {
        String::new()
    };
    if hook == Hook::Update {
        let _ = write!(
            text,
            "if [ -x \"$before\" ]; then\n  \"$before\" \"$@\" || exit $?\nfi\n{guard}exec {call}\n"
        );
        return text;
    }
    // Both hooks read the same lines.
    let _ = write!(
        text,
        "lines=$(cat)\nif [ -n \"$lines\" ]; then lines=\"$lines\n\"; fi\n\
         if [ -x \"$before\" ]; then\n  printf %s \"$lines\" | \"$before\" \"$@\" || exit $?\nfi\n\
         {guard}printf %s \"$lines\" | {call}\n"
    );
    text
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
