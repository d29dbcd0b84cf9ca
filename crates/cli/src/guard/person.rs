//! Whether a person sits at this terminal.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};

use crate::error::{CliError, CliResult, exit};

/// Variables that agents set for what they start, and the agent. The tests are
/// run without them (`xtask`).
const AGENT_VARIABLES: &str = include_str!("agent_variables.tsv");

fn agent_variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    AGENT_VARIABLES
        .lines()
        .filter_map(|line| line.split_once('\t'))
}

/// Set in every terminal of an editor with an agent, whoever types in it.
const EDITOR_VARIABLES: &[&str] = &["CURSOR_TRACE_ID"];
/// Programs that are agents and no terminals with one inside.
const AGENT_PROGRAMS: &[&str] = &[
    "claude",
    "codex",
    "gemini",
    "kiro-cli",
    "kiro-cli-chat",
    "qchat",
    "copilot",
    "opencode",
    "cline",
    "cursor-agent",
];
/// Ancestors above this many are not looked at.
const MAX_ANCESTORS: usize = 64;

/// What an agent is told that does what a person has to do.
pub(crate) fn for_a_person(what: &str, why: &str) -> CliError {
    CliError::new(exit::REFUSE, format!("{what} is for a person: {why}"))
        .hint("open a terminal of your own, outside of the agent, and run it there")
}

/// The agent in whose session this runs, as its variables say; an agent that
/// takes them away is not seen.
pub(crate) fn agent_here() -> Option<&'static str> {
    agent_variables()
        .find(|(name, _)| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
        .map(|(_, agent)| agent)
}

/// A terminal with, as far as can be told, a person at it.
pub(crate) struct Person {
    terminal: File,
}

impl Person {
    /// Fails inside an agent's session, and without a terminal.
    ///
    /// An agent with the user's rights can fake all of this. What it cannot fake
    /// is the signature that comes after, if the key asks for a passphrase or a
    /// touch.
    pub(crate) fn find(what: &str) -> CliResult<Self> {
        let refuse = |why: String| for_a_person(what, &why);
        let names = agent_variables().map(|(name, _)| name);
        if let Some(name) = names
            .chain(EDITOR_VARIABLES.iter().copied())
            .find(|name| std::env::var_os(name).is_some())
        {
            return Err(refuse(format!("`{name}` says that an agent started this")));
        }
        if let Some(name) = agent_above() {
            return Err(refuse(format!("it was started by `{name}`")));
        }
        if !std::io::stdin().is_terminal() {
            return Err(refuse("standard input is no terminal".to_owned()));
        }
        let terminal = File::options()
            .read(true)
            .write(true)
            .open(if cfg!(windows) { "CONIN$" } else { "/dev/tty" })
            .map_err(|error| refuse(format!("there is no terminal ({error})")))?;
        Ok(Self { terminal })
    }

    /// Asks for a word; `false` for any other answer.
    pub(crate) fn types(&self, question: &str, word: &str) -> CliResult<bool> {
        Ok(self.answers(question)?.eq_ignore_ascii_case(word))
    }

    /// Asks for a line.
    pub(crate) fn answers(&self, question: &str) -> CliResult<String> {
        (&self.terminal).write_all(question.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(&self.terminal).read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    }
}

/// The first agent among the processes that started this one.
fn agent_above() -> Option<String> {
    let mut process = parent_of("self")?;
    for _ in 0..MAX_ANCESTORS {
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
        if AGENT_PROGRAMS.contains(&name.trim()) {
            return Some(name.trim().to_owned());
        }
        process = parent_of(&process)?;
    }
    None
}

fn parent_of(process: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let parent = text
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim();
    (parent != "0").then(|| parent.to_owned())
}
