//! SSH signatures over arbitrary bytes (OpenSSH's `PROTOCOL.sshsig`).
//!
//! A blob is `"SSHSIG"`, version 1, the public key, the namespace, a reserved
//! string, the name of the hash and the signature, each string with a 32-bit
//! length before it. What is signed is `"SSHSIG"`, the namespace, the reserved
//! string, the name of the hash and the hash of the message.
//!
//! Our own namespace makes signatures of other uses (git commits, files, mail)
//! worthless here, and ours worthless there. Where the specification leaves
//! room this reader is strict: the version must be 1, the reserved string
//! empty, nothing may follow the signature, RSA keys need 2048 to 4096 bits and
//! SHA-2, and certificates are not taken because the roster lists keys.
//!
//! Security keys (`PROTOCOL.u2f`) sign `SHA256(application)`, a flag byte, a
//! 32-bit counter and `SHA256(data)`. The user-presence flag must be set: a
//! signature made without a touch proves possession, not a decision. The
//! counter is covered by the signature but not judged, because many security
//! keys always send 0 and one key may be used in many places.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, PrivateKey, PublicKey, Signature};

/// What our signatures say they are for.
pub const NAMESPACE: &str = "signoff@countersign.dev";

/// The largest signature read, in bytes; a 4096-bit RSA one needs about 1,200.
pub const MAX_BLOB: usize = 16 * 1024;

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
/// Flags (1 byte) and counter (4 bytes) after a security key's signature.
const SK_TRAILER: usize = 5;
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// The width that the specification recommends and `ssh-keygen` writes.
const COLUMNS: usize = 70;

/// Why a signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigError {
    /// More than [`MAX_BLOB`] bytes.
    #[error("the signature has {0} bytes, more than {MAX_BLOB}")]
    TooLarge(usize),
    /// Not an SSH signature, cut off, or followed by something.
    #[error("this is not a well-formed SSH signature: {0}")]
    Malformed(&'static str),
    /// A version other than 1.
    #[error("SSH signature version {0} is not known, only version 1 is")]
    Version(u32),
    /// Made for another purpose.
    #[error("the signature was made for `{0}`, not for this")]
    Namespace(String),
    /// Neither sha256 nor sha512.
    #[error("the message hash `{0}` is not allowed, only sha256 and sha512 are")]
    Hash(String),
    /// A kind of key that is not allowed.
    #[error("keys of type `{0}` cannot sign off")]
    KeyType(String),
    /// RSA with too few or too many bits.
    #[error("the RSA key has {0} bits, it needs 2048 to 4096")]
    RsaBits(usize),
    /// The signature's algorithm is not one of the key.
    #[error("the signature algorithm `{0}` does not belong to the key")]
    Algorithm(String),
    /// A security key signed without a touch.
    #[error("the security key was not touched (the user-presence flag is missing)")]
    NoTouch,
    /// The signature does not fit the key and the message.
    #[error("the signature does not fit the key and the content")]
    Mismatch,
    /// The key cannot sign inside this process.
    #[error("`{0}` keys sign through ssh-keygen or ssh-agent only")]
    NeedsAgent(String),
}

/// A well-formed signature in our namespace that nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSig {
    namespace: &'static str,
    key: KeyData,
    sha512: bool,
    signature: Signature,
}

/// A key that has signed a message, which is now proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The key in OpenSSH's one-line form, without comment.
    pub key: String,
    /// The key's fingerprint, `SHA256:…` as OpenSSH prints it.
    pub fingerprint: String,
    /// For a security key: whether a PIN or biometric was also checked.
    pub user_verified: Option<bool>,
}

/// Reads the strings of the SSH wire format.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], SigError> {
        let (head, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(SigError::Malformed("it is cut off"))?;
        self.0 = rest;
        Ok(head)
    }

    fn number(&mut self) -> Result<u32, SigError> {
        let bytes = self.take(4)?.try_into();
        Ok(u32::from_be_bytes(bytes.unwrap_or_default()))
    }

    fn string(&mut self) -> Result<&'a [u8], SigError> {
        let length = self.number()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn text(&mut self) -> Result<String, SigError> {
        Ok(String::from_utf8_lossy(self.string()?)
            .chars()
            .take(80)
            .collect())
    }
}

impl SshSig {
    /// Reads the binary form.
    ///
    /// # Errors
    /// [`SigError`] for anything but version 1 in our namespace with an allowed
    /// kind of key, hash and algorithm, and nothing after it.
    pub fn parse(blob: &[u8]) -> Result<Self, SigError> {
        Self::parse_for(NAMESPACE, blob)
    }

