//! What an agent sends, in the protocol of each: the first byte chooses. A call is
//! judged; a denial is one in the agent's own eyes, whatever its reason says.

#![no_main]

use countersign_core::effect::Environment;
use countersign_effects::command::{Facts, judge_tool_call};
use countersign_guard::action;
use countersign_guard::agent::Agent;
use countersign_guard::judge::weigh;
use countersign_guard::keys;
use countersign_guard::memory::text_of;
use countersign_guard::protocol::{Answer, Event, answer, denies, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let agent = Agent::ALL[usize::from(*first) % Agent::ALL.len()];
    let reason = String::from_utf8_lossy(bytes);
    let mut event = String::new();
    if let Ok(found) = read(agent, bytes) {
        match found {
            Event::Other(name) => event = name,
            Event::Call(call) => {
                let reading = judge_tool_call(&call.tool, &call.input, &Facts::default());
                let weighed = weigh(&reading, Environment::Production);
                let _ = weighed.lines(&reading);
                let _ = keys::touched(&call.tool, &call.input, &reading);
                let _ = action::line(&call.tool, &call.input);
                let _ = action::words(&call.input);
                let _ = text_of(&call.input);
                event = call.event;
            }
        }
    }
    let denial = answer(agent, &event, Answer::Deny { reason: &reason });
    assert!(denies(agent, i32::from(denial.code), &denial.stdout));
    let pass = answer(agent, &event, Answer::Allow);
    assert!(!denies(agent, i32::from(pass.code), &pass.stdout));
});
