//! Files of the guard's own: compiled rules, tickets, passes, log lines, what a
//! conversation remembers. The first byte chooses.

#![no_main]

use countersign_core::signoff::Digest;
use countersign_guard::compiled::Compiled;
use countersign_guard::journal::{Last, Reader};
use countersign_guard::memory::Session;
use countersign_guard::pass;
use countersign_guard::report::report;
use countersign_guard::ticket::{Ticket, id_of, read_id};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
    match first % 6 {
        0 => {
            let _ = Compiled::parse(bytes, now);
            // With the checksum it has to have.
            let mut summed = bytes.to_vec();
            summed.extend(format!("\n{}\n", Digest::of(bytes)).into_bytes());
            if let Ok(compiled) = Compiled::parse(&summed, now) {
                assert_eq!(
                    Compiled::parse(&compiled.to_bytes(), now).as_ref(),
                    Ok(&compiled)
                );
                let _ = compiled.targets();
                if let Ok(rules) = compiled.open() {
                    let _ = pass::check(bytes, &Digest::of(b""), &compiled, &rules, now);
                }
            }
        }
        1 => {
            let text = String::from_utf8_lossy(bytes);
            let id = read_id(&text).unwrap_or_default();
            let _ = Ticket::parse(bytes, &id, now);
            if let Ok(ticket) = serde_json::from_slice::<Ticket>(bytes) {
                let id = id_of(&ticket.action.digest());
                if let Ok(ticket) = Ticket::parse(bytes, &id, now) {
                    assert!(Ticket::parse(&ticket.to_bytes(), &id, now).is_ok());
                }
            }
        }
        2 => {
            let mut reader = Reader::default();
            let records: Vec<_> = bytes
                .split(|byte| *byte == b'\n')
                .filter_map(|line| reader.read(line))
                .collect();
            let _ = report(&records, None);
            if let Some(last) = Last::of(bytes) {
                let mut next = Reader::default();
                for mut record in records {
                    let _ = next.read(record.line_after(Some(&last)).trim_ascii_end());
                }
            }
        }
        3 => {
            if let Some(session) = Session::parse(bytes) {
                assert!(Session::parse(&session.to_bytes()).is_some());
            }
        }
        4 => {
            let text = String::from_utf8_lossy(bytes);
            let _ = countersign_guard::redact::redact(&text);
        }
        _ => {
            let _ = countersign_core::signoff::dsse::Envelope::parse(bytes);
        }
    }
});
