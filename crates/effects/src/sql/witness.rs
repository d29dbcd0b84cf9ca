//! The words a statement is remembered by, without its literals.

use super::Dialect;
use super::split::{Piece, dollar_quote};

/// Most characters of a statement kept.
const MOST: usize = 160;

/// `line 3: DELETE FROM users WHERE name = '…'`: one line, strings blanked.
pub(super) fn witness(piece: &Piece, dialect: Dialect) -> String {
    let text = masked(&piece.text, dialect);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = words.chars().take(MOST).collect();
    if shown.len() < words.len() {
        shown.push('…');
    }
    format!("line {}: {shown}", piece.line)
}

/// The text with the content of strings and dollar quotes blanked. Passwords
/// stand in strings (`PASSWORD 'x'`), table and column names do not; double
/// quotes are for strings in some dialects and for names in others.
pub(super) fn masked(text: &str, dialect: Dialect) -> String {
    let names = !matches!(
        dialect,
        Dialect::Generic | Dialect::MySql | Dialect::BigQuery | Dialect::Sqlite
    );
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' if names => 1,
            '\'' | '"' => string_length(rest, c),
            '$' => dollar_quote(rest).unwrap_or(1),
            _ => c.len_utf8(),
        };
        match c {
            '\'' | '"' if length > 1 => {
                out.push(c);
                out.push('…');
                out.push(c);
            }
            '$' if length > 1 => out.push_str("$…$"),
            _ => out.push(c),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// The length of a string with its quotes, doubled quotes and backslashes
/// included: rather too long than to show a part of a literal.
fn string_length(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return i + 1;
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_blanked() {
        let piece = |text: &str| Piece {
            text: text.to_owned(),
            line: 3,
        };
        let cases = [
            (
                "ALTER  ROLE a\n PASSWORD 'hunter2'",
                "line 3: ALTER ROLE a PASSWORD '…'",
            ),
            (
                "SELECT 'it''s' || $x$hunter2$x$, $1",
                "line 3: SELECT '…' || $…$, $1",
            ),
            ("SELECT 'unclosed", "line 3: SELECT '…'"),
            ("SELECT \"name\"", "line 3: SELECT \"name\""),
        ];
        for (text, expected) in cases {
            assert_eq!(witness(&piece(text), Dialect::PostgreSql), expected);
        }
    }
}
