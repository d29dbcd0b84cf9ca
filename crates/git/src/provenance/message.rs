//! Markers in a commit message, wherever they stand.
//!
//! Git reads trailers from the last paragraph only, and so misses what squash
//! merges leave behind. Here every `key:` of the catalogue counts at the start
//! of any line, after white space and list bullets, and after a literal `\n`
//! that a tool failed to turn into a line break. `Co-authored-by` also counts
//! in the middle of a line, where it was glued to the subject, if nothing
//! follows it. Quoted text (`> …`, backticks) never counts.
//!
//! The whole message is searched for colons and for two words with SIMD
//! searches; only where one of them stands is a line looked at. The cost is
//! linear, and each candidate looks at no more than [`LINE_MAX`] bytes.

use memchr::{memchr_iter, memmem};

use super::catalogue::{Catalogue, Row};
use super::footer;

/// Of a longer message, this many bytes are read at the start and as many at
/// the end: markers are written last, subjects first.
pub const MESSAGE_MAX: usize = 1 << 20;

/// The longest part of a line that is looked at, in bytes.
const LINE_MAX: usize = 512;
/// The most white space and bullets allowed before a marker, in bytes.
pub(super) const INDENT_MAX: usize = 64;
pub(super) const GLUED: &[u8] = b"co-authored-by";

/// A marker found in a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker<'m> {
    /// Its row; a key still needs its value looked at.
    pub(super) row: &'static Row,
    /// What stands after a key's colon; empty for other kinds.
    pub(super) value: &'m [u8],
    /// The line, from the marker on.
    pub(super) line: &'m [u8],
}

/// Calls `found` for every marker of `message`, in no particular order.
pub(super) fn markers<'m>(
    catalogue: &Catalogue,
    message: &'m [u8],
    mut found: impl FnMut(Marker<'m>),
) {
    subject(catalogue, message, &mut found);
    if message.len() <= 2 * MESSAGE_MAX {
        return part(catalogue, message, &mut found);
    }
    let (head, _) = message.split_at(MESSAGE_MAX);
    let (_, tail) = message.split_at(message.len() - MESSAGE_MAX);
    part(catalogue, head, &mut found);
    part(catalogue, tail, &mut found);
}

fn part<'m>(catalogue: &Catalogue, text: &'m [u8], found: &mut impl FnMut(Marker<'m>)) {
    for colon in memchr_iter(b':', text) {
        at_colon(catalogue, text, colon, found);
    }
    for words in catalogue.footer_words() {
        for at in words.find_iter(text) {
            footer::footer(catalogue, text, at, found);
        }
    }
}

/// A key, or an address, that ends at this colon.
fn at_colon<'m>(
    catalogue: &Catalogue,
    text: &'m [u8],
    colon: usize,
    found: &mut impl FnMut(Marker<'m>),
) {
    let Some((before, after)) = text.split_at_checked(colon) else {
        return;
    };
    let mut key = trailing_word(before);
    let mut start = colon - key.len();
    // A literal `\n` before the key: the `n` looks like part of the word.
    let literal = matches!(key.first(), Some(b'n' | b'r')) && ends_with(before, start, b'\\');
    if literal {
        key = key.get(1..).unwrap_or_default();
        start += 1;
    }
    if key.eq_ignore_ascii_case(b"https") {
        return footer::url(catalogue, text, start, found);
    }
    let value = || line_end(after.get(1..).unwrap_or_default());
    if let Some(row) = catalogue.by_key(key) {
        let at_start = literal || starts_line(text, start);
        let value = value();
        if at_start || (is_co_author(key) && may_be_glued(before, start, value)) {
            found(Marker {
                row,
                value,
                line: span(text, start, value),
            });
        }
    } else if key.len() > GLUED.len()
        && let Some(glued) = key.get(key.len() - GLUED.len()..)
        && is_co_author(glued)
        && let Some(row) = catalogue.by_key(glued)
    {
        let value = value();
        if ends_with_mailbox(value) {
            let start = colon - GLUED.len();
            found(Marker {
                row,
                value,
                line: span(text, start, value),
            });
        }
    }
}

