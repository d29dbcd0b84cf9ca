//! COE documents as people write them.

#![no_main]

use countersign_operations::coe::markdown;
use countersign_operations::noted::Noted;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let at = jiff::Timestamp::from_second(1_795_000_000).expect("a time");
    let _ = markdown::read(text, &Noted::by("ada", at));
});
