//! What an argument carries for another program: a command line, statements
//! for a database, a program's name with its arguments.
//!
//! Programs no table knows may run what they are given (`entr -s 'rm …'`,
//! `pssh 'reboot'`), so such an argument is judged as if it ran here. Options
//! that only carry words for people are left out.

use super::shell_run::Shell;
use super::statements::statements;
use super::{table, vocabulary};
use crate::target::Target;

/// Options whose value is text for people or a name, never a command.
const TEXT_OPTIONS: &[&str] = &[
    "-m",
    "-t",
    "-b",
    "--message",
    "--msg",
    "--title",
    "--body",
    "--text",
    "--description",
    "--desc",
    "--subject",
    "--summary",
    "--comment",
    "--note",
    "--notes",
    "--reason",
    "--label",
    "--prompt",
    "--grep",
    "--pattern",
    "--regexp",
    "--search",
    "--filter",
    "--header",
];
/// Options whose value is a command.
const COMMAND_OPTIONS: &[&str] = &[
    "-c",
    "-C",
    "-e",
    "-x",
    "--command",
    "--cmd",
    "--exec",
    "--execute",
    "--eval",
    "--run",
    "--run-command",
    "--script",
    "--shell-command",
    "--ssh-command",
    "--commands",
];
/// First words of statements that take data away.
const STATEMENTS: &[&str] = &["drop", "truncate", "delete", "update", "alter", "merge"];

impl Shell<'_> {
    /// Judges what the arguments of a program carry. With `listed` the program
    /// has a table and only options that mean a command are looked at.
    pub(super) fn judge_carried(&mut self, args: &[String], listed: bool) {
        let mut before = "";
        for (at, arg) in args.iter().enumerate() {
            let option = std::mem::replace(&mut before, arg);
            let (option, value) = match arg.split_once('=') {
                Some((name, value)) if !name.contains(char::is_whitespace) => (name, value),
                _ => (option, arg.as_str()),
            };
            if TEXT_OPTIONS.contains(&option) || (listed && !COMMAND_OPTIONS.contains(&option)) {
                continue;
            }
            if value.trim().contains(char::is_whitespace) {
                self.judge_carried_text(value);
            } else if !listed && at + 1 < args.len() && runs_more(arg) {
                self.run_argv(args.get(at..).unwrap_or(&[]), None);
                return;
            }
        }
    }

    fn judge_carried_text(&mut self, text: &str) {
        let first = text
            .split_ascii_whitespace()
            .next()
            .unwrap_or("")
            .trim_start_matches(['(', '{', '!']);
        let name = super::dispatch::program_name(first);
        if STATEMENTS.contains(&name.to_ascii_lowercase().as_str()) {
            for found in statements(text, "any").into_iter().filter(|s| s.dangerous) {
                self.on_service(
                    found.verb,
                    &found.kind,
                    &found.object,
                    &found.reason,
                    Target::unknown(),
                );
            }
        } else if runs_more(first) || (name != first && table::find(name).is_some()) {
            self.run_code(text, None);
        }
    }
}

/// Whether the word is a program that matters, so that what follows is judged.
fn runs_more(word: &str) -> bool {
    let name = super::dispatch::program_name(word);
    vocabulary::PROGRAMS.contains(&name)
        || matches!(
            name,
            "sudo" | "doas" | "env" | "nohup" | "xargs" | "timeout"
        )
}
