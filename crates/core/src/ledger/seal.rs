//! A head that a person signed.
//!
//! A seal is a short text followed by an SSH signature over exactly that text,
//! in a namespace of its own, so that OpenSSH alone can check it:
//!
//! ```text
//! countersign ledger seal 1
//! head 1042:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! sealed-at 2026-03-16T09:00:00Z
//! person pat
//! -----BEGIN SSH SIGNATURE-----
//! ```

use jiff::Timestamp;

use super::verify::Head;
use crate::signoff::sshsig::{self, Proven, SigError, SshSig};

/// What signatures of seals say they are for.
pub const NAMESPACE: &str = "ledger@countersign.dev";

const TITLE: &str = "countersign ledger seal 1";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";

/// Why a text is not a seal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A line is missing, wrong, or too many.
    #[error("this is not a seal: {0}")]
    Malformed(String),
    /// The signature.
    #[error(transparent)]
    Signature(#[from] SigError),
}

/// A head, when it was sealed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The end of the ledger.
    pub head: Head,
    /// When, as its signer says.
    pub sealed_at: Timestamp,
    /// The signer's id on the roster, as they say.
    pub person: String,
}

impl Seal {
    /// The bytes that are signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{TITLE}\nhead {}\nsealed-at {}\nperson {}\n",
            self.head, self.sealed_at, self.person
        )
    }

    /// The seal as a file; `signature` is in the binary form.
    #[must_use]
    pub fn file(&self, signature: &[u8]) -> String {
        self.text() + &sshsig::armor(signature)
    }

    /// Reads a file and checks its signature. The key that signed is proven; whose
    /// key it is has to be looked up.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(file: &str) -> Result<(Self, Proven), SealError> {
        let malformed = |why: &str| SealError::Malformed(why.to_owned());
        let place = file
            .find(BEGIN)
            .ok_or_else(|| malformed("it has no signature"))?;
        let (text, armored) = file.split_at(place);
        let seal = Self::read(text)?;
        // One text has one spelling, so what is shown is what was signed.
        if seal.text() != text {
            return Err(malformed("it is oddly written"));
        }
        let blob = sshsig::unarmor(armored)?;
        let proven = SshSig::parse_for(NAMESPACE, &blob)?.verify(text.as_bytes())?;
        Ok((seal, proven))
    }

    fn read(text: &str) -> Result<Self, SealError> {
        let malformed = |why: String| SealError::Malformed(why);
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return Err(malformed(format!("the first line is not `{TITLE}`")));
        }
        let mut next = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            let value = line.and_then(|rest| rest.strip_prefix(' '));
            value.ok_or_else(|| malformed(format!("the line `{name}` is missing")))
        };
        let head = next("head")?
            .parse()
            .map_err(|error: super::HeadError| malformed(error.to_string()))?;
        let sealed_at = next("sealed-at")?
            .parse()
            .map_err(|_| malformed("`sealed-at` is not a time".to_owned()))?;
        let person = next("person")?.to_owned();
        Ok(Self {
            head,
            sealed_at,
            person,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signoff::Digest;

    /// The statement's namespace must not open a seal, nor any change to its text.
    #[test]
    fn only_what_was_signed_opens() {
        // Types of the library under test differ from those that the test kit was
        // built with, so the key goes over as text.
        let pem = countersign_testkit::signing::key(7)
            .to_openssh(Default::default())
            .unwrap();
        let key = ssh_key::PrivateKey::from_openssh(pem.as_str()).unwrap();
        let seal = Seal {
            head: Head {
                seq: 3,
                hash: Digest::of(b"x"),
            },
            sealed_at: "2026-03-16T09:00:00Z".parse().unwrap(),
            person: "pat".to_owned(),
        };
        let signature = sshsig::sign_for(NAMESPACE, &key, seal.text().as_bytes()).unwrap();
        let file = seal.file(&signature);
        let (read, proven) = Seal::open(&file).unwrap();
        assert_eq!(read, seal);
        let public = key.public_key().to_openssh().unwrap();
        assert_eq!(proven.key, public.trim());

        for (from, to) in [("pat", "pam"), ("head 3", "head 2"), ("09:00", "10:00")] {
            let changed = file.replacen(from, to, 1);
            assert_eq!(
                Seal::open(&changed),
                Err(SealError::Signature(SigError::Mismatch))
            );
        }
        let odd = file.replacen("person pat\n", "person pat\nperson pam\n", 1);
        assert!(matches!(Seal::open(&odd), Err(SealError::Malformed(_))));
        let other = sshsig::sign(&key, seal.text().as_bytes()).unwrap();
        assert!(matches!(
            Seal::open(&seal.file(&other)),
            Err(SealError::Signature(SigError::Namespace(_)))
        ));
    }
}
