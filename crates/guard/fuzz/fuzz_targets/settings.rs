//! An agent's configuration file: the first byte chooses whose. What is added is
//! there, is there once, and comes out again.

#![no_main]

use std::path::Path;

use countersign_guard::agent::Agent;
use countersign_guard::install::{
    Scope, add, command_in, diff, is_ours, remove, switched_off, targets,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let agent = Agent::ALL[usize::from(*first) % Agent::ALL.len()];
    let program = "/usr/local/bin/countersign";
    for scope in [Scope::User, Scope::Project] {
        let Some(target) = targets(agent, scope, Path::new("/home/dev"), Path::new("/w")) else {
            continue;
        };
        let _ = (command_in(text, &target), switched_off(text, &target));
        let _ = remove(&target, text);
        let Ok(after) = add(&target, Some(text), program) else {
            continue;
        };
        assert!(is_ours(&after, agent));
        let _ = diff(text, &after);
        if !is_ours(text, agent) {
            assert_eq!(add(&target, Some(&after), program).as_ref(), Ok(&after));
        }
        let _ = remove(&target, &after).unwrap();
    }
});
