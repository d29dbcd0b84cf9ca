//! Any message in the record of tips: no panic, and what was read is written
//! and read again the same.
#![no_main]

use countersign_git::tips::Advance;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &[u8]| {
    let text = String::from_utf8_lossy(message);
    let Some(first) = Advance::parse(7, &text) else { return };
    if first.target.contains(char::is_control) {
        // Git lets no ref be called so.
        return;
    }
    let again = Advance::parse(7, &first.message());
    let plain = |text: &String| text.chars().filter(|c| !c.is_control()).collect::<String>();
    let pusher = first.pusher.as_ref().map(plain);
    assert_eq!(again, Some(Advance { pusher, ..first }));
});
