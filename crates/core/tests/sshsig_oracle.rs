//! SSH signatures against OpenSSH's own `ssh-keygen -Y`, in both directions.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign_core::signoff::sshsig::{self, NAMESPACE, SigError, SshSig};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

struct Keys {
    dir: TempDir,
}

impl Keys {
    fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn generate(&self, name: &str, options: &[&str]) -> PathBuf {
        let path = self.path(name);
        let done = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-C", "", "-f"])
            .arg(&path)
            .args(options)
            .status()
            .unwrap();
        assert!(done.success());
        path
    }

    fn sign(&self, key: &Path, namespace: &str, message: &[u8], options: &[&str]) -> String {
        let file = self.path("message");
        std::fs::write(&file, message).unwrap();
        let _ = std::fs::remove_file(self.path("message.sig"));
        let done = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(key)
            .args(options)
            .arg(&file)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success());
        std::fs::read_to_string(self.path("message.sig")).unwrap()
    }

    fn verifies(&self, public: &str, namespace: &str, message: &[u8], armored: &str) -> bool {
        let (allowed, sig) = (self.path("allowed"), self.path("given.sig"));
        std::fs::write(&allowed, format!("me {public}\n")).unwrap();
        std::fs::write(&sig, armored).unwrap();
        let file = self.path("verified");
        std::fs::write(&file, message).unwrap();
        Command::new("ssh-keygen")
            .args(["-q", "-Y", "verify", "-I", "me", "-n", namespace, "-f"])
            .arg(&allowed)
            .arg("-s")
            .arg(&sig)
            .stdin(std::fs::File::open(&file).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }
}

fn public(path: &Path) -> String {
    let text = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    words.join(" ")
}

const KINDS: [(&str, &[&str]); 5] = [
    ("ed25519", &["-t", "ed25519"]),
    ("p256", &["-t", "ecdsa", "-b", "256"]),
    ("p384", &["-t", "ecdsa", "-b", "384"]),
    ("p521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa", &["-t", "rsa", "-b", "2048"]),
];

#[test]
fn what_openssh_signs_is_accepted_and_nothing_else() {
    let keys = Keys::new();
    for (name, options) in KINDS {
        let key = keys.generate(name, options);
        for hash in ["hashalg=sha512", "hashalg=sha256"] {
            let armored = keys.sign(&key, NAMESPACE, b"hello", &["-O", hash]);
            let sig = SshSig::parse_armored(&armored).unwrap();
            let proven = sig.verify(b"hello").unwrap();
            assert_eq!(proven.key, public(&key), "{name}");
            assert_eq!(
                sshsig::fingerprint_of(&proven.key).unwrap(),
                proven.fingerprint
            );
            assert_eq!(proven.user_verified, None);
            assert_eq!(sig.verify(b"hellp"), Err(SigError::Mismatch), "{name}");
            // The binary form survives the round trip that storing it makes.
            assert_eq!(
                sshsig::armor(&sshsig::unarmor(&armored).unwrap()).trim(),
                armored.trim()
            );
        }
    }
}

/// The library does not read ECDSA keys whose private number begins with a zero
/// byte, which is every other one on P-521; another key is made then.
fn readable(keys: &Keys, key: &Path, options: &[&str]) -> ssh_key::PrivateKey {
    for _ in 0..40 {
        let text = std::fs::read_to_string(key).unwrap();
        if let Ok(private) = ssh_key::PrivateKey::from_openssh(text) {
            return private;
        }
        std::fs::remove_file(key).unwrap();
        keys.generate(key.file_name().unwrap().to_str().unwrap(), options);
    }
    panic!("no readable key in 40 tries");
}

#[test]
fn what_is_signed_here_is_accepted_by_openssh() {
    let keys = Keys::new();
    for (name, options) in KINDS {
        let key = keys.generate(name, options);
        let private = readable(&keys, &key, options);
        let signed = sshsig::sign(&private, b"hello");
        if name == "rsa" {
            assert!(matches!(signed, Err(SigError::NeedsAgent(_))));
            continue;
        }
        let armored = sshsig::armor(&signed.unwrap());
        let line = public(&key);
        assert!(
            keys.verifies(&line, NAMESPACE, b"hello", &armored),
            "{name}"
        );
        assert!(
            !keys.verifies(&line, NAMESPACE, b"hellp", &armored),
            "{name}"
        );
        assert!(!keys.verifies(&line, "git", b"hello", &armored), "{name}");
    }
}

