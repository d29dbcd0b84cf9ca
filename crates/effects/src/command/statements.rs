//! What statements sent to a database client do, by their leading words.
//!
//! Comments and quoted text are taken out first, so that words inside them
//! mean nothing. Sources: PostgreSQL 17 and `MySQL` 8.4 manuals, SQL statements;
//! Redis 7 commands; Apache Cassandra CQL.

use countersign_core::effect::{Effect, StateLoss, Verb};

use crate::sql::{self, Dialect};

/// One statement that does more than read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) verb: Verb,
    pub(super) kind: String,
    pub(super) object: String,
    pub(super) dangerous: bool,
    pub(super) reason: String,
}

/// Longer texts are judged by their words alone, in bytes.
const MAX_PARSED: usize = 65_536;

/// The statements of a text that change something. SQL goes to the SQL reader;
/// what it cannot parse, and every other language, is judged by its words.
pub(super) fn statements(text: &str, dialect: &str) -> Vec<Statement> {
    let known = match dialect {
        "any" => Some(Dialect::Generic),
        name => Dialect::from_name(name),
    };
    let Some(dialect) = known.filter(|_| text.len() <= MAX_PARSED) else {
        return by_words(text);
    };
    let mut out: Vec<Statement> = Vec::new();
    // MySQL runs `/*! … */`, which is a comment to every parser.
    if text.contains("/*!") {
        out.extend(by_words(text));
    }
    for effect in sql::effects(text, dialect) {
        match effect.verb {
            Verb::Create => {}
            Verb::Read | Verb::Unknown => {
                // `line 3: SELECT …`: the statement stands behind the place.
                let words = effect
                    .witness
                    .split_once(": ")
                    .map_or("", |(_, words)| words);
                out.extend(by_words(words));
            }
            _ => out.push(of_effect(effect)),
        }
    }
    out
}

/// Rows behind a condition can be put back; a whole table or object cannot, and
/// an object without data may be what others rely on.
fn of_effect(effect: Effect) -> Statement {
    let takes = (effect.verb == Verb::Delete
        || (effect.verb == Verb::Replace && effect.state != StateLoss::None))
        && effect.kind != "rows";
    let every =
        effect.verb == Verb::Update && matches!(effect.kind.as_str(), "all rows" | "row security");
    let stops = effect.verb == Verb::Disrupt;
    let what = format!("{} {}", effect.verb.as_str(), effect.kind);
    let reason = std::iter::once(what)
        .chain(effect.reasons)
        .collect::<Vec<_>>()
        .join("; ");
    Statement {
        verb: effect.verb,
        kind: effect.kind,
        object: effect.object,
        dangerous: takes || every || stops,
        reason,
    }
}

fn by_words(text: &str) -> Vec<Statement> {
    split(text)
        .iter()
        .filter_map(|words| judge(words))
        .collect()
}

/// Words of each statement, lower-case, without comments; quoted text is `''`.
fn split(text: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut chars = text.char_indices().peekable();
    let push = |all: &mut Vec<Vec<String>>, word: String| {
        if let Some(last) = all.last_mut()
            && last.len() < 400
        {
            last.push(word);
        }
    };
    while let Some((at, c)) = chars.next() {
        let rest = text.get(at..).unwrap_or("");
        match c {
            ';' => all.push(Vec::new()),
            '\'' => {
                skip_quoted(&mut chars, '\'');
                push(&mut all, "''".to_owned());
            }
            '"' | '`' => {
                let name = skip_quoted(&mut chars, c);
                push(&mut all, name);
            }
            '-' if rest.starts_with("--") => skip_until(&mut chars, '\n'),
            '/' if rest.starts_with("/*") => {
                // MySQL runs what stands in `/*! … */`.
                if rest.starts_with("/*!") {
                    chars.nth(1);
                    while chars.peek().is_some_and(|(_, c)| c.is_ascii_digit()) {
                        chars.next();
                    }
                } else {
                    skip_comment(&mut chars);
                }
            }
            '*' if rest.starts_with("*/") => {
                chars.next();
            }
            '$' if dollar_tag(rest).is_some() => {
                let tag = dollar_tag(rest).unwrap_or("$$");
                let body = rest.get(tag.len()..).unwrap_or("");
                let length = body.find(tag).map_or(body.len(), |end| end + tag.len());
                while chars
                    .peek()
                    .is_some_and(|(i, _)| *i < at + tag.len() + length)
                {
                    chars.next();
                }
                // The body of `DO` runs, with what it builds in quotes.
                if all
                    .last()
                    .is_some_and(|words| words.first().is_some_and(|w| w == "do"))
                {
                    let code = body.replace('\'', " ; ");
                    all.extend(split(
                        code.get(..length.saturating_sub(tag.len())).unwrap_or(""),
                    ));
                } else {
                    push(&mut all, "''".to_owned());
                }
            }
            '\\' if all.last().is_some_and(Vec::is_empty) => skip_until(&mut chars, '\n'),
            c if c.is_alphanumeric() || c == '_' || c == '.' => {
                let mut word = c.to_ascii_lowercase().to_string();
                while let Some((_, c)) = chars.peek().copied() {
                    if !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$')) {
                        break;
                    }
                    word.push(c.to_ascii_lowercase());
                    chars.next();
                }
                push(&mut all, word);
            }
            '=' | '(' | ')' | ',' | '*' => push(&mut all, c.to_string()),
            _ => {}
        }
    }
    all
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn skip_quoted(chars: &mut Chars<'_>, quote: char) -> String {
    let mut name = String::new();
    while let Some((_, c)) = chars.next() {
        if c == '\\' && quote == '\'' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                break;
            }
        } else {
            name.push(c);
        }
    }
    name
}