    /// Reads the binary form of a signature made for another of our purposes.
    ///
    /// # Errors
    /// See [`Self::parse`].
    pub fn parse_for(namespace: &'static str, blob: &[u8]) -> Result<Self, SigError> {
        if blob.len() > MAX_BLOB {
            return Err(SigError::TooLarge(blob.len()));
        }
        let mut wire = Wire(blob);
        if wire.take(MAGIC.len())? != MAGIC {
            return Err(SigError::Malformed("it does not begin with SSHSIG"));
        }
        match wire.number()? {
            VERSION => {}
            other => return Err(SigError::Version(other)),
        }
        let key = wire.string()?;
        match wire.text()? {
            found if found == namespace => {}
            other => return Err(SigError::Namespace(other)),
        }
        if !wire.string()?.is_empty() {
            return Err(SigError::Malformed("the reserved string is not empty"));
        }
        let sha512 = match wire.text()?.as_str() {
            "sha256" => false,
            "sha512" => true,
            other => return Err(SigError::Hash(other.to_owned())),
        };
        let signature = wire.string()?;
        if !wire.0.is_empty() {
            return Err(SigError::Malformed("something follows the signature"));
        }
        let key = read_key(key)?;
        let signature = read_signature(signature)?;
        check_key(&key)?;
        check_algorithm(&key, &signature)?;
        Ok(Self {
            namespace,
            key,
            sha512,
            signature,
        })
    }

    /// Reads the armoured form that `ssh-keygen -Y sign` writes.
    ///
    /// # Errors
    /// See [`Self::parse`].
    pub fn parse_armored(text: &str) -> Result<Self, SigError> {
        Self::parse(&unarmor(text)?)
    }

    /// Checks the signature over `message`.
    ///
    /// # Errors
    /// [`SigError::NoTouch`] or [`SigError::Mismatch`].
    pub fn verify(&self, message: &[u8]) -> Result<Proven, SigError> {
        let user_verified = match self.flags() {
            Some(flags) if flags & USER_PRESENT == 0 => return Err(SigError::NoTouch),
            Some(flags) => Some(flags & USER_VERIFIED != 0),
            None => None,
        };
        let hash = if self.sha512 {
            HashAlg::Sha512
        } else {
            HashAlg::Sha256
        };
        let namespace = self.namespace;
        ssh_key::SshSig::new(self.key.clone(), namespace, hash, self.signature.clone())
            .and_then(|sig| PublicKey::from(self.key.clone()).verify(namespace, message, &sig))
            .map_err(|_| SigError::Mismatch)?;
        Ok(Proven {
            key: one_line(&self.key),
            fingerprint: fingerprint(&self.key),
            user_verified,
        })
    }

    /// The flag byte of a security key.
    fn flags(&self) -> Option<u8> {
        let is_sk = matches!(
            self.key,
            KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_)
        );
        let bytes = self.signature.as_bytes();
        let place = bytes.len().checked_sub(SK_TRAILER)?;
        is_sk.then(|| bytes.get(place).copied()).flatten()
    }
}

fn read_key(bytes: &[u8]) -> Result<KeyData, SigError> {
    let key = PublicKey::from_bytes(bytes)
        .map_err(|_| SigError::Malformed("the public key cannot be read"))?;
    // One key has one spelling, so that it is looked up as the same key.
    if key.to_bytes().is_ok_and(|canonical| canonical == bytes) {
        Ok(key.key_data().clone())
    } else {
        Err(SigError::Malformed("the public key is oddly encoded"))
    }
}

fn read_signature(bytes: &[u8]) -> Result<Signature, SigError> {
    let mut wire = Wire(bytes);
    let name = wire.text()?;
    wire.string()?;
    // OpenSSH's SHA-1 signature has the name of the key itself.
    if name == "ssh-rsa" {
        return Err(SigError::Algorithm(name));
    }
    if name.starts_with("sk-") {
        wire.take(SK_TRAILER)?;
    }
    if !wire.0.is_empty() {
        return Err(SigError::Malformed("something follows the inner signature"));
    }
    Signature::try_from(bytes)
        .map_err(|_| SigError::Malformed("the inner signature cannot be read"))
}

fn check_key(key: &KeyData) -> Result<(), SigError> {
    match key {
        KeyData::Ed25519(_)
        | KeyData::Ecdsa(_)
        | KeyData::SkEd25519(_)
        | KeyData::SkEcdsaSha2NistP256(_) => Ok(()),
        KeyData::Rsa(rsa) => {
            let modulus = rsa.n.as_positive_bytes().unwrap_or_default();
            let unused = modulus
                .first()
                .map_or(0, |byte| byte.leading_zeros() as usize);
            let bits = (modulus.len() * 8).saturating_sub(unused);
            if RSA_BITS.contains(&bits) {
                Ok(())
            } else {
                Err(SigError::RsaBits(bits))
            }
        }
        other => Err(SigError::KeyType(other.algorithm().to_string())),
    }
}

fn check_algorithm(key: &KeyData, signature: &Signature) -> Result<(), SigError> {
    let algorithm = signature.algorithm();
    let fits = match (key, &algorithm) {
        (KeyData::Rsa(_), Algorithm::Rsa { hash }) => hash.is_some(),
        _ => key.algorithm() == algorithm,
    };
    if fits {
        Ok(())
    } else {
        Err(SigError::Algorithm(algorithm.to_string()))
    }
}

