//! Every importer: what comes out may be kept, and the same text read again is
//! no news.

#![no_main]

use countersign_operations::import::{Format, mapping::Mapping, read};
use countersign_operations::incident::{Amended, Incident};
use countersign_operations::record::Recorded as _;
use libfuzzer_sys::fuzz_target;

const MAPPING: &str = r#"
version = 1
source = "table"
zone = "Europe/Berlin"

[fields]
id = "id"
title = "title"
started = "started"
resolved = "resolved"
severity = "severity"
customers = "customers"
"#;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let format = Format::ALL[usize::from(*first) % Format::ALL.len()];
    let mapping = Mapping::parse(MAPPING, "mapping.toml").ok();
    let at = jiff::Timestamp::from_second(1_795_000_000).expect("a time");
    let Ok(import) = read(format, text, mapping.as_ref(), at) else {
        return;
    };
    for news in import.incidents {
        assert!(news.faults().is_empty());
        let Amended::Version { incident, .. } = Incident::imported(None, news.clone()) else {
            panic!("the first time it is news");
        };
        let again = Incident::imported(Some(&incident), news);
        assert!(matches!(again, Amended::Unchanged { .. }));
    }
});
