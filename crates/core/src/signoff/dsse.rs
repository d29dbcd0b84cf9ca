//! The envelope around a signed statement: DSSE, the Dead Simple Signing
//! Envelope (secure-systems-lab/dsse, `protocol.md` and `envelope.md`).
//!
//! One envelope carries one signature: one person. How many people must sign is
//! the policy's affair, and it counts people, which a threshold over keys
//! cannot. The signature is an SSH signature ([`sshsig`](super::sshsig)) over the
//! pre-authentication encoding, so `ssh-keygen -Y verify` can check it.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use serde::{Deserialize, Serialize};

use super::hash::Digest;
use super::sshsig::{Proven, SigError, SshSig};

/// The payload type that in-toto asks for.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The largest envelope read, in bytes. A statement over 5,000 commits fits.
pub const MAX_ENVELOPE: usize = 1024 * 1024;

/// Why an envelope was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// More than [`MAX_ENVELOPE`] bytes.
    #[error("the envelope has {0} bytes, more than {MAX_ENVELOPE}")]
    TooLarge(usize),
    /// Not a JSON envelope.
    #[error("this is not a DSSE envelope: {0}")]
    Json(String),
    /// Another payload type.
    #[error("the payload type `{0}` is not `{PAYLOAD_TYPE}`")]
    PayloadType(String),
    /// Not exactly one signature.
    #[error("the envelope has {0} signatures, it must have exactly one")]
    Signatures(usize),
    /// A field that is neither standard nor URL-safe base64.
    #[error("`{0}` is not base64")]
    Base64(&'static str),
}

/// An envelope whose signature nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WireSignature>,
}

/// The optional `keyid` is neither read nor written: it is not covered by the
/// signature, and the key is part of the SSH signature anyway.
#[derive(Serialize, Deserialize)]
struct WireSignature {
    sig: String,
}

/// The bytes that are signed: `DSSEv1`, then the length and text of the type,
/// then the length and bytes of the body, separated by single spaces.
#[must_use]
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let (of_type, of_body) = (payload_type.len(), body.len());
    let mut bytes = format!("DSSEv1 {of_type} {payload_type} {of_body} ").into_bytes();
    bytes.extend(body);
    bytes
}

/// The bytes to sign for a statement: [`pae`] with in-toto's payload type.
#[must_use]
pub fn to_be_signed(payload: &[u8]) -> Vec<u8> {
    pae(PAYLOAD_TYPE, payload)
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let with = |alphabet: &Alphabet| GeneralPurpose::new(alphabet, config).decode(text);
    with(&STANDARD)
        .or_else(|_| with(&URL_SAFE))
        .map_err(|_| EnvelopeError::Base64(field))
}

