//! What the agent and the person behind it are told.

/// Stops the model from looking for another way, which is what it does next.
const STOP: &str = "Stop here. Do not try to reach the same goal in another way: that is recorded as one \
incident and held as well. Tell the person you work for what you wanted to do and why.";

/// A held action.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// What it would do, one line each.
    pub effects: &'a [String],
    /// What is asked for, in words.
    pub asks: &'a [String],
    /// The ticket.
    pub ticket: &'a str,
    /// The first attempt at the same goal.
    pub attempt_of: Option<&'a str>,
    /// Why a pass that was there did not count.
    pub passes: &'a [String],
    /// Whether anybody could pass it.
    pub passable: bool,
}

/// The text for a held action.
#[must_use]
pub fn held(held: &Held<'_>) -> String {
    let mut text = format!(
        "HELD by Countersign: this would {}.\n",
        effects(held.effects)
    );
    if let Some(first) = held.attempt_of {
        text.push_str(&format!(
            "It is another way to what ticket {first} was held for.\n"
        ));
    }
    if !held.asks.is_empty() {
        text.push_str(&format!("It needs {}.\n", held.asks.join("; and ")));
    }
    for pass in held.passes {
        text.push_str(&format!("A pass was there, but {pass}.\n"));
    }
    text.push_str(STOP);
    if held.passable {
        text.push_str(&format!(
            "\nA person who wants it to run looks at it with `countersign pass {}` in a terminal of their own, \
             and signs. After that, and not before, repeat exactly this call once.",
            held.ticket
        ));
    } else {
        text.push_str(&format!(
            "\nNobody here can pass it yet (ticket {}): no signing key is known. A person adds theirs to \
             .countersign/people.toml on the protected branch; without a roster, \
             `countersign guard compile --key FILE` is enough.",
            held.ticket
        ));
    }
    text
}

/// The text for an action that nobody can pass.
#[must_use]
pub fn refused(effects_of: &[String], why: &str) -> String {
    format!(
        "REFUSED by Countersign: this would {}. {why}\n{STOP}",
        effects(effects_of)
    )
}

/// Why nobody can pass a change of the guard itself.
pub const GUARD_WHY: &str =
    "Rules, hooks, passes and agents' settings are changed by people, never by an agent.";

/// Why nobody can pass a use of a signing key.
pub const KEY_WHY: &str =
    "With such a key people sign what agents may do, so no agent touches one.";

/// The text when the guard cannot judge.
#[must_use]
pub fn fault(what: &str, mend: &str) -> String {
    format!(
        "DENIED by Countersign, which cannot judge this call: {what}. \
         Stop here and tell the person you work for. They mend it with: {mend}"
    )
}

fn effects(lines: &[String]) -> String {
    match lines {
        [] => "do something that cannot be understood and could destroy".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => {
            let shown: Vec<&str> = rest.iter().take(3).map(String::as_str).collect();
            let more = rest.len().saturating_sub(3);
            let mut text = format!("{first}; {}", shown.join("; "));
            if more > 0 {
                text.push_str(&format!("; and {more} more"));
            }
            text
        }
    }
}
