//! Kubernetes manifests: the input is cut in two at a NUL.

#![no_main]

use countersign_core::effect::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut sides = bytes.splitn(2, |b| *b == 0);
    let old = [("old", sides.next().unwrap_or_default())];
    let new = [("new", sides.next().unwrap_or_default())];
    let _ = countersign_effects::kubernetes::read_manifests(&old, &new, Environment::Unknown);
    let _ = countersign_effects::kubernetes::service_calls(&old);
});
