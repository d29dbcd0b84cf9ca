//! `DO` blocks: code run at once, whose statements stand in a string.

use super::Dialect;
use super::split::{Piece, dollar_quote, split};

/// Words that start a statement inside a block. What stands before them, such as
/// `IF x THEN`, only decides whether it runs.
const VERBS: [&str; 16] = [
    "DROP", "TRUNCATE", "DELETE", "UPDATE", "ALTER", "INSERT", "CREATE", "EXECUTE", "PERFORM",
    "CALL", "GRANT", "REVOKE", "COPY", "MERGE", "LOCK", "SELECT",
];

/// The statements inside a `DO $$ … $$` block, or `None` for anything else.
pub(super) fn statements(piece: &Piece, dialect: Dialect) -> Option<Vec<Piece>> {
    let rest = piece.text.trim_start();
    let (first, rest) = rest.split_once(|c: char| c.is_whitespace() || c == '$')?;
    if !first.eq_ignore_ascii_case("do") {
        return None;
    }
    let at = piece.text.len() - rest.len();
    // The separator may have been the first `$`.
    let from = piece.text.get(at - 1..)?.find('$')? + at - 1;
    let quoted = piece.text.get(from..)?;
    let length = dollar_quote(quoted)?;
    let mark = quoted.get(1..)?.find('$')? + 2;
    let body = quoted.get(mark..length.saturating_sub(mark).max(mark))?;
    let before = piece.text.get(..from + mark)?.matches('\n').count();
    let inner = split(body, dialect).into_iter().filter_map(|inner| {
        let text = from_verb(&inner.text)?;
        Some(Piece {
            text: executed(&text).unwrap_or(text),
            line: piece.line + before + inner.line - 1,
        })
    });
    Some(inner.collect())
}

/// The statement from its first verb on.
fn from_verb(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let boundary = |i: usize| {
        let before = upper.get(..i).and_then(|b| b.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    };
    let starts = VERBS.iter().flat_map(|verb| {
        upper
            .match_indices(verb)
            .filter(|(i, _)| boundary(*i))
            .filter(|(i, _)| {
                let after = upper.get(i + verb.len()..).and_then(|a| a.chars().next());
                !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
            })
            .map(|(i, _)| i)
            .collect::<Vec<_>>()
    });
    text.get(starts.min()?..).map(str::to_owned)
}

/// `EXECUTE 'statement'` with nothing but a literal runs that statement.
fn executed(text: &str) -> Option<String> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    let inner = rest.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let whole = !inner.replace("''", "").contains('\'');
    (first.eq_ignore_ascii_case("execute") && whole).then(|| inner.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_block_runs() {
        let inside = |text: &str| {
            let piece = Piece {
                text: text.to_owned(),
                line: 1,
            };
            statements(&piece, Dialect::PostgreSql)
                .map(|pieces| pieces.into_iter().map(|p| p.text).collect::<Vec<_>>())
        };
        assert_eq!(inside("DROP TABLE a"), None);
        assert_eq!(
            inside("do $$ begin if x then drop table a; end if; execute 'truncate b'; execute format('%I', c); end $$").unwrap(),
            ["drop table a", "truncate b", "execute format('%I', c)"]
        );
        assert_eq!(
            inside("DO $x$BEGIN DELETE FROM t; END$x$ LANGUAGE plpgsql").unwrap(),
            ["DELETE FROM t"]
        );
        assert_eq!(
            inside("DO LANGUAGE plpgsql $$ BEGIN NULL; END $$").unwrap(),
            Vec::<String>::new()
        );
    }
}
