//! Text into statements.

use super::Dialect;

/// One statement, or one command for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The statement without its end mark. Comments that MySQL executes
    /// (`/*!50001 … */`) are uncovered.
    pub(super) text: String,
    /// Its first line in the whole text, from 1.
    pub(super) line: usize,
}

/// Splits at `;` outside of strings, quoted names, comments, dollar quotes and
/// procedure bodies; knows `GO`, `DELIMITER`, psql commands and `COPY` data.
pub(super) fn split(text: &str, dialect: Dialect) -> Vec<Piece> {
    let mut splitter = Splitter {
        text,
        at: 0,
        dialect,
        delimiter: ";".to_owned(),
        current: String::new(),
        start: None,
        line: 1,
        body: Body::default(),
        pieces: Vec::new(),
    };
    splitter.run();
    splitter.pieces
}

struct Splitter<'t> {
    text: &'t str,
    at: usize,
    dialect: Dialect,
    delimiter: String,
    current: String,
    /// Line of the first character of the current statement.
    start: Option<usize>,
    line: usize,
    body: Body,
    pieces: Vec<Piece>,
}

impl<'t> Splitter<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn run(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            if self.at_line_start() && self.client_command() {
                continue;
            }
            if !self.rest().starts_with(&self.delimiter) {
                self.step(c);
                continue;
            }
            if self.body.open() && self.delimiter == ";" {
                self.take(1);
                self.body.word("");
            } else {
                self.at += self.delimiter.len();
                self.end();
            }
        }
        self.end();
    }

    fn at_line_start(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or_default();
        before.is_empty() || before.ends_with('\n')
    }

    fn step(&mut self, c: char) {
        let rest = self.rest();
        let mysql = matches!(self.dialect, Dialect::MySql | Dialect::Generic);
        if rest.starts_with("--") || (c == '#' && mysql) {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.comment();
        } else if c == '\'' || c == '"' || c == '`' {
            self.take(quoted_length(rest, c, self.backslashes(c)));
        } else if c == '[' && matches!(self.dialect, Dialect::MsSql | Dialect::Sqlite) {
            self.take(rest.find(']').map_or(rest.len(), |i| i + 1));
        } else if let Some(length) = dollar_quote(rest).filter(|_| !self.inside_word()) {
            self.take(length);
        } else if c.is_alphabetic() || c == '_' {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            self.body.word(rest.get(..length).unwrap_or_default());
            self.take(length);
        } else {
            self.take(c.len_utf8());
        }
    }

    /// Whether a backslash escapes in this string: always in MySQL, and after
    /// `E` in PostgreSQL.
    fn backslashes(&self, quote: char) -> bool {
        match self.dialect {
            Dialect::MySql | Dialect::BigQuery | Dialect::ClickHouse | Dialect::Snowflake => {
                quote != '`'
            }
            _ => {
                quote == '\'' && self.current.ends_with(['E', 'e']) && !self.current.ends_with("ee")
            }
        }
    }

    fn inside_word(&self) -> bool {
        self.current
            .ends_with(|c: char| c.is_alphanumeric() || c == '_')
    }

    /// Moves `length` bytes into the statement.
    fn take(&mut self, length: usize) {
        let taken = self.rest().get(..length).unwrap_or(self.rest());
        if self.start.is_none() && !taken.trim().is_empty() {
            self.start = Some(self.line);
        }
        if self.start.is_some() {
            self.current.push_str(taken);
        }
        self.pass(taken);
    }

    /// Moves over `length` bytes.
    fn skip(&mut self, length: usize) {
        let skipped = self.rest().get(..length).unwrap_or(self.rest());
        if self.start.is_some() {
            self.current.push(' ');
        }
        self.pass(skipped);
    }

    fn pass(&mut self, text: &str) {
        self.line += text.bytes().filter(|b| *b == b'\n').count();
        self.at += text.len().max(usize::from(text.is_empty()));
    }

    /// A comment; nested as PostgreSQL and SQL Server have it. What MySQL
    /// executes is uncovered, where it could be MySQL.
    fn comment(&mut self) {
        let rest = self.rest();
        let executed = rest.starts_with("/*!") || rest.starts_with("/*M!");
        let mysql = !matches!(
            self.dialect,
            Dialect::PostgreSql
                | Dialect::Sqlite
                | Dialect::MsSql
                | Dialect::Oracle
                | Dialect::Redshift
        );
        if executed && mysql {
            let mark = rest.find('!').map_or(3, |i| i + 1);
            let version = rest.get(mark..).unwrap_or_default();
            let digits = version
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(version.len());
            let end = rest.find("*/").unwrap_or(rest.len());
            let inner = rest.get(mark + digits..end).unwrap_or_default();
            self.start.get_or_insert(self.line);
            self.current.push(' ');
            self.current.push_str(inner);
            self.pass(rest.get(..(end + 2).min(rest.len())).unwrap_or(rest));
            return;
        }
        let nests = matches!(
            self.dialect,
            Dialect::PostgreSql | Dialect::MsSql | Dialect::Redshift
        );
        let (mut depth, mut at) = (0_usize, 0);
        while let Some(part) = rest.get(at..).filter(|p| !p.is_empty()) {
            if part.starts_with("*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            } else if part.starts_with("/*") && (nests || depth == 0) {
                depth += 1;
                at += 2;
            } else {
                at += part.chars().next().map_or(1, char::len_utf8);
            }
        }
        self.skip(at);
    }

    /// Lines for the client program: `GO`, `DELIMITER //`, `\connect`, and the
    /// data behind `COPY … FROM stdin`.
    fn client_command(&mut self) -> bool {
        let line = self.rest().lines().next().unwrap_or_default();
        let word = line.trim();
        if word.eq_ignore_ascii_case("go")
            && matches!(self.dialect, Dialect::MsSql | Dialect::Generic)
        {
            self.pass_line(line);
            self.end();
            return true;
        }
        if let Some(delimiter) = strip_word(word, "delimiter") {
            delimiter.clone_into(&mut self.delimiter);
            self.pass_line(line);
            return true;
        }
        if word.starts_with('\\') && self.start.is_none() && self.dialect_has_backslash_commands() {
            let piece = Piece {
                text: word.to_owned(),
                line: self.line,
            };
            self.pieces.push(piece);
            self.pass_line(line);
            return true;
        }
        false
    }

    const fn dialect_has_backslash_commands(&self) -> bool {
        matches!(
            self.dialect,
            Dialect::PostgreSql | Dialect::Redshift | Dialect::Generic
        )
    }

    fn pass_line(&mut self, line: &str) {
        let rest = self.rest();
        let length = line.len()
            + rest.get(line.len()..).map_or(0, |r| {
                usize::from(r.starts_with('\n')) + 2 * usize::from(r.starts_with("\r\n"))
            });
        self.pass(rest.get(..length).unwrap_or(rest));
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.current);
        let line = self.start.take();
        self.body = Body::default();
        let Some(line) = line.filter(|_| !text.trim().is_empty()) else {
            return;
        };
        let copies = copies_from_stdin(&text);
        self.pieces.push(Piece {
            text: text.trim().to_owned(),
            line,
        });
        if copies {
            let data = self.rest();
            let end = data.find("\n\\.").map_or(data.len(), |i| i + 3);
            self.pass(data.get(..end).unwrap_or(data));
        }
    }
}

/// `COPY … FROM stdin`, whose data follows up to a line `\.`.
fn copies_from_stdin(text: &str) -> bool {
    let mut words = text.split_whitespace().map(str::to_ascii_lowercase);
    let copy = words.next().is_some_and(|w| w == "copy");
    copy && words
        .collect::<Vec<_>>()
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a == "from" && b.trim_end_matches(';') == "stdin"))
}

fn strip_word<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    let (first, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    (first.eq_ignore_ascii_case(word) && !rest.is_empty()).then_some(rest)
}

/// The length of a quoted string or name with its quotes; doubled quotes and,
/// where they escape, backslashes belong to it.
fn quoted_length(text: &str, quote: char, backslashes: bool) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c == '\\' && backslashes {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return i + c.len_utf8();
            }
        }
    }
    text.len()
}

/// The length of `$tag$ … $tag$` at the start of the text.
pub(super) fn dollar_quote(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('$')?;
    let end = inner.find('$')?;
    let tag = inner.get(..end)?;
    let valid = tag.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !tag.starts_with(|c: char| c.is_ascii_digit());
    if !valid {
        return None;
    }
    let mark = text.get(..end + 2)?;
    let body = text.get(end + 2..)?;
    Some(body.find(mark).map_or(text.len(), |i| 2 * (end + 2) + i))
}

/// Follows `BEGIN … END` in the body of a routine or trigger, where `;` ends no
/// statement of the script.
#[derive(Debug, Default)]
struct Body {
    words: usize,
    creates: bool,
    routine: bool,
    depth: usize,
    after_end: bool,
}

impl Body {
    const fn open(&self) -> bool {
        self.routine && self.depth > 0
    }

    /// A word of the statement; the empty word stands for `;`.
    fn word(&mut self, word: &str) {
        self.words += 1;
        let upper = word.to_ascii_uppercase();
        if self.words == 1 {
            self.creates = matches!(upper.as_str(), "CREATE" | "ALTER");
        }
        // `CREATE OR REPLACE DEFINER = x@y PROCEDURE` is among the longest.
        if self.creates && self.words < 16 {
            self.routine |= matches!(
                upper.as_str(),
                "PROCEDURE" | "FUNCTION" | "TRIGGER" | "EVENT" | "PACKAGE"
            );
        }
        let after_end = std::mem::take(&mut self.after_end);
        match upper.as_str() {
            "BEGIN" => self.depth += 1,
            // `END CASE` closes what `CASE` opened; `END IF` what is not counted.
            "CASE" if !after_end => self.depth += 1,
            "IF" | "LOOP" | "WHILE" | "REPEAT" | "FOR" if after_end => self.depth += 1,
            "END" => {
                self.depth = self.depth.saturating_sub(1);
                self.after_end = true;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str, dialect: Dialect) -> Vec<String> {
        split(text, dialect).into_iter().map(|p| p.text).collect()
    }

    #[test]
    fn where_statements_end() {
        let cases: [(&str, Dialect, &[&str]); 20] = [
            ("a; b;;c", Dialect::Generic, &["a", "b", "c"]),
            ("select ';' ; b", Dialect::Generic, &["select ';'", "b"]),
            (
                "select 'it''s;' ; b",
                Dialect::Generic,
                &["select 'it''s;'", "b"],
            ),
            (
                r"select 'a\';b'; c",
                Dialect::MySql,
                &[r"select 'a\';b'", "c"],
            ),
            (
                r"select E'a\';b'; c",
                Dialect::PostgreSql,
                &[r"select E'a\';b'", "c"],
            ),
            (
                r"select 'a\'; c",
                Dialect::PostgreSql,
                &[r"select 'a\'", "c"],
            ),
            ("a -- x;\n; b", Dialect::Generic, &["a", "b"]),
            ("a # x;\n; b", Dialect::MySql, &["a", "b"]),
            ("DELETE/* ; */FROM t", Dialect::Generic, &["DELETE FROM t"]),
            (
                "a /* x /* ; */ ; */ b; c",
                Dialect::PostgreSql,
                &["a   b", "c"],
            ),
            (
                "/*!50001 DROP TABLE t */; a",
                Dialect::MySql,
                &["DROP TABLE t", "a"],
            ),
            ("/*! DROP TABLE t */; a", Dialect::PostgreSql, &["a"]),
            (
                "do $$ begin; end $$; b",
                Dialect::PostgreSql,
                &["do $$ begin; end $$", "b"],
            ),
            (
                "do $x$ ; $$ ; $x$; b",
                Dialect::PostgreSql,
                &["do $x$ ; $$ ; $x$", "b"],
            ),
            (
                "select \"a;b\", `c;d`; e",
                Dialect::Generic,
                &["select \"a;b\", `c;d`", "e"],
            ),
            ("select [a;b]; e", Dialect::MsSql, &["select [a;b]", "e"]),
            ("a\nGO\nb\ngo", Dialect::MsSql, &["a", "b"]),
            (
                "create trigger t begin delete from a; if x then y; end if; end; b",
                Dialect::Sqlite,
                &[
                    "create trigger t begin delete from a; if x then y; end if; end",
                    "b",
                ],
            ),
            (
                "delimiter //\ncreate procedure p() begin a; b; end //\ndelimiter ;\nc;",
                Dialect::MySql,
                &["create procedure p() begin a; b; end", "c"],
            ),
            (
                "copy t from stdin;\n1;2\n\\.\n\\connect x\nb",
                Dialect::PostgreSql,
                &["copy t from stdin", "\\connect x", "b"],
            ),
        ];
        for (text, dialect, expected) in cases {
            assert_eq!(texts(text, dialect), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_counted() {
        let pieces = split("a;\n-- c\n\nb\n;/*\n*/ c", Dialect::Generic);
        let lines: Vec<_> = pieces.iter().map(|p| p.line).collect();
        assert_eq!(lines, [1, 4, 6]);
    }

    proptest! {
        #[test]
        fn no_letter_outside_of_comments_is_lost(text in r"[a-z;'\x22`$ \n]{0,60}") {
            // Without comment marks, all that goes is white space and end marks.
            let kept: String = texts(&text, Dialect::PostgreSql).concat();
            let letters = |s: &str| s.chars().filter(char::is_ascii_lowercase).collect::<String>();
            if !text.contains("go") && !text.contains("delimiter") {
                prop_assert_eq!(letters(&kept), letters(&text));
            }
        }

        #[test]
        fn never_panics(text in r"(?s).{0,80}", marks in r"[-/*#$;'\x22`\\\[\]!\n a-cE]{0,60}") {
            for dialect in [Dialect::Generic, Dialect::MySql, Dialect::PostgreSql, Dialect::MsSql] {
                split(&text, dialect);
                split(&marks, dialect);
            }
        }
    }
}