pub(super) fn is_co_author(key: &[u8]) -> bool {
    key.eq_ignore_ascii_case(GLUED)
}

/// The run of letters, digits, `-` and `_` that `text` ends with, without
/// leading dashes; at most [`LINE_MAX`] bytes are looked at.
fn trailing_word(text: &[u8]) -> &[u8] {
    let window = text.get(text.len().saturating_sub(INDENT_MAX)..);
    let window = window.unwrap_or_default();
    let length = window
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        .count();
    let word = window.get(window.len() - length..).unwrap_or_default();
    let dashes = word.iter().take_while(|b| **b == b'-').count();
    word.get(dashes..).unwrap_or_default()
}

fn ends_with(text: &[u8], end: usize, byte: u8) -> bool {
    end.checked_sub(1).and_then(|at| text.get(at)) == Some(&byte)
}

/// The beginning of `text` up to the end of its line: a line break, or a
/// literal `\n`; at most [`LINE_MAX`] bytes.
pub(super) fn line_end(text: &[u8]) -> &[u8] {
    let window = text.get(..text.len().min(LINE_MAX)).unwrap_or_default();
    let mut end = window.len();
    for at in memchr::memchr3_iter(b'\n', b'\r', b'\\', window) {
        let escape = window.get(at) == Some(&b'\\');
        if !escape || matches!(window.get(at + 1), Some(b'n' | b'r')) {
            end = at;
            break;
        }
    }
    window.get(..end).unwrap_or_default()
}

/// From `start` to the end of `value`, which is a later part of `text`.
fn span<'m>(text: &'m [u8], start: usize, value: &'m [u8]) -> &'m [u8] {
    let line = line_end(text.get(start..).unwrap_or_default());
    if value.is_empty() {
        line.trim_ascii_end()
    } else {
        line.trim_ascii()
    }
}

/// Whether only white space and list bullets stand between the beginning of
/// the line and `start`.
pub(super) fn starts_line(text: &[u8], start: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let window = before.get(before.len().saturating_sub(INDENT_MAX)..);
    let window = window.unwrap_or_default();
    let indent = window
        .iter()
        .rev()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'*' | b'-'))
        .count();
    let rest = window.get(..window.len() - indent).unwrap_or_default();
    match rest {
        [.., b'\n' | b'\r'] | [.., b'\\', b'n' | b'r'] => true,
        [] => window.len() == before.len(),
        _ => false,
    }
}

/// Whether `Co-authored-by` in the middle of a line is a trailer that lost its
/// line break, not a sentence about trailers.
fn may_be_glued(before: &[u8], start: usize, value: &[u8]) -> bool {
    let before = before.get(..start).unwrap_or_default();
    let opens = matches!(
        before.trim_ascii_end().last(),
        Some(b'`' | b'"' | b'\'' | b'(' | b'[' | b'|' | b'/')
    );
    !opens && !is_quoted(before) && ends_with_mailbox(value)
}

/// Whether the line that `before` ends in begins with a mail-style `>`; a
/// beginning further back than [`LINE_MAX`] bytes is not looked for.
pub(super) fn is_quoted(before: &[u8]) -> bool {
    let window = before.get(before.len().saturating_sub(LINE_MAX)..);
    let window = window.unwrap_or_default();
    let line = memchr::memrchr2(b'\n', b'\r', window).map_or(0, |at| at + 1);
    let line = window.get(line..).unwrap_or_default();
    line.trim_ascii_start().first() == Some(&b'>')
}

/// Whether `value` is a name and a mailbox with nothing after them, except
/// perhaps the next co-author.
fn ends_with_mailbox(value: &[u8]) -> bool {
    let Some(close) = memchr::memchr(b'>', value) else {
        return false;
    };
    let rest = value.get(close + 1..).unwrap_or_default().trim_ascii();
    rest.is_empty() || rest.get(..GLUED.len()).is_some_and(is_co_author)
}