fn skip_until(chars: &mut Chars<'_>, end: char) {
    for (_, c) in chars.by_ref() {
        if c == end {
            return;
        }
    }
}

fn skip_comment(chars: &mut Chars<'_>) {
    let mut last = ' ';
    chars.next();
    for (_, c) in chars.by_ref() {
        if last == '*' && c == '/' {
            return;
        }
        last = c;
    }
}

/// `$$` or `$tag$` at the start of the text.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text.get(1..)?.find('$')?;
    let tag = text.get(1..=end)?;
    tag.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        .then(|| text.get(..end + 2))?
}

fn judge(words: &[String]) -> Option<Statement> {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let destroys = |verb, kind: &str, at: usize, reason: &str| {
        Some(Statement {
            verb,
            kind: kind.to_owned(),
            object: words
                .get(at..(at + 3).min(words.len()))
                .unwrap_or(&[])
                .join(" "),
            dangerous: true,
            reason: reason.to_owned(),
        })
    };
    match word(0) {
        "explain" => {
            let analyse = words
                .iter()
                .take(4)
                .any(|w| w == "analyze" || w == "analyse");
            let rest = words
                .iter()
                .position(|w| matches!(w.as_str(), "delete" | "update" | "insert"))?;
            if analyse {
                judge(words.get(rest..)?)
            } else {
                None
            }
        }
        "with" => {
            let at = words
                .iter()
                .position(|w| matches!(w.as_str(), "delete" | "update"))?;
            judge(words.get(at..)?)
        }
        "drop" => match word(1) {
            "index" | "view" | "function" | "trigger" | "procedure" | "policy" | "rule"
            | "comment" => destroys(
                Verb::Delete,
                "database object",
                1,
                "drops a database object",
            ),
            _ => destroys(
                Verb::Delete,
                "database object",
                1,
                "drops it with all it holds",
            ),
        },
        "truncate" => destroys(Verb::Delete, "table", 1, "empties the table"),
        "delete" => {
            if unbounded(words) {
                destroys(Verb::Delete, "rows", 1, "deletes every row")
            } else {
                Some(change(
                    Verb::Delete,
                    "rows",
                    words,
                    "deletes the rows of its condition",
                ))
            }
        }
        "update" => {
            if unbounded(words) {
                destroys(Verb::Update, "rows", 1, "changes every row")
            } else {
                Some(change(
                    Verb::Update,
                    "rows",
                    words,
                    "changes the rows of its condition",
                ))
            }
        }
        // ClickHouse deletes and updates rows by altering the table.
        "alter" if word(1) == "table" && matches!(word(3), "delete" | "update") => {
            judge(words.get(3..)?)
        }
        "alter" if word(1) == "system" => destroys(
            Verb::Update,
            "server",
            2,
            "changes settings of the whole server",
        ),
        "alter" => {
            let drops = words.windows(2).any(|w| matches!(w, [a, b] if a == "drop" && matches!(b.as_str(), "column" | "partition" | "constraint" | "primary")))
                || (words.iter().any(|w| w == "drop") && word(1) == "table");
            if drops {
                destroys(Verb::Delete, "column", 1, "drops a part of the table")
            } else {
                Some(change(
                    Verb::Update,
                    "database object",
                    words,
                    "alters a database object",
                ))
            }
        }
        "flushall" | "flushdb" | "flush_all" => {
            destroys(Verb::Delete, "keys", 0, "deletes every key")
        }
        "kill" | "shutdown" => destroys(Verb::Disrupt, "server", 0, "stops sessions or the server"),
        "reset" if word(1) == "master" => {
            destroys(Verb::Delete, "binary log", 0, "deletes the binary logs")
        }
        "purge" => destroys(Verb::Delete, "log", 0, "deletes logs"),
        "revoke" | "reassign" => Some(change(Verb::Update, "rights", words, "changes rights")),
        "select" | "perform" | "call" | "exec" | "execute" | "do" | "begin" => {
            let at = destroying_call(words)?;
            destroys(
                Verb::Delete,
                "routine",
                at,
                "calls a routine that takes away or stops something",
            )
        }
        "disable" | "disable_all" | "truncate_preserve" | "deleteall" => {
            destroys(Verb::Disrupt, "table", 0, "switches a table off")
        }
        // Only Cypher starts a pattern with `match`.
        "match" | "optional"
            if words
                .iter()
                .any(|w| matches!(w.as_str(), "delete" | "detach" | "remove")) =>
        {
            destroys(Verb::Delete, "nodes", 0, "deletes what the pattern matches")
        }
        _ => None,
    }
}

