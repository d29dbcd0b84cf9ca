//! Shell text read for meaning: parsed into a small typed form, constants
//! folded, wrappers opened by [`crate::command`].
//!
//! The grammar is that of the Bash manual (GNU Bash Reference Manual 5.2,
//! chapter 3). The parser is linear in its input and bounded in depth.

pub mod ast;
mod decode;
mod expand;
mod heredoc;
mod param;
mod parse;
mod pattern;
mod simple;
mod word;

pub(crate) use decode::from_base64_utf16;
pub use decode::{Decoded, filter_output, printf};
pub use expand::{Expander, Var, Vars, expand_var};
pub use parse::{ParseError, Parsed, parse};
pub use pattern::{glob_match, glob_match_nocase};

/// Stands for text nobody can know before the command runs.
pub const HOLE: char = '\u{E000}';
/// Stands for an unquoted `*`.
pub const STAR: char = '\u{E001}';
/// Stands for an unquoted `?`.
pub const QUESTION: char = '\u{E002}';
/// Stands for an unquoted `[` or an extended glob.
pub const BRACKET: char = '\u{E003}';

/// Whether expanded text holds something unknown.
#[must_use]
pub fn has_hole(text: &str) -> bool {
    text.contains(HOLE)
}

/// Whether expanded text holds an unquoted glob.
#[must_use]
pub fn has_glob(text: &str) -> bool {
    text.contains([STAR, QUESTION, BRACKET])
}

/// Expanded text in a form people can read: no control characters a terminal
/// would obey, no signs that turn the direction of text.
#[must_use]
pub fn show(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            HOLE => '…',
            STAR => '*',
            QUESTION => '?',
            BRACKET => '[',
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
            c if c.is_control() && !matches!(c, '\n' | '\t') => char::REPLACEMENT_CHARACTER,
            other => other,
        })
        .collect()
}
