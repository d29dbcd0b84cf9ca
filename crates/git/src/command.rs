//! Running git so that nothing in a repository can run anything else.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::GitError;

/// Answers larger than this are refused rather than held in memory.
const MAX_OUTPUT: u64 = 1 << 30;

/// The oldest git that has everything used here (`cat-file -z`,
/// `--since-as-filter`, `merge-tree --write-tree`).
const FLOOR: (u32, u32) = (2, 38);

/// Settings that win over every configuration file. Those that name a program
/// could run it; the others change what git prints.
const SETTINGS: [&str; 12] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "core.askPass=",
    "core.alternateRefsCommand=",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "credential.helper=",
    "protocol.allow=never",
    "diff.external=",
    "diff.orderFile=/dev/null",
    "log.showSignature=false",
];

/// Environment that would lead git to another repository or to other objects,
/// or make it run or print something.
const REMOVED: [&str; 16] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_ICASE_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_TRACE",
    "GIT_TRACE_SETUP",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
];

/// How to call git for one repository.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    dir: PathBuf,
    /// A tree to read attributes from instead of the work tree.
    attributes: Option<String>,
    /// Further environment, set last.
    env: Vec<(&'static str, OsString)>,
}

/// What git answered.
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Git {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            attributes: None,
            env: Vec::new(),
        }
    }

    /// Reads attributes from this tree. In the work tree, which the change may
    /// have written, `* -diff` would hide every line from being counted.
    pub(crate) fn with_attributes_of(mut self, tree: &str) -> Self {
        self.attributes = Some(tree.to_owned());
        self
    }

    /// Sets further environment.
    pub(crate) fn with_env(mut self, env: Vec<(&'static str, OsString)>) -> Self {
        self.env = env;
        self
    }

    /// A git command that talks to a remote, as its user set it up: with their
    /// configuration and credentials, but without hooks, since the hook that
    /// runs on a push may be what is calling.
    pub(crate) fn remote(&self, args: &[&str]) -> Result<Answer, GitError> {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.dir)
            .args(["--no-pager", "-c", "core.hooksPath=/dev/null"])
            .args(args)
            .env("LC_ALL", "C")
            .env("LANGUAGE", "C")
            .env("GIT_ADVICE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in REMOVED {
            command.env_remove(name);
        }
        finish(command, args, &[])
    }

    /// Checks that git is new enough.
    pub(crate) fn check_version(&self) -> Result<(), GitError> {
        let text = self.output(&["version"])?;
        let text = String::from_utf8_lossy(&text);
        let found = text.trim().trim_start_matches("git version ");
        match parse_version(found) {
            Some(version) if version >= FLOOR => Ok(()),
            Some(_) => Err(GitError::GitTooOld(found.to_owned())),
            None => Err(GitError::Unexpected {
                command: "version".into(),
                detail: format!("`{found}`"),
            }),
        }
    }

    /// A git command with everything switched off that configuration could use
    /// to run programs, fetch objects, or show other objects than those asked
    /// for. The caller's `GIT_DIR` is ignored: the directory decides. The
    /// object directories are kept, since a push in quarantine needs them.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.dir)
            .args(["--no-pager", "--literal-pathspecs"])
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .args(args)
            .env("LC_ALL", "C")
            .env("LANGUAGE", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            // Older gits know no `GIT_NO_LAZY_FETCH`, but all obey this.
            .env("GIT_ALLOW_PROTOCOL", "")
            // A replaced object or a graft is a local view; what is judged and
            // signed is the history that everyone has.
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_GRAFT_FILE", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_ADVICE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in REMOVED {
            command.env_remove(name);
        }
        if let Some(tree) = &self.attributes {
            command.env("GIT_ATTR_SOURCE", tree);
        }
        for (name, value) in &self.env {
            command.env(name, value);
        }
        command
    }

    /// Runs git, gives it `input`, and returns what it said.
    pub(crate) fn run(&self, args: &[&str], input: &[u8]) -> Result<Answer, GitError> {
        finish(self.command(args), args, input)
    }

    /// Runs git and insists on success.
    pub(crate) fn output(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        self.output_with(args, &[])
    }

    /// Runs git with paths, which may be any bytes, and insists on success.
    pub(crate) fn output_paths(
        &self,
        args: &[&str],
        paths: &[OsString],
    ) -> Result<Vec<u8>, GitError> {
        let mut command = self.command(args);
        command.args(paths);
        let answer = finish(command, args, &[])?;
        if answer.status == 0 {
            return Ok(answer.stdout);
        }
        Err(self.failure(args, &answer))
    }

    /// Runs git with input and insists on success.
    pub(crate) fn output_with(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, GitError> {
        let answer = self.run(args, input)?;
        if answer.status == 0 {
            return Ok(answer.stdout);
        }
        Err(self.failure(args, &answer))
    }

    /// Runs git and returns one trimmed line, or `None` when it says no.
    pub(crate) fn line(&self, args: &[&str]) -> Result<Option<String>, GitError> {
        let answer = self.run(args, &[])?;
        if answer.status != 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&answer.stdout);
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    pub(crate) fn failure(&self, args: &[&str], answer: &Answer) -> GitError {
        let said = answer.stderr.trim();
        if said.contains("dubious ownership") {
            return GitError::DubiousOwnership(self.dir.clone());
        }
        if said.contains("not a git repository") || said.contains("cannot change to") {
            return GitError::NotARepository(self.dir.clone());
        }
        let message: Vec<&str> = said.lines().take(3).collect();
        GitError::Failed {
            command: name(args),
            message: if message.is_empty() {
                format!("exit code {}", answer.status)
            } else {
                message.join("; ")
            },
        }
    }
}

/// Runs a command to its end; threads keep every channel moving.
pub(crate) fn finish(
    mut command: Command,
    args: &[&str],
    input: &[u8],
) -> Result<Answer, GitError> {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(spawn_error)?;
    let writer = child.stdin.take().map(|mut stdin| {
        let input = input.to_owned();
        // git may close its input early; its exit code tells the story.
        std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        })
    });
    let errors = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.by_ref().take(64 * 1024).read_to_end(&mut text);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let mut stdout = Vec::new();
    if let Some(pipe) = child.stdout.take() {
        pipe.take(MAX_OUTPUT).read_to_end(&mut stdout)?;
    }
    if stdout.len() as u64 == MAX_OUTPUT {
        let _ = child.kill();
        let _ = child.wait();
        return Err(GitError::TooLarge {
            what: format!("the answer of git {}", name(args)),
            limit: stdout.len(),
        });
    }
    let status = child.wait()?.code().unwrap_or(-1);
    if let Some(writer) = writer {
        let _ = writer.join();
    }
    let stderr = errors.and_then(|thread| thread.join().ok());
    Ok(Answer {
        status,
        stdout,
        stderr: stderr.unwrap_or_default(),
    })
}

/// The subcommand, for messages.
fn name(args: &[&str]) -> String {
    args.first().copied().unwrap_or_default().to_owned()
}

/// The first two numbers of a version such as `2.39.5 (Apple Git-154)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

pub(crate) fn spawn_error(error: std::io::Error) -> GitError {
    match error.kind() {
        std::io::ErrorKind::NotFound => GitError::GitMissing,
        _ => GitError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_every_vendor() {
        for (text, version) in [
            ("2.47.3", Some((2, 47))),
            ("2.39.5 (Apple Git-154)", Some((2, 39))),
            ("2.45.1.windows.1", Some((2, 45))),
            ("3.0.rc1", Some((3, 0))),
            ("unknown", None),
        ] {
            assert_eq!(parse_version(text), version, "{text}");
        }
    }
}
