//! Running git so that nothing in a repository can run anything else.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::GitError;

/// Answers larger than this are refused rather than held in memory.
const MAX_OUTPUT: u64 = 1 << 30;

/// How to call git for one repository.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    dir: PathBuf,
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
            .args(["-c", "core.fsmonitor=false"])
            .args(["-c", "core.hooksPath=/dev/null"])
            .args(["-c", "core.quotePath=false"])
            .args(["-c", "log.showSignature=false"])
            .args(args)
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_EXTERNAL_DIFF")
            .env_remove("GIT_TRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs git, gives it `input`, and returns what it said.
    pub(crate) fn run(&self, args: &[&str], input: &[u8]) -> Result<Answer, GitError> {
        let mut command = self.command(args);
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

    /// Runs git and insists on success.
    pub(crate) fn output(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        self.output_with(args, &[])
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

/// The subcommand, for messages.
fn name(args: &[&str]) -> String {
    args.first().copied().unwrap_or_default().to_owned()
}

pub(crate) fn spawn_error(error: std::io::Error) -> GitError {
    match error.kind() {
        std::io::ErrorKind::NotFound => GitError::GitMissing,
        _ => GitError::Io(error),
    }
}
