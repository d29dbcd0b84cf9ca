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
use crate::guard::person::{agent_here, for_a_person};
use crate::rules::{PEOPLE, Rules};
use crate::signoffs::Subject;

/// Someone on the roster with a key at hand.
pub(crate) struct Signer<'a> {
    pub(crate) person: &'a Person,
    pub(crate) index: usize,
    fingerprint: String,
    pub(crate) key: PathBuf,
}

impl<'a> Signer<'a> {
    /// Finds the key (the option, else git's `user.signingKey`) and its owner.
    /// Never in an agent's session: it has its user's keys, not its user's word.
    pub(crate) fn find(repo: &Repo, rules: &'a Rules, key: Option<&Path>) -> CliResult<Self> {
        if let Some(agent) = agent_here() {
            let why = format!("this runs in a session of {agent}");
            return Err(for_a_person("a signature", &why));
        }
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
        let signature = sign(&self.key, NAMESPACE, &dsse::to_be_signed(&payload))?;
        let envelope = Envelope::new(payload, signature);
        // What we would not accept, nobody else will.
        envelope
            .verify()
            .map_err(|error| CliError::new(exit::DATA, format!("the signature: {error}")))?;
        Ok(envelope)
    }
}

/// Signs with a key in an SSHSIG namespace; the signature is in binary form.
pub(crate) fn sign(key: &Path, namespace: &str, message: &[u8]) -> CliResult<Vec<u8>> {
    let mut child = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
        .arg(key)
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
        let message = format!("ssh-keygen did not sign with {}", key.display());
        return Err(CliError::new(exit::IO, message));
    }
    unarmor(&String::from_utf8_lossy(&output.stdout))
        .map_err(|error| CliError::new(exit::INTERNAL, format!("ssh-keygen's answer: {error}")))
}

/// The person that git is set up for here: the owner of the signing key, else
/// of the mailbox. Nothing is asked, and no private key is read.
pub(crate) fn configured_person(repo: &Repo, rules: &Rules) -> CliResult<Option<usize>> {
    let key = match repo.config("user.signingKey")? {
        // Git also takes the public key itself.
        Some(key) if key.starts_with("key::") || key.starts_with("ssh-") => {
            Some(key.trim_start_matches("key::").to_owned())
        }
        Some(_) => written_public_key(&configured(repo)?),
        None => None,
    };
    let line = key.map(|text| {
        let words: Vec<&str> = text.split_whitespace().take(2).collect();
        words.join(" ")
    });
    let owner = line.and_then(|line| {
        let (person, _) = rules.roster.by_key(&line)?;
        rules.roster.index_of(&person.id)
    });
    if owner.is_some() {
        return Ok(owner);
    }
    let email = repo.config("user.email")?;
    Ok(email.and_then(|email| rules.roster.by_email(&email)))
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

/// The public half where it is in a file: the file itself or the one beside it.
fn written_public_key(key: &Path) -> Option<String> {
    let beside = PathBuf::from(format!("{}.pub", key.display()));
    let place = if key.extension().is_some_and(|ext| ext == "pub") {
        key
    } else {
        &beside
    };
    let text = std::fs::read_to_string(place).ok()?;
    Some(text.trim().to_owned())
}

/// The public half, in a file or asked of OpenSSH.
pub(crate) fn public_key(key: &Path) -> CliResult<String> {
    if let Some(text) = written_public_key(key) {
        return Ok(text);
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
