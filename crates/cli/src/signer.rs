//! Signing as a person, with the SSH key they already have.
//!
//! `ssh-keygen -Y sign` does the signing: it knows passphrases, agents and
//! security keys, and asks for the touch that no program can give.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign_core::roster::{Person, Roster};
use countersign_core::signoff::Digest;
use countersign_core::signoff::dsse::{self, Envelope};
use countersign_core::signoff::sshsig::{NAMESPACE, fingerprint_of, unarmor};
use countersign_core::signoff::statement::{Signed, Statement};
use countersign_git::{Oid, Repo};
use jiff::Timestamp;

use crate::error::{CliError, CliResult, exit};
use crate::rules::{PEOPLE, Rules};
use crate::signoffs::Subject;

/// Someone on the roster with a key at hand.
pub(crate) struct Signer<'a> {
    pub(crate) person: &'a Person,
    pub(crate) index: usize,
    fingerprint: String,
    key: PathBuf,
}

impl<'a> Signer<'a> {
    /// Finds the key (the option, else git's `user.signingKey`) and its owner.
    pub(crate) fn find(repo: &Repo, rules: &'a Rules, key: Option<&Path>) -> CliResult<Self> {
        let key = match key {
            Some(key) => key.to_owned(),
            None => configured(repo)?,
        };
        Self::of(&rules.roster, key)
    }

    /// The owner of a key.
    pub(crate) fn of(roster: &'a Roster, key: PathBuf) -> CliResult<Self> {
        let public = public_key(&key)?;
        let mut words = public.split_whitespace();
        let (kind, body) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let line = format!("{kind} {body}");
        let owner = roster.by_key(&line);
        let (person, _) = owner.ok_or_else(|| {
            CliError::new(exit::DATA, "nobody on the roster has this key").hint(format!(
                "add `keys = [{{ ssh = \"{line}\" }}]` to your entry in {PEOPLE}, on the protected branch"
            ))
        })?;
        let fingerprint = fingerprint_of(&line)
            .map_err(|error| CliError::new(exit::DATA, format!("{}: {error}", key.display())))?;
        Ok(Self {
            person,
            index: roster.index_of(&person.id).unwrap_or(usize::MAX),
            fingerprint,
            key,
        })
    }

    /// Makes a statement after the present state of the chain, signs it, and
    /// adds it to the chain.
    pub(crate) fn seal(
        &self,
        repo: &Repo,
        subject: &Subject,
        now: Timestamp,
        make: impl FnOnce(Signed) -> Statement,
    ) -> CliResult<Oid> {
        self.seal_as(repo, subject.roster, now, make)
    }

    /// The same under a roster, by the SHA-256 of its file.
    pub(crate) fn seal_as(
        &self,
        repo: &Repo,
        roster: Digest,
        now: Timestamp,
        make: impl FnOnce(Signed) -> Statement,
    ) -> CliResult<Oid> {
        let head = repo.signoffs_head()?;
        let envelope = self.envelope(&make(self.signed(roster, head.prev, now)?))?;
        Ok(repo.add_signoff(&head, &envelope)?)
    }

    /// Who signs, when, after what.
    pub(crate) fn signed(
        &self,
        roster: Digest,
        prev: Option<Digest>,
        now: Timestamp,
    ) -> CliResult<Signed> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)
            .map_err(|error| CliError::new(exit::IO, format!("no random bytes: {error}")))?;
        Ok(Signed {
            person: self.person.id.clone(),
            key: self.fingerprint.clone(),
            roster,
            nonce: nonce.iter().map(|byte| format!("{byte:02x}")).collect(),
            issued_at: now,
            prev,
        })
    }

    /// Signs a statement.
    pub(crate) fn envelope(&self, statement: &Statement) -> CliResult<Envelope> {
        statement
            .check()
            .map_err(|error| CliError::new(exit::DATA, error.to_string()))?;
        let payload = statement.to_bytes();
        let signature = self.sign(&dsse::to_be_signed(&payload))?;
        let envelope = Envelope::new(payload, signature);
        // What we would not accept, nobody else will.
        envelope
            .verify()
            .map_err(|error| CliError::new(exit::DATA, format!("the signature: {error}")))?;
        Ok(envelope)
    }

    fn sign(&self, message: &[u8]) -> CliResult<Vec<u8>> {
        self.sign_for(NAMESPACE, message)
    }

    /// Signs for one of our purposes; the signature in its binary form.
    pub(crate) fn sign_for(&self, namespace: &str, message: &[u8]) -> CliResult<Vec<u8>> {
        let mut child = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(&self.key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                CliError::new(exit::IO, format!("ssh-keygen cannot be started: {error}"))
                    .hint("install OpenSSH's client")
            })?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(message)?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let message = format!("ssh-keygen did not sign with {}", self.key.display());
            return Err(CliError::new(exit::IO, message));
        }
        unarmor(&String::from_utf8_lossy(&output.stdout))
            .map_err(|error| CliError::new(exit::INTERNAL, format!("ssh-keygen's answer: {error}")))
    }
}

pub(crate) fn configured(repo: &Repo) -> CliResult<PathBuf> {
    let key = repo.config("user.signingKey")?.ok_or_else(|| {
        CliError::new(exit::NOT_FOUND, "no signing key is configured")
            .hint("name one with `--key ~/.ssh/id_ed25519`, or set git's user.signingKey")
    })?;
    let home = key.strip_prefix("~/").zip(std::env::var_os("HOME"));
    Ok(home.map_or_else(
        || PathBuf::from(&key),
        |(rest, home)| Path::new(&home).join(rest),
    ))
}

/// The public half: the file itself, the file beside it, or asked of OpenSSH.
pub(crate) fn public_key(key: &Path) -> CliResult<String> {
    let beside = PathBuf::from(format!("{}.pub", key.display()));
    let place = if key.extension().is_some_and(|ext| ext == "pub") {
        key
    } else {
        &beside
    };
    if let Ok(text) = std::fs::read_to_string(place) {
        return Ok(text.trim().to_owned());
    }
    let output = Command::new("ssh-keygen")
        .arg("-y")
        .arg("-f")
        .arg(key)
        .output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => {
            let message = format!("{} is not a key that can be read", key.display());
            Err(CliError::new(exit::NOT_FOUND, message).hint("name a private key with `--key`"))
        }
    }
}
