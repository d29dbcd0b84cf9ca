//! The agents' configuration files: text in, text out.
//!
//! An edit adds one entry and leaves every other byte as it is. What cannot be
//! read is not touched.

mod json;
mod target;
mod text;

use crate::agent::Agent;

pub use target::{Form, Scope, Target, targets};

/// Why a file cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// Not JSON, with the line and column where it stops making sense.
    #[error("it is not valid JSON at line {line}, column {column}: {what}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What was expected.
        what: &'static str,
    },
    /// Not TOML.
    #[error("it is not valid TOML: {0}")]
    Toml(String),
    /// A value of another type stands where the entry belongs.
    #[error("`{0}` in it is not what the agent expects there")]
    Shape(String),
    /// The file belongs to somebody else and can hold one program only.
    #[error("another hook already is in this file, and it can hold only one: call `{0}` from it")]
    Taken(String),
}

/// Adds the hook to a file's text; `None` where there is no file yet. The result
/// is the same as the input when it is there already.
///
/// # Errors
/// [`InstallError`]: the file must not be written.
pub fn add(target: &Target, before: Option<&str>, program: &str) -> Result<String, InstallError> {
    let command = command(target.agent, program);
    match target.form {
        Form::Json { comments } => json::add(target.agent, before, &command, comments),
        Form::KiroAgent => json::add_kiro_agent(target.agent, before, &command),
        Form::OwnJson => Ok(text::own_json(target.agent, &command)),
        Form::Toml => text::add_toml(before, &command),
        Form::Plugin => Ok(text::plugin(program)),
        Form::Script => text::script(before, program),
    }
}

/// Takes the hook out again; `None` when the file is ours alone and goes.
///
/// # Errors
/// [`InstallError`]: the file must not be written.
pub fn remove(target: &Target, before: &str) -> Result<Option<String>, InstallError> {
    match target.form {
        Form::Json { comments } => json::remove(before, target.agent, comments).map(Some),
        Form::KiroAgent => json::remove(before, target.agent, false).map(Some),
        Form::OwnJson | Form::Plugin | Form::Script if is_ours(before, target.agent) => Ok(None),
        Form::OwnJson | Form::Plugin | Form::Script => Ok(Some(before.to_owned())),
        Form::Toml => Ok(Some(text::remove_toml(before))),
    }
}

/// Whether a file's text holds our hook.
#[must_use]
pub fn is_ours(text: &str, agent: Agent) -> bool {
    text.contains("countersign") && text.contains(&marker(agent))
}

/// The command line in a file's text, as the agent would run it; `None` when it
/// has none of ours, or is a program itself.
#[must_use]
pub fn command_in(text: &str, target: &Target) -> Option<String> {
    match target.form {
        Form::Json { .. } | Form::KiroAgent | Form::OwnJson => json::command_in(text, target.agent),
        Form::Toml => text::command_in_toml(text, target.agent),
        Form::Plugin | Form::Script => None,
    }
}

/// What switches this file's hooks off, in words; `None` when nothing does.
#[must_use]
pub fn switched_off(text: &str, target: &Target) -> Option<&'static str> {
    match (target.agent, target.form) {
        (_, Form::Toml) => text::switched_off_toml(text),
        (_, Form::Json { .. } | Form::OwnJson | Form::KiroAgent) => json::switched_off(text),
        _ => None,
    }
}

/// The part of a command line that tells our hooks from others.
fn marker(agent: Agent) -> String {
    format!("guard --agent {}", agent.as_str())
}

/// The command line for an agent that starts a shell. `|| exit 2` turns a program
/// that is missing or killed into a denial, where exit code 2 is one.
#[must_use]
pub fn command(agent: Agent, program: &str) -> String {
    let quoted = quote(program);
    format!("{quoted} {} || exit 2", marker(agent))
}

/// A word as a POSIX shell needs it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The lines that differ, with two lines around them, as `diff -u` would show
/// one change.
#[must_use]
pub fn diff(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - same;
    let same_end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(most)
        .take_while(|(a, b)| a == b)
        .count();
    let mut out = String::new();
    let mut push = |mark: char, lines: &[&str]| {
        for line in lines {
            out.push(mark);
            out.push_str(line);
            out.push('\n');
        }
    };
    push(
        ' ',
        old.get(same.saturating_sub(2)..same).unwrap_or_default(),
    );
    push('-', old.get(same..old.len() - same_end).unwrap_or_default());
    push('+', new.get(same..new.len() - same_end).unwrap_or_default());
    let after_change = old.len() - same_end;
    push(
        ' ',
        old.get(after_change..(after_change + 2).min(old.len()))
            .unwrap_or_default(),
    );
    out
}

#[cfg(test)]
mod tests;
