//! Making a repository, for samples: what is written is the same every time.

use std::ffi::OsString;
use std::path::Path;

use crate::command::Git;
use crate::{GitError, Oid, Repo};

/// Who commits, when, and what they say.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// The display name.
    pub name: &'a str,
    /// The mailbox.
    pub email: &'a str,
    /// Seconds since 1970-01-01 UTC.
    pub when: i64,
}

impl Repo {
    /// Makes a repository on the branch `main` in an existing directory, with
    /// nothing of the caller's own templates.
    ///
    /// # Errors
    /// When git is missing, too old or cannot write there.
    pub fn create(dir: &Path) -> Result<Self, GitError> {
        let git = Git::new(dir);
        git.check_version()?;
        git.output(&[
            "init",
            "--quiet",
            "--initial-branch=main",
            "--object-format=sha1",
            "--template=",
        ])?;
        Self::open(dir)
    }

    /// Commits everything in the work tree to the branch that is checked out,
    /// unsigned and whatever the caller's configuration says.
    ///
    /// # Errors
    /// When git cannot write, or nothing changed.
    pub fn commit_all(&self, author: Author<'_>, message: &str) -> Result<Oid, GitError> {
        let date = OsString::from(format!("{} +0000", author.when));
        let (name, email) = (OsString::from(author.name), OsString::from(author.email));
        let git = self.git.clone().with_env(vec![
            ("GIT_AUTHOR_NAME", name.clone()),
            ("GIT_AUTHOR_EMAIL", email.clone()),
            ("GIT_AUTHOR_DATE", date.clone()),
            ("GIT_COMMITTER_NAME", name),
            ("GIT_COMMITTER_EMAIL", email),
            ("GIT_COMMITTER_DATE", date),
        ]);
        git.output(&["-c", "core.autocrlf=false", "add", "--all"])?;
        let args = [
            "-c",
            "commit.gpgSign=false",
            "commit",
            "--quiet",
            "--cleanup=verbatim",
            "--file=-",
        ];
        git.output_with(&args, message.as_bytes())?;
        self.resolve("HEAD")
    }

    /// Checks out a branch; `create` makes it first, from what is checked out.
    ///
    /// # Errors
    /// When there is no such branch, or there is one already.
    pub fn switch(&self, branch: &str, create: bool) -> Result<(), GitError> {
        let args: &[&str] = if create {
            &["switch", "--quiet", "--create", branch]
        } else {
            &["switch", "--quiet", branch]
        };
        self.git.output(args)?;
        Ok(())
    }

    /// Sets something in the repository's own configuration.
    ///
    /// # Errors
    /// When git cannot write it.
    pub fn configure(&self, key: &str, value: &str) -> Result<(), GitError> {
        self.git.output(&["config", "--local", key, value])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

    use super::*;

    #[test]
    fn the_same_content_is_the_same_commit() {
        let author = Author {
            name: "Ada",
            email: "ada@example.com",
            when: 1_772_442_000,
        };
        let made = || {
            let dir = tempfile::tempdir().unwrap();
            let repo = Repo::create(dir.path()).unwrap();
            std::fs::write(dir.path().join("a"), "1\r\n").unwrap();
            repo.commit_all(author, "One\n").unwrap();
            repo.switch("other", true).unwrap();
            std::fs::write(dir.path().join("a"), "2\n").unwrap();
            let head = repo.commit_all(author, "Two\n").unwrap();
            assert!(repo.commit_all(author, "Nothing\n").is_err());
            assert!(repo.switch("other", true).is_err());
            repo.switch("main", false).unwrap();
            (head, std::fs::read(dir.path().join("a")).unwrap())
        };
        let (head, text) = made();
        assert_eq!(text, b"1\r\n");
        assert_eq!(head, made().0);
    }
}
