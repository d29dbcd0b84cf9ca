//! Shell text, with and without a known working directory.

#![no_main]

use countersign_effects::command::{Facts, judge_command};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let reading = judge_command(text, &Facts::default());
    let _ = reading.render();
    let facts = Facts {
        cwd: Some("/home/dev/shop".to_owned()),
        home: Some("/home/dev".to_owned()),
        project_root: Some("/home/dev/shop".to_owned()),
        ..Facts::default()
    };
    let _ = judge_command(text, &facts);
});
