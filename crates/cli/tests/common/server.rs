//! A bare repository that is pushed to, with the gate installed by the binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_core::signoff::dsse::{Envelope, to_be_signed};
use countersign_core::signoff::sshsig::{NAMESPACE, fingerprint_of, unarmor};
use countersign_core::signoff::statement::{SignOff, Statement};
use countersign_git::Repo;
use tempfile::TempDir;

use super::{Org, countersign, shown};

pub(crate) struct Server {
    dir: TempDir,
}

impl Server {
    /// Takes over what an organisation has, and becomes its `origin`.
    pub(crate) fn of(org: &Org, options: &[&str]) -> Self {
        let server = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let url = server.path().display().to_string();
        org.repo.git(&[
            "clone",
            "-q",
            "--bare",
            "--single-branch",
            "-b",
            "main",
            ".",
            &url,
        ]);
        org.repo.git(&["remote", "add", "origin", &url]);
        org.repo.git(&["fetch", "-q", "origin"]);
        let mut args = vec!["hook", "install"];
        args.extend(options);
        let said = shown(&countersign(&server.path(), &args));
        assert!(said.starts_with("exit 0\ninstalled"), "{said}");
        server
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("shop.git")
    }

    /// Runs git on the server itself, as whoever goes around the gate does.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.path())
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn tip(&self, branch: &str) -> String {
        self.git(&["rev-parse", branch])
    }
}

impl Org {
    /// Pushes to the server; exit code and what the pusher sees.
    pub(crate) fn push(&self, refs: &[&str]) -> String {
        self.push_with(refs, &[])
    }

    pub(crate) fn push_with(&self, refs: &[&str], env: &[(&str, &str)]) -> String {
        let mut command = self.repo.command();
        command.args(["push", "origin"]).args(refs);
        command.env("NO_COLOR", "1").envs(env.iter().copied());
        let output = command.output().unwrap();
        // What the server says comes with a prefix and is padded.
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said
            .lines()
            .map(|line| line.strip_prefix("remote: ").unwrap_or(line).trim_end())
            .collect();
        format!(
            "exit {}\n{}",
            output.status.code().unwrap_or(-1),
            lines.join("\n")
        )
    }

    /// Makes a statement that the tool would refuse to make: the last sign-off
    /// again, changed, under someone's real signature.
    pub(crate) fn forge(&self, id: &str, change: impl FnOnce(&mut SignOff)) {
        let repo = Repo::open(self.repo.path()).unwrap();
        let chain = repo.signoffs().unwrap();
        let last = chain.entries().iter().rev().find_map(|entry| {
            let Statement::SignOff(it) = &entry.statement else {
                return None;
            };
            Some(it.as_ref().clone())
        });
        let mut it = last.unwrap();
        let key = self.repo.path().join(format!(".git/key-{id}@example.com"));
        let public = std::fs::read_to_string(key.with_extension("com.pub")).unwrap();
        let head = repo.signoffs_head().unwrap();
        it.signed.person = id.to_owned();
        it.signed.key = fingerprint_of(public.trim()).unwrap();
        it.signed.nonce = format!("{:0>16}", chain.entries().len());
        it.signed.prev = head.prev;
        change(&mut it);
        let payload = Statement::SignOff(Box::new(it)).to_bytes();
        let signature = ssh_sign(&key, NAMESPACE, &to_be_signed(&payload));
        let envelope = Envelope::new(payload, unarmor(&signature).unwrap());
        repo.add_signoff(&head, &envelope).unwrap();
    }
}

fn ssh_sign(key: &Path, namespace: &str, message: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), message).unwrap();
    let done = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
        .arg(key)
        .arg(file.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let armor = format!("{}.sig", file.path().display());
    let text = std::fs::read_to_string(&armor).unwrap();
    std::fs::remove_file(armor).unwrap();
    text
}