/// The exact bytes that a key signs for `message`: what an SSH agent is asked
/// to sign. `sha512` says which hash of the message goes in; both are allowed.
#[must_use]
pub fn signed_bytes(message: &[u8], sha512: bool) -> Vec<u8> {
    let (name, hash) = if sha512 {
        ("sha512", Sha512::digest(message).to_vec())
    } else {
        ("sha256", Sha256::digest(message).to_vec())
    };
    let mut bytes = MAGIC.to_vec();
    for part in [NAMESPACE.as_bytes(), b"", name.as_bytes(), &hash] {
        put_string(&mut bytes, part);
    }
    bytes
}

fn put_string(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend(part);
}

/// Puts a signature that an agent made over [`signed_bytes`] (with `sha512`)
/// into the binary form. `key` and `signature` are in SSH's wire format, as the
/// agent protocol carries them.
///
/// # Errors
/// See [`SshSig::parse`]; the result is read back before it is returned.
pub fn assemble(key: &[u8], signature: &[u8]) -> Result<Vec<u8>, SigError> {
    assemble_for(NAMESPACE, key, signature)
}

fn assemble_for(
    namespace: &'static str,
    key: &[u8],
    signature: &[u8],
) -> Result<Vec<u8>, SigError> {
    let mut blob = MAGIC.to_vec();
    blob.extend(VERSION.to_be_bytes());
    for part in [key, namespace.as_bytes(), b"", b"sha512", signature] {
        put_string(&mut blob, part);
    }
    SshSig::parse_for(namespace, &blob)?;
    Ok(blob)
}

/// Signs with an unencrypted Ed25519 or ECDSA key; deterministic for both.
///
/// A caller that cannot read a key file should turn to `ssh-keygen -Y sign`,
/// which also knows passphrases, agents and devices: `ssh-key` 0.6 does not read
/// ECDSA keys whose private number begins with a zero byte.
///
/// RSA is left to OpenSSH: the RSA code at hand leaks timing of the private
/// key. Security keys need their device.
///
/// # Errors
/// [`SigError::NeedsAgent`] for those, for encrypted keys and for any other
/// kind; [`SigError::Malformed`] when the key cannot be used.
pub fn sign(key: &PrivateKey, message: &[u8]) -> Result<Vec<u8>, SigError> {
    sign_for(NAMESPACE, key, message)
}

/// Signs for another of our purposes, as [`sign`] does.
///
/// # Errors
/// See [`sign`].
pub fn sign_for(
    namespace: &'static str,
    key: &PrivateKey,
    message: &[u8],
) -> Result<Vec<u8>, SigError> {
    let allowed = matches!(
        key.algorithm(),
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. }
    );
    if !allowed || key.is_encrypted() {
        return Err(SigError::NeedsAgent(key.algorithm().to_string()));
    }
    let wire = |_| SigError::Malformed("the key cannot be used");
    let signed = key
        .sign(namespace, HashAlg::Sha512, message)
        .map_err(wire)?;
    let signature = Vec::try_from(signed.signature().clone()).map_err(wire)?;
    let public = key.public_key().to_bytes().map_err(wire)?;
    assemble_for(namespace, &public, &signature)
}

/// Writes the binary form as `ssh-keygen -Y verify` reads it.
#[must_use]
pub fn armor(blob: &[u8]) -> String {
    let body = STANDARD.encode(blob);
    let mut text = String::from(BEGIN);
    text.push('\n');
    for line in body.as_bytes().chunks(COLUMNS) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(END);
    text.push('\n');
    text
}

/// Turns the armoured form into the binary one, without reading that.
///
/// # Errors
/// [`SigError::Malformed`] or [`SigError::TooLarge`].
pub fn unarmor(text: &str) -> Result<Vec<u8>, SigError> {
    // Base64 with line ends takes less than one and a half times the bytes.
    if text.len() > MAX_BLOB * 3 / 2 {
        return Err(SigError::TooLarge(text.len()));
    }
    let body: String = text
        .trim()
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or(SigError::Malformed("the BEGIN or END line is missing"))?
        .split_ascii_whitespace()
        .collect();
    STANDARD
        .decode(body)
        .map_err(|_| SigError::Malformed("it is not base64"))
}

fn one_line(key: &KeyData) -> String {
    PublicKey::from(key.clone())
        .to_openssh()
        .unwrap_or_default()
}

fn fingerprint(key: &KeyData) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// The fingerprint of a public key in OpenSSH's one-line form.
///
/// # Errors
/// See [`SshSig::parse`] for keys that cannot sign off.
pub fn fingerprint_of(one_line: &str) -> Result<String, SigError> {
    let key = PublicKey::from_openssh(one_line)
        .map_err(|_| SigError::Malformed("the public key cannot be read"))?;
    check_key(key.key_data())?;
    Ok(fingerprint(key.key_data()))
}
