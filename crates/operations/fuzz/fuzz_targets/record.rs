//! Records: what is read is written back byte by byte.

#![no_main]

use countersign_operations::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(record) = Record::parse(text) {
        assert_eq!(record.to_json().as_deref(), Ok(text));
    }
});