#[test]
fn signatures_for_other_purposes_are_refused() {
    let keys = Keys::new();
    let key = keys.generate("k", &["-t", "ed25519"]);
    for namespace in [
        "git",
        "file",
        "signoff@countersign.dev2",
        "SIGNOFF@countersign.dev",
    ] {
        let armored = keys.sign(&key, namespace, b"hello", &[]);
        assert_eq!(
            SshSig::parse_armored(&armored),
            Err(SigError::Namespace(namespace.to_owned()))
        );
    }
}

#[test]
fn weak_and_oversized_rsa_keys_are_refused() {
    let keys = Keys::new();
    let key = keys.generate("weak", &["-t", "rsa", "-b", "1024"]);
    let armored = keys.sign(&key, NAMESPACE, b"x", &[]);
    assert_eq!(
        SshSig::parse_armored(&armored),
        Err(SigError::RsaBits(1024))
    );
    // Generating 8192 bits takes long; a constructed modulus is enough.
    let mut key = string(b"ssh-rsa");
    key.extend(string(&[1, 0, 1]));
    let mut modulus = vec![0];
    modulus.extend([0xff; 1024]);
    key.extend(string(&modulus));
    let mut signature = string(b"rsa-sha2-512");
    signature.extend(string(&[1; 1024]));
    let blob = frame(1, &key, NAMESPACE, b"", b"sha512", &signature);
    assert_eq!(SshSig::parse(&blob), Err(SigError::RsaBits(8192)));
}