impl Envelope {
    /// Puts a payload and an SSH signature over [`to_be_signed`] together.
    /// `signature` is in the binary form.
    #[must_use]
    pub const fn new(payload: Vec<u8>, signature: Vec<u8>) -> Self {
        Self { payload, signature }
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// [`EnvelopeError`] for anything that is not an in-toto envelope with
    /// exactly one signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(EnvelopeError::TooLarge(bytes.len()));
        }
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|error| EnvelopeError::Json(error.to_string()))?;
        if wire.payload_type != PAYLOAD_TYPE {
            let shown = wire.payload_type.chars().take(80).collect();
            return Err(EnvelopeError::PayloadType(shown));
        }
        let [signature] = wire.signatures.as_slice() else {
            return Err(EnvelopeError::Signatures(wire.signatures.len()));
        };
        Ok(Self {
            payload: decode("payload", &wire.payload)?,
            signature: decode("sig", &signature.sig)?,
        })
    }

    /// Writes the envelope as one line of JSON with a line end. Deterministic.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let wire = Wire {
            payload: general_purpose::STANDARD.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![WireSignature {
                sig: general_purpose::STANDARD.encode(&self.signature),
            }],
        };
        let mut bytes = serde_json::to_vec(&wire).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// What was signed, not yet proven.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The SHA-256 of the payload: the name of the statement, whoever signed.
    #[must_use]
    pub fn statement_id(&self) -> Digest {
        Digest::of(&self.payload)
    }

    /// Checks the signature over the payload as it was transmitted.
    ///
    /// # Errors
    /// [`SigError`]; nothing of the payload may be trusted then.
    pub fn verify(&self) -> Result<Proven, SigError> {
        SshSig::parse(&self.signature)?.verify(&to_be_signed(&self.payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector printed in `protocol.md` of the DSSE specification.
    #[test]
    fn vector_of_the_specification() {
        use p256::ecdsa::signature::Verifier as _;
        let body = decode("payload", "aGVsbG8gd29ybGQ=").unwrap();
        let encoded = pae("http://example.com/HelloWorld", &body);
        assert_eq!(
            encoded,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        let sig = "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";
        let secret = "d73ec437fd6346e3619c5ebfdfff0f6916804955ad32ac9ac492b0ede1f6ffb7";
        let secret: Digest = secret.parse().unwrap();
        let key = p256::ecdsa::SigningKey::from_slice(secret.as_bytes()).unwrap();
        let sig = p256::ecdsa::Signature::from_slice(&decode("sig", sig).unwrap()).unwrap();
        assert!(key.verifying_key().verify(&encoded, &sig).is_ok());
    }

    #[test]
    fn lengths_are_in_bytes_and_leave_no_room_for_confusion() {
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
        assert_eq!(pae("ä", b"\xff"), b"DSSEv1 2 \xc3\xa4 1 \xff");
        assert_ne!(pae("a", b"b 1 c"), pae("a 5 b", b"c"));
    }

    #[test]
    fn both_alphabets_are_read() {
        let bytes = vec![0xfb, 0xff, 0xfe, 0x01];
        for text in ["+//+AQ==", "-__-AQ==", "+//+AQ", "-__-AQ"] {
            assert_eq!(decode("sig", text), Ok(bytes.clone()), "{text}");
        }
        for text in ["+__+AQ==", "+//+AR==", "+//+A", "+//+ AQ==", "é"] {
            assert!(decode("sig", text).is_err(), "{text}");
        }
    }

    #[test]
    fn refusals_say_why() {
        let of = |text: &str| Envelope::parse(text.as_bytes()).unwrap_err().to_string();
        let intoto = r#""payload":"e30=","payloadType":"application/vnd.in-toto+json""#;
        let seen = [
            of("{}"),
            of("nonsense"),
            of(r#"{"payload":"e30=","payloadType":"text/plain","signatures":[{"sig":"AA=="}]}"#),
            of(&format!(r#"{{{intoto},"signatures":[]}}"#)),
            of(&format!(
                r#"{{{intoto},"signatures":[{{"sig":"AA=="}},{{"sig":"AA=="}}]}}"#
            )),
            of(&format!(r#"{{{intoto},"signatures":[{{"sig":"*"}}]}}"#)),
            Envelope::parse(&vec![b' '; MAX_ENVELOPE + 1])
                .unwrap_err()
                .to_string(),
        ];
        insta::assert_snapshot!(seen.join("\n"), @"
        this is not a DSSE envelope: missing field `payload` at line 1 column 2
        this is not a DSSE envelope: expected ident at line 1 column 2
        the payload type `text/plain` is not `application/vnd.in-toto+json`
        the envelope has 0 signatures, it must have exactly one
        the envelope has 2 signatures, it must have exactly one
        `sig` is not base64
        the envelope has 1048577 bytes, more than 1048576
        ");
    }

    #[test]
    fn writing_and_reading_keep_the_bytes() {
        let envelope = Envelope::new(b"{}".to_vec(), vec![1, 2, 3]);
        assert_eq!(Envelope::parse(&envelope.to_bytes()), Ok(envelope.clone()));
        // A hint about the key, right or wrong, changes nothing.
        let text = String::from_utf8(envelope.to_bytes()).unwrap();
        let hinted = text.replace(r#"{"sig""#, r#"{"keyid":"SHA256:other","sig""#);
        assert_ne!(hinted, text);
        assert_eq!(Envelope::parse(hinted.as_bytes()), Ok(envelope));
    }
}
