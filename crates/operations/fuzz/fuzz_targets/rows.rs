//! Rows of CSV and JSON lines as people export them: no input may crash the
//! reader, and nothing in what it reads may steer a terminal.

#![no_main]

use countersign_operations::import::rows::{Candidates, Form, Text, Texts, each};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    id: Text,
    #[serde(default)]
    services: Texts,
    #[serde(default)]
    links: Candidates,
}

fuzz_target!(|data: &[u8]| {
    for form in [Form::Csv, Form::Json] {
        let _ = each(data, form, |row: Row| {
            let texts = row.services.0.iter().chain([&row.id.0]);
            assert!(texts.flat_map(|text| text.chars()).all(|c| !c.is_control()));
            for link in &row.links.0 {
                assert!((0.0..=1.0).contains(&link.confidence));
            }
            Ok(())
        });
    }
});