pub(super) fn begins_with(text: &[u8], lower: &str) -> bool {
    text.get(..lower.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(lower.as_bytes()))
}

/// Prefixes of the subject, and the branch named by a merge.
fn subject<'m>(catalogue: &Catalogue, message: &'m [u8], found: &mut impl FnMut(Marker<'m>)) {
    let line = line_end(message);
    for row in catalogue.subjects() {
        if begins_with(line, row.value) {
            found(Marker {
                row,
                value: b"",
                line,
            });
        }
    }
    let Some(branch) = merged_branch(line) else {
        return;
    };
    for row in catalogue.branches() {
        if begins_with(branch, row.value) {
            found(Marker {
                row,
                value: b"",
                line,
            });
        }
    }
}

/// The branch that a merge's subject names, as git, GitHub, GitLab and
/// Bitbucket write it.
fn merged_branch(subject: &[u8]) -> Option<&[u8]> {
    let rest = subject.strip_prefix(b"Merge")?;
    if let Some(rest) = rest.strip_prefix(b" pull request #") {
        let from = memmem::find(rest, b" from ")?;
        let name = rest.get(from + b" from ".len()..)?;
        let slash = memchr::memchr(b'/', name)?;
        return name.get(slash + 1..);
    }
    if let Some(rest) = rest.strip_prefix(b"d in ") {
        return Some(rest);
    }
    let open = memchr::memchr(b'\'', rest)?;
    let name = rest.get(open + 1..)?;
    if rest.starts_with(b" remote-tracking branch ") {
        let slash = memchr::memchr(b'/', name)?;
        return name.get(slash + 1..);
    }
    rest.starts_with(b" branch").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::{Kind, examples};
    use super::*;
    use proptest::prelude::*;

    fn rows(message: &[u8]) -> Vec<&'static str> {
        let mut out = Vec::new();
        markers(Catalogue::builtin(), message, |m| out.push(m.row.value));
        out
    }

    fn values(message: &str) -> Vec<String> {
        let mut out = Vec::new();
        markers(Catalogue::builtin(), message.as_bytes(), |m| {
            out.push(String::from_utf8_lossy(m.value).trim().to_owned());
        });
        out
    }

    fn is_in_messages(kind: Kind) -> bool {
        matches!(
            kind,
            Kind::Key | Kind::IdentityKey | Kind::Footer | Kind::Url | Kind::Subject | Kind::Branch
        )
    }

    const CLAUDE: &str = "Claude <noreply@anthropic.com>";

    #[test]
    fn every_shape_seen_in_public_histories() {
        for message in [
            format!("Fix\n\nCo-authored-by: {CLAUDE}"),
            format!("Fix\n\nCo-Authored-By: {CLAUDE}\n"),
            format!("Fix\n\nCO-AUTHORED-BY: {CLAUDE}\r\n"),
            format!("Fix\n\n Co-authored-by: {CLAUDE}"),
            format!("Fix\n\n    Co-authored-by: {CLAUDE}\n"),
            format!("Fix\n\n* Co-authored-by: {CLAUDE}\n\nLast paragraph"),
            format!("Fix\n\n  * - Co-authored-by: {CLAUDE}\n\nLast: paragraph"),
            format!("Fix\\n\\nCo-authored-by: {CLAUDE}"),
            format!("Fix\\n\\nCo-authored-by: {CLAUDE}\\nmore"),
            format!("Fix the thing Co-authored-by: {CLAUDE}"),
            format!("Fix the thingCo-authored-by: {CLAUDE}"),
            format!("Fix (#12)Co-Authored-By: {CLAUDE}\n"),
            format!("Co-authored-by: {CLAUDE}"),
        ] {
            assert_eq!(values(&message), [CLAUDE], "{message:?}");
        }
    }

    #[test]
    fn several_on_one_line_are_told_apart() {
        let message = format!("Fix Co-authored-by: {CLAUDE} Co-authored-by: Ada <ada@example.org>");
        assert_eq!(rows(message.as_bytes()).len(), 2);
    }

    #[test]
    fn text_about_markers_is_no_marker() {
        for message in [
            "Strip `Co-authored-by: Claude <noreply@anthropic.com>` from messages",
            "Strip Co-authored-by: Claude <noreply@anthropic.com> lines",
            "Reply\n\n> Co-authored-by: Claude <noreply@anthropic.com>",
            "Reply\n\n> 🤖 Generated with [Claude Code](https://claude.com/claude-code)",
            "We say \"Co-authored-by: Claude <noreply@anthropic.com>\"",
            "codex: match codex anywhere",
            "docs — Generated with Claude Code",
            "Remove \"Generated with Claude Code\" footers",
            "Generated with Claude Code removed from all footers",
        ] {
            assert_eq!(rows(message.as_bytes()), [""; 0], "{message:?}");
        }
    }

    #[test]
    fn footers_after_any_emoji() {
        for message in [
            "Fix\n\n🐙 Generated with [Claude Code](https://claude.ai/code)",
            "Fix\n\n💘 Generated with Crush",
            "Fix\n\n❤️‍🔥 generated with crush\n\n",
            "Fix\n\n✨Generated with Crush.",
            "Fix 🤖 Generated with [Claude Code](https://claude.ai/code)",
            "Fix\\n\\n🤖 Generated with Claude Code\\n",
            "Fix\n\n* 🤖 Generated with Codebuff",
            "Fix\n\n🤖 Generated with Claude Code Co-authored-by: x",
        ] {
            assert_eq!(rows(message.as_bytes()).len(), 1, "{message:?}");
        }
    }

    #[test]
    fn every_message_row_matches_its_example() {
        let mut count = 0;
        for (row, example, _) in examples().filter(|(row, ..)| is_in_messages(row.kind)) {
            count += 1;
            let message = match row.kind {
                Kind::Subject | Kind::Branch => format!("{example}\n\nBody"),
                _ => format!("Subject\n\nBody\n\n{example}\n"),
            };
            assert!(rows(message.as_bytes()).contains(&row.value), "{message}");
        }
        assert!(count > 60, "{count}");
    }

    #[test]
    fn long_messages_are_read_at_both_ends() {
        let mut message = b"Subject\n\nAi-assisted: true\n".to_vec();
        message.resize(10 << 20, b'x');
        message.extend_from_slice(b"\nAmp-Thread: T-1\n");
        assert_eq!(rows(&message), ["ai-assisted", "amp-thread"]);
        let hostile = b"Co-authored-by: ".repeat(600_000);
        let _ = rows(&hostile);
    }

    proptest! {
        #[test]
        fn nothing_panics(message in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = rows(&message);
        }

        #[test]
        fn nothing_panics_near_markers(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "Co-authored-by", ":", " ", "\n", "\\n", "\\", "<", ">", "🤖", "Generated with ",
                "Claude Code", "[", "](", "https://", "claude.ai/code/session_", "é", "Merge branch '",
                "Merge pull request #1 from ", "/", "Made with ", "*", "-", "Agent",
            ]), 0..30)
        ) {
            let _ = rows(parts.concat().as_bytes());
        }

        #[test]
        fn a_trailer_is_found_wherever_its_line_stands(
            before in "([A-Za-z0-9 .,é:*-]{0,60}\n){0,6}",
            indent in "[ *-]{0,8}",
            after in "(\n[A-Za-z0-9 .,é:*-]{0,60}){0,6}",
        ) {
            let message = format!("{before}{indent}Claude-Session: abc{after}");
            prop_assert!(rows(message.as_bytes()).contains(&"claude-session"), "{message:?}");
            let message = format!("{before}{indent}🤖 Generated with [Claude Code](https://claude.com/claude-code){after}");
            prop_assert!(rows(message.as_bytes()).contains(&"generated with [claude code]"), "{message:?}");
        }
    }
}
