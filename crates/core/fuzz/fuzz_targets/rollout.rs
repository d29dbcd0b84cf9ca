//! Any text as a rollout, on one line and as a file: no panic, and every stage
//! that is read names units of the catalogue.
#![no_main]

use std::sync::LazyLock;

use countersign_core::catalog::Catalog;
use countersign_core::problem::Source;
use countersign_core::radius::rollout::{from_file, from_spec};
use libfuzzer_sys::fuzz_target;

const PLACES: &str = "version: 1
regions:
  - id: eu-west-1
    customers: 60
    cells:
      - {id: eu-west-1-a, customers: 30}
      - {id: eu-west-1-b, customers: 30}
  - id: us-east-1
    customers: 40
";

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::parse(PLACES, "catalog.yaml").expect("it is a catalogue")
});

fuzz_target!(|text: &str| {
    let source = Source { file: "rollout.yaml", text };
    let read = [from_spec(text, &CATALOG).ok(), from_file(source, &CATALOG).ok()];
    for stage in read.into_iter().flatten().flatten() {
        let units = CATALOG.units().len();
        assert!(stage.units.iter().all(|unit| (*unit as usize) < units));
    }
});
