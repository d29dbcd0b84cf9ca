//! What a command would do, judged by its meaning and its target.

mod args;
mod builtins;
mod by_table;
mod carried;
mod clients;
pub(crate) mod cloud;
mod code;
mod context;
mod dispatch;
mod files;
mod find;
mod git;
mod paths;
mod reading;
mod recipes;
mod record;
mod shell_run;
mod special;
mod statements;
mod table;
mod tool;
mod vocabulary;
mod web;
mod windows;
mod wrappers;

pub use context::{Context, Entry, Facts};
pub use paths::normalise;
pub use reading::{Danger, Finding, Node, Reading, Scope, place_name};
pub use record::redact;
pub use tool::{command_texts, judge_tool_call, tool_name};

use shell_run::Shell;

/// Longer texts are not read, in bytes; they are held.
pub const MAX_LENGTH: usize = 131_072;

/// Judges shell text. Bounded in time for any input; never panics.
#[must_use]
pub fn judge_command(text: &str, context: &dyn Context) -> Reading {
    let mut shell = Shell::new(context);
    if text.len() > MAX_LENGTH {
        let reason = format!(
            "{} bytes of command are more than is read ({MAX_LENGTH})",
            text.len()
        );
        shell.unknown(&reason, "");
    } else {
        shell.run_text(text, None);
        shell.finish();
    }
    shell.reading
}
