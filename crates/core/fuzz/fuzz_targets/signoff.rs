//! Any bytes as an envelope, a statement or a signature, as anyone who can push
//! may store them: no panic, what is read is written back to the same value, and
//! nothing is proven that nobody signed.
#![no_main]

use countersign_core::signoff::dsse::Envelope;
use countersign_core::signoff::sshsig::{self, SshSig};
use countersign_core::signoff::statement::Statement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::parse(bytes) {
        let again = Envelope::parse(&envelope.to_bytes()).expect("it was read");
        assert_eq!(again.statement_id(), envelope.statement_id());
        assert!(envelope.verify().is_err(), "the fuzzer has no key");
        let _ = Statement::parse(envelope.payload());
    }
    if let Ok(statement) = Statement::parse(bytes) {
        let written = statement.to_bytes();
        assert_eq!(Statement::parse(&written).as_ref(), Ok(&statement));
        let _ = statement.check();
    }
    if let Ok(signature) = SshSig::parse(bytes) {
        assert!(signature.verify(b"text").is_err(), "the fuzzer has no key");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(blob) = sshsig::unarmor(text) {
            assert_eq!(sshsig::unarmor(&sshsig::armor(&blob)).as_ref(), Ok(&blob));
        }
        let _ = sshsig::fingerprint_of(text);
    }
});