fn string(part: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(part.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(part);
    bytes
}

fn frame(
    version: u32,
    key: &[u8],
    namespace: &str,
    reserved: &[u8],
    hash: &[u8],
    signature: &[u8],
) -> Vec<u8> {
    let mut blob = b"SSHSIG".to_vec();
    blob.extend(version.to_be_bytes());
    for part in [key, namespace.as_bytes(), reserved, hash, signature] {
        blob.extend(string(part));
    }
    blob
}

/// An Ed25519 key and its signature in wire form.
fn ed25519(name: &str, trailer: &[u8], signed: &[u8]) -> (Vec<u8>, Vec<u8>) {
    use ed25519_dalek::Signer as _;
    let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let mut key = string(name.as_bytes());
    key.extend(string(secret.verifying_key().as_bytes()));
    let mut signature = string(name.as_bytes());
    signature.extend(string(&secret.sign(signed).to_bytes()));
    signature.extend(trailer);
    (key, signature)
}

/// What a security key signs, per `PROTOCOL.u2f`.
fn u2f(flags: u8, counter: u32, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut trailer = vec![flags];
    trailer.extend(counter.to_be_bytes());
    let mut signed = Sha256::digest("ssh:").to_vec();
    signed.extend(&trailer);
    signed.extend(Sha256::digest(sshsig::signed_bytes(message, true)));
    (signed, trailer)
}

fn sk_ed25519(flags: u8, counter: u32, message: &[u8]) -> Vec<u8> {
    let (signed, trailer) = u2f(flags, counter, message);
    let (mut key, signature) = ed25519("sk-ssh-ed25519@openssh.com", &trailer, &signed);
    key.extend(string(b"ssh:"));
    frame(1, &key, NAMESPACE, b"", b"sha512", &signature)
}

fn sk_ecdsa(flags: u8, counter: u32, message: &[u8]) -> Vec<u8> {
    use p256::ecdsa::signature::Signer as _;
    let name = b"sk-ecdsa-sha2-nistp256@openssh.com";
    let (signed, trailer) = u2f(flags, counter, message);
    let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = secret.verifying_key().to_encoded_point(false);
    let mut key = string(name);
    key.extend(string(b"nistp256"));
    key.extend(string(point.as_bytes()));
    key.extend(string(b"ssh:"));
    let made: p256::ecdsa::Signature = secret.sign(&signed);
    let mut numbers = Vec::new();
    for half in made.to_bytes().chunks(32) {
        let mut number = half.to_vec();
        if number[0] & 0x80 != 0 {
            number.insert(0, 0);
        }
        numbers.extend(string(&number));
    }
    let mut signature = string(name);
    signature.extend(string(&numbers));
    signature.extend(trailer);
    frame(1, &key, NAMESPACE, b"", b"sha512", &signature)
}

#[test]
fn security_keys_must_have_been_touched() {
    let keys = Keys::new();
    for (name, make) in [
        ("ed25519", sk_ed25519 as fn(u8, u32, &[u8]) -> Vec<u8>),
        ("ecdsa", sk_ecdsa),
    ] {
        let touched = make(0x01, 9, b"hello");
        let sig = SshSig::parse(&touched).unwrap();
        let proven = sig.verify(b"hello").unwrap();
        assert_eq!(proven.user_verified, Some(false), "{name}");
        assert_eq!(sig.verify(b"hellp"), Err(SigError::Mismatch));
        assert!(
            keys.verifies(&proven.key, NAMESPACE, b"hello", &sshsig::armor(&touched)),
            "{name}"
        );
        let pin = SshSig::parse(&make(0x05, 0, b"hello")).unwrap();
        assert_eq!(pin.verify(b"hello").unwrap().user_verified, Some(true));
        for untouched in [0x00, 0x04] {
            let sig = SshSig::parse(&make(untouched, 9, b"hello")).unwrap();
            assert_eq!(sig.verify(b"hello"), Err(SigError::NoTouch), "{name}");
        }
        // Flags and counter are covered by the signature.
        for place in 1..=5 {
            let mut changed = touched.clone();
            let at = changed.len() - place;
            changed[at] ^= 0x08;
            let sig = SshSig::parse(&changed).unwrap();
            assert_eq!(
                sig.verify(b"hello"),
                Err(SigError::Mismatch),
                "{name} {place}"
            );
        }
    }
}

#[test]
fn every_deviation_from_the_format_has_its_own_reason() {
    let (key, signature) = ed25519("ssh-ed25519", b"", &sshsig::signed_bytes(b"m", true));
    let good = frame(1, &key, NAMESPACE, b"", b"sha512", &signature);
    assert!(SshSig::parse(&good).unwrap().verify(b"m").is_ok());
    let mut longer = good.clone();
    longer.push(0);
    let mut sha1 = string(b"ssh-rsa");
    sha1.extend(string(&[1; 256]));
    let mut dsa = string(b"ssh-dss");
    for number in [&[1u8][..], &[2], &[3], &[4]] {
        dsa.extend(string(number));
    }
    let mut trailing_key = key.clone();
    trailing_key.push(0);
    let mut trailing_signature = signature.clone();
    trailing_signature.push(0);
    let made = |version, key: &[u8], reserved: &[u8], hash: &[u8], signature: &[u8]| {
        SshSig::parse(&frame(version, key, NAMESPACE, reserved, hash, signature))
            .unwrap_err()
            .to_string()
    };
    let seen = [
        made(2, &key, b"", b"sha512", &signature),
        made(0, &key, b"", b"sha512", &signature),
        made(1, &key, b"x", b"sha512", &signature),
        made(1, &key, b"", b"sha1", &signature),
        made(1, &key, b"", b"sha512", &sha1),
        made(1, &dsa, b"", b"sha512", &signature),
        made(1, &trailing_key, b"", b"sha512", &signature),
        made(1, &key, b"", b"sha512", &trailing_signature),
        made(1, b"", b"", b"sha512", &signature),
        SshSig::parse(&longer).unwrap_err().to_string(),
        SshSig::parse(b"SSHSIX").unwrap_err().to_string(),
        SshSig::parse(&vec![0; 20_000]).unwrap_err().to_string(),
        SshSig::parse_armored("nothing").unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(seen.join("\n"), @"
    SSH signature version 2 is not known, only version 1 is
    SSH signature version 0 is not known, only version 1 is
    this is not a well-formed SSH signature: the reserved string is not empty
    the message hash `sha1` is not allowed, only sha256 and sha512 are
    the signature algorithm `ssh-rsa` does not belong to the key
    keys of type `ssh-dss` cannot sign off
    this is not a well-formed SSH signature: the public key cannot be read
    this is not a well-formed SSH signature: something follows the inner signature
    this is not a well-formed SSH signature: the public key cannot be read
    this is not a well-formed SSH signature: something follows the signature
    this is not a well-formed SSH signature: it does not begin with SSHSIG
    the signature has 20000 bytes, more than 16384
    this is not a well-formed SSH signature: the BEGIN or END line is missing
    ");
    for cut in 0..good.len() {
        assert!(SshSig::parse(&good[..cut]).is_err(), "{cut}");
    }
}