/// Where a routine is called that ends sessions, deletes or runs programs, by
/// the manuals of `PostgreSQL` 17 and SQL Server or by its own name.
fn destroying_call(words: &[String]) -> Option<usize> {
    const KNOWN: &[&str] = &[
        "pg_terminate_backend",
        "pg_drop_replication_slot",
        "pg_replication_slot_advance",
        "pg_promote",
        "pg_wal_replay_pause",
        "pg_stat_reset",
        "pg_stat_statements_reset",
        "lo_unlink",
        "xp_cmdshell",
        "sys_exec",
        "sp_rename",
        "sp_detach_db",
        "sp_removedbreplication",
        "drop_chunks",
        "cron.unschedule",
        "kill_query",
    ];
    let statement = matches!(
        words.first().map(String::as_str),
        Some("call" | "exec" | "execute")
    );
    words
        .iter()
        .enumerate()
        .skip(1)
        .position(|(at, word)| {
            let called =
                words.get(at + 1).is_some_and(|next| next == "(") || (statement && at == 1);
            let name = word.rsplit('.').next().unwrap_or(word);
            called
                && (KNOWN.contains(&name)
                    || KNOWN.contains(&word.as_str())
                    || (name.contains('_') && super::vocabulary::is_strong_verb(name))
                    || (statement && super::vocabulary::is_strong_verb(name)))
        })
        .map(|at| at + 1)
}

fn change(verb: Verb, kind: &'static str, words: &[String], reason: &'static str) -> Statement {
    Statement {
        verb,
        kind: kind.to_owned(),
        object: words.iter().take(4).cloned().collect::<Vec<_>>().join(" "),
        dangerous: false,
        reason: reason.to_owned(),
    }
}

/// Whether no condition, or one that is always true, bounds the statement.
fn unbounded(words: &[String]) -> bool {
    let Some(at) = words.iter().position(|w| w == "where") else {
        return !words.iter().any(|w| w == "limit");
    };
    let condition: Vec<&str> = words
        .iter()
        .skip(at + 1)
        .map(String::as_str)
        .filter(|w| !matches!(*w, "(" | ")"))
        .collect();
    match condition.as_slice() {
        [a, "=", b, rest @ ..] if a == b => rest.first().is_none_or(|w| *w != "and"),
        [.., "or", a, "=", b] if a == b => true,
        [] | ["true" | "1" | "not"] | [.., "or", "true" | "1"] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn tells_danger_from_text() {
        for (text, dangerous) in [
            ("DROP TABLE users", true),
            ("DELETE/**/FROM/**/users", true),
            ("delete from users where 1=1", true),
            ("DELETE FROM users WHERE id = 5", false),
            ("UPDATE users SET admin = true", true),
            ("UPDATE users SET a = 1 WHERE id = 1 OR 1=1", true),
            ("SELECT 'DROP TABLE users'", false),
            ("SELECT 1 -- DROP TABLE users", false),
            ("SELECT $$ ; DROP TABLE users $$", false),
            ("SELECT 1; DROP TABLE users", true),
            ("/*!50000 DROP TABLE users */", true),
            ("EXPLAIN DELETE FROM users", false),
            ("EXPLAIN ANALYZE DELETE FROM users", true),
            ("WITH x AS (SELECT 1) DELETE FROM users", true),
            ("alter table a drop column b", true),
            ("ALTER SYSTEM SET fsync = off", true),
            ("ALTER TABLE invoices DISABLE ROW LEVEL SECURITY", true),
            (
                "MERGE INTO stock s USING incoming i ON s.sku = i.sku WHEN MATCHED THEN DELETE",
                true,
            ),
            ("\\d users", false),
        ] {
            assert_eq!(
                statements(text, "any").iter().any(|s| s.dangerous),
                dangerous,
                "{text}"
            );
        }
    }
}
