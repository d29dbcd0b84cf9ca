//! Who signed a commit: SSH signatures checked against keys the caller trusts.
//!
//! Format: OpenSSH `PROTOCOL.sshsig`, namespace `git`, over the commit object
//! without its signature header. Nothing in the repository says whose key it
//! is; that is the caller's roster.

use ssh_key::{PublicKey, SshSig};

use crate::Commit;

/// The namespace git signs commits and tags under.
const NAMESPACE: &str = "git";

/// Longest signature read, in bytes; an RSA-16384 signature takes 6 kB.
const ARMOR_MAX: usize = 32 * 1024;

/// What the signature of a commit proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// A key of the author's mailbox made it, over this very commit.
    ByAuthor,
    /// There is a signature, but not one that proves the author: another key,
    /// another format (such as `OpenPGP`), or damaged.
    NotByAuthor,
    /// There is none.
    Unsigned,
}

/// Checks the signature of a commit against the keys of its author.
///
/// `keys` gives the public keys (lines as in `authorized_keys`, without
/// options) that the roster lists for a mailbox.
#[must_use]
pub fn verify<K: AsRef<str>>(commit: &Commit, keys: impl FnOnce(&str) -> Vec<K>) -> Verified {
    let Some(signature) = &commit.signature else {
        return Verified::Unsigned;
    };
    if signature.armor.len() > ARMOR_MAX {
        return Verified::NotByAuthor;
    }
    let Ok(sshsig) = SshSig::from_pem(&signature.armor) else {
        return Verified::NotByAuthor;
    };
    let by_author = keys(&commit.author.email)
        .iter()
        .filter_map(|line| PublicKey::from_openssh(line.as_ref().trim()).ok())
        .filter(|key| key.key_data() == sshsig.public_key())
        .any(|key| key.verify(NAMESPACE, &signature.payload, &sshsig).is_ok());
    if by_author {
        Verified::ByAuthor
    } else {
        Verified::NotByAuthor
    }
}
