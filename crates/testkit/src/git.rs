//! A real git repository in a temporary directory, built step by step.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ssh_key::private::Ed25519Keypair;
use ssh_key::{LineEnding, PrivateKey};
use tempfile::TempDir;

/// A name and a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The display name.
    pub name: &'static str,
    /// The mailbox.
    pub email: &'static str,
}

impl Who {
    /// A person or a program.
    #[must_use]
    pub const fn new(name: &'static str, email: &'static str) -> Self {
        Self { name, email }
    }
}

/// A repository whose clock starts at 2026-03-02 09:00 UTC and moves one
/// minute per commit, untouched by the configuration of whoever runs the test.
#[derive(Debug)]
pub struct GitRepo {
    dir: TempDir,
    clock: Cell<i64>,
}

/// 2026-03-02 09:00 UTC.
const START: i64 = 1_772_442_000;

impl GitRepo {
    /// A new repository on the branch `main`.
    #[must_use]
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A new repository whose object names are SHA-256.
    #[must_use]
    pub fn sha256() -> Self {
        Self::with(&["--object-format=sha256"])
    }

    /// A new repository that keeps its branches in a reftable (git 2.45 and
    /// newer; older gits get an ordinary one).
    #[must_use]
    pub fn reftable() -> Self {
        let version = Command::new("git")
            .arg("version")
            .output()
            .expect("git runs");
        let text = String::from_utf8_lossy(&version.stdout);
        let mut numbers = text
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|n| n.parse().ok());
        let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version >= (2, 45) {
            Self::with(&["--ref-format=reftable"])
        } else {
            Self::new()
        }
    }

    /// A new bare repository.
    #[must_use]
    pub fn bare() -> Self {
        Self::with(&["--bare"])
    }

    fn with(options: &[&str]) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("countersign-test-")
            .tempdir()
            .expect("a temporary directory");
        let repo = Self {
            dir,
            clock: Cell::new(START),
        };
        let mut args = vec!["init", "-q", "-b", "main"];
        args.extend(options);
        repo.git(&args);
        repo
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A git command with a fixed environment, in this repository.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new("git");
        let date = format!("{} +0000", self.clock.get());
        command
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Test")
            .env("GIT_AUTHOR_EMAIL", "test@example.com")
            .env("GIT_COMMITTER_NAME", "Test")
            .env("GIT_COMMITTER_EMAIL", "test@example.com")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_EDITOR", "true")
            .env("LC_ALL", "C")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE");
        command
    }

    /// Runs git, insists on success, and returns what it printed, trimmed.
    pub fn git(&self, args: &[&str]) -> String {
        self.finish(self.command().args(args), args)
    }

    /// Runs git as someone, insists on success, and returns what it printed.
    pub fn git_as(&self, who: Who, args: &[&str]) -> String {
        let mut command = self.command();
        command
            .args(args)
            .env("GIT_COMMITTER_NAME", who.name)
            .env("GIT_COMMITTER_EMAIL", who.email);
        self.finish(&mut command, args)
    }

    fn finish(&self, command: &mut Command, args: &[&str]) -> String {
        let output = command.output().expect("git runs");
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            panic!("git {args:?} failed: {stderr}");
        }
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Writes a file in the work tree.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let full: PathBuf = self.path().join(path);
        let parent = full.parent().expect("a parent directory");
        std::fs::create_dir_all(parent).expect("directories");
        std::fs::write(full, content).expect("a file");
    }

    /// Writes files, stages everything and commits as `who`. Returns the
    /// commit's full name.
    pub fn commit(&self, who: Who, message: &str, files: &[(&str, &str)]) -> String {
        self.commit_by(who, who, message, files)
    }

    /// The same with a committer of its own.
    pub fn commit_by(
        &self,
        author: Who,
        committer: Who,
        message: &str,
        files: &[(&str, &str)],
    ) -> String {
        self.commit_with(author, committer, message, files, &[])
    }

    /// The same with further options of `git commit`, such as `-S`.
    pub fn commit_with(
        &self,
        author: Who,
        committer: Who,
        message: &str,
        files: &[(&str, &str)],
        options: &[&str],
    ) -> String {
        for (path, content) in files {
            self.write(path, content);
        }
        self.git(&["add", "-A"]);
        self.clock.set(self.clock.get() + 60);
        let mut args = vec![
            "commit",
            "-q",
            "--allow-empty",
            "--cleanup=verbatim",
            "-m",
            message,
        ];
        args.extend(options);
        let mut command = self.command();
        command
            .args(&args)
            .env("GIT_AUTHOR_NAME", author.name)
            .env("GIT_AUTHOR_EMAIL", author.email)
            .env("GIT_COMMITTER_NAME", committer.name)
            .env("GIT_COMMITTER_EMAIL", committer.email);
        self.finish(&mut command, &args);
        self.head()
    }

    /// The full name of HEAD's commit.
    #[must_use]
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Creates a branch here and switches to it.
    pub fn branch(&self, name: &str) {
        self.git(&["switch", "-q", "-c", name]);
    }

    /// Switches to a branch.
    pub fn switch(&self, name: &str) {
        self.git(&["switch", "-q", name]);
    }

    /// Merges a branch with a merge commit of its own.
    pub fn merge(&self, branch: &str, message: &str) -> String {
        self.clock.set(self.clock.get() + 60);
        self.git(&["merge", "-q", "--no-ff", "-m", message, branch]);
        self.head()
    }

    /// Squashes a branch into one commit by `who`.
    pub fn squash(&self, branch: &str, who: Who, message: &str) -> String {
        self.git(&["merge", "-q", "--squash", branch]);
        self.commit(who, message, &[])
    }

    /// Puts an Ed25519 key for a person outside the work tree, and has git
    /// sign with it when `-S` is given. Returns the public key's line.
    ///
    /// The key follows from the mailbox, so that everything signed with it has
    /// the same name in every run. It protects nothing.
    pub fn signing_key(&self, who: Who) -> String {
        let file = self.path().join(".git").join(format!("key-{}", who.email));
        let mut seed = [0; 32];
        for (place, byte) in seed.iter_mut().zip(who.email.bytes().cycle()) {
            *place = byte;
        }
        let pair = Ed25519Keypair::from_seed(&seed);
        let key = PrivateKey::new(pair.into(), who.email).expect("a key");
        let private = key.to_openssh(LineEnding::LF).expect("a private key");
        std::fs::write(&file, private.as_bytes()).expect("a key file");
        let only_mine = PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, only_mine).expect("permissions");
        let public = key.public_key().to_openssh().expect("a public key");
        std::fs::write(
            file.with_file_name(format!("key-{}.pub", who.email)),
            &public,
        )
        .expect("a public key file");
        self.git(&["config", "gpg.format", "ssh"]);
        self.git(&["config", "user.signingKey", &file.display().to_string()]);
        public
    }
}

impl Default for GitRepo {
    fn default() -> Self {
        Self::new()
    }
}
