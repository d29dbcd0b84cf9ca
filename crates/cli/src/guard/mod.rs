//! `countersign guard --agent NAME`: the hook that agents call before a tool runs.
//!
//! This path starts before arguments are parsed and does no more than it must: no
//! child process, no network, no thread, no regular expression. Whatever goes
//! wrong becomes an explicit denial in the agent's own protocol.

pub(crate) mod compile;
mod decide;
pub(crate) mod files;
pub(crate) mod journal;
mod passes;
pub(crate) mod person;
pub(crate) mod place;
pub(crate) mod recorded;
pub(crate) mod rules;
mod sessions;
pub(crate) mod surroundings;
pub(crate) mod tickets;

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use countersign_guard::agent::Agent;
use countersign_guard::message;
use countersign_guard::protocol::{
    self, Answer, DENY_CODE, Event, MAX_INPUT, ProtocolError, Response, ToolCall,
};

pub(crate) use decide::{Outcome, judge, needed_home, pass_dir};

/// The agent that this process was started for as a hook; `None` when it was
/// started for something else. A name nobody knows is `Some(Err(…))`.
pub(crate) fn asked(mut args: impl Iterator<Item = OsString>) -> Option<Result<Agent, String>> {
    if args.next()? != "guard" {
        return None;
    }
    let first = args.next()?;
    let name = match first.to_str()? {
        "--agent" => args.next().unwrap_or_default(),
        other => OsString::from(other.strip_prefix("--agent=")?),
    };
    let name = name.to_string_lossy().into_owned();
    Some(Agent::named(&name).ok_or(name))
}

/// Answers the hook. Returns the exit code.
pub(crate) fn run(agent: Result<Agent, String>) -> u8 {
    let agent = match agent {
        Ok(agent) => agent,
        Err(name) => {
            let known: Vec<&str> = Agent::ALL.iter().map(|agent| agent.as_str()).collect();
            let _ = writeln!(
                std::io::stderr(),
                "countersign: `{name}` is no agent known here, so this call is denied (known: {})",
                known.join(", ")
            );
            return DENY_CODE;
        }
    };
    // A panic's own text on the terminal helps nobody; the denial says enough.
    std::panic::set_hook(Box::new(|_| {}));
    let response = catch_unwind(AssertUnwindSafe(|| respond(agent))).unwrap_or_else(|_| {
        let text = message::fault("a fault inside the guard", "countersign guard doctor");
        protocol::answer(agent, "", Answer::Deny { reason: &text })
    });
    deliver(&response)
}

fn respond(agent: Agent) -> Response {
    let event = match read_input().and_then(|input| protocol::read(agent, &input)) {
        Ok(event) => event,
        Err(error) => {
            let text = message::fault(&error.to_string(), "countersign guard doctor");
            return protocol::answer(agent, "", Answer::Deny { reason: &text });
        }
    };
    let call: ToolCall = match event {
        Event::Call(call) => call,
        Event::Other(event) => return protocol::answer(agent, &event, Answer::Allow),
    };
    let Outcome { denial, faults } = judge(agent, &call);
    let answer = denial
        .as_deref()
        .map_or(Answer::Allow, |reason| Answer::Deny { reason });
    let mut response = protocol::answer(agent, &call.event, answer);
    for fault in faults {
        response
            .stderr
            .extend(format!("countersign: {fault}\n").into_bytes());
    }
    response
}

fn read_input() -> Result<Vec<u8>, ProtocolError> {
    let mut input = Vec::new();
    let limit = MAX_INPUT as u64 + 1;
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut input)
        .map_err(|error| ProtocolError::Json(error.to_string()))?;
    Ok(input)
}

fn deliver(response: &Response) -> u8 {
    // Standard error may be closed too; the exit code still speaks.
    let _ = std::io::stderr().write_all(&response.stderr);
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(&response.stdout)
        .and_then(|()| stdout.flush());
    match written {
        Ok(()) => response.code,
        Err(_) => response.code_without_output,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: &[&str]) -> Option<Result<Agent, String>> {
        asked(args.iter().map(OsString::from))
    }

    #[test]
    fn only_the_hook_is_taken() {
        assert_eq!(of(&["guard", "--agent", "kiro"]), Some(Ok(Agent::Kiro)));
        assert_eq!(of(&["guard", "--agent=codex"]), Some(Ok(Agent::Codex)));
        assert_eq!(of(&["guard", "--agent", "x"]), Some(Err("x".to_owned())));
        assert_eq!(of(&["guard", "--agent"]), Some(Err(String::new())));
        assert_eq!(of(&["guard", "explain"]), None);
        assert_eq!(of(&["check"]), None);
        assert_eq!(of(&[]), None);
    }
}
