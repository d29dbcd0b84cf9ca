//! Any text as what others wrote about services: Backstage entities, Kubernetes
//! manifests, dependencies from traces, a service graph. No panic; what is read
//! becomes a catalogue or says why it cannot.
#![no_main]

use countersign_core::catalog::{
    Catalog, Draft, from_backstage, from_dependencies, from_manifests, from_service_graph,
};
use countersign_core::moment::parse_utc;
use countersign_core::problem::Source;
use libfuzzer_sys::fuzz_target;

fn assembled(draft: Draft) {
    match Catalog::assemble(vec![draft]) {
        Ok(catalog) => {
            for service in catalog.services() {
                let _ = catalog.tier(service);
            }
            let _ = catalog.components_of("services/cart/main.go");
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
}

fuzz_target!(|input: (u8, &str)| {
    let (kind, text) = input;
    let source = Source { file: "input", text };
    let seen = parse_utc("2026-03-01T00:00:00Z").expect("it is a time");
    let draft = match kind % 4 {
        0 => from_backstage(source, |_| Some(text.to_owned())).map(|it| it.0).ok(),
        1 => from_manifests([source]).ok(),
        2 => from_dependencies(source, seen).ok(),
        _ => from_service_graph(source, seen).ok(),
    };
    if let Some(draft) = draft {
        assembled(draft);
    }
});
