//! A scanner good enough to tell names, texts and signs apart.

use super::Language;

/// Programs longer than this are read only up to here, in bytes.
const MAX_LENGTH: usize = 65_536;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A dotted name, such as `os.path.join` or `fs.rmSync`.
    Name(String),
    /// A text in quotes, escapes undone; true when parts of it are computed.
    Text(String, bool),
    /// Text in backticks where that runs a command.
    Shell(String),
    /// Any other sign.
    Sign(char),
}

/// The tokens of a program, comments left out.
#[must_use]
pub fn tokens(code: &str, language: Language) -> Vec<Token> {
    let mut code = code;
    while code.len() > MAX_LENGTH {
        let mut end = MAX_LENGTH;
        while !code.is_char_boundary(end) {
            end -= 1;
        }
        code = code.get(..end).unwrap_or("");
    }
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = code.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = code.get(at..).unwrap_or("");
        at += match c {
            _ if c.is_whitespace() => c.len_utf8(),
            _ if comment(rest, language) => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") && language == Language::JavaScript => {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            }
            '`' if matches!(
                language,
                Language::Ruby | Language::Perl | Language::Php | Language::Julia
            ) =>
            {
                text(rest, c, true, &mut out)
            }
            '\'' | '"' | '`' => text(rest, c, false, &mut out),
            // Elixir's `File.rm_rf!(…)` is a name like any other.
            '!' if language == Language::Elixir => 1,
            _ if c.is_alphabetic() || matches!(c, '_' | '$' | '@') => name(rest, &mut out),
            _ => {
                out.push(Token::Sign(c));
                c.len_utf8()
            }
        };
    }
    out
}

fn comment(rest: &str, language: Language) -> bool {
    match language {
        Language::Python
        | Language::Ruby
        | Language::Perl
        | Language::R
        | Language::Elixir
        | Language::Julia => rest.starts_with('#'),
        Language::JavaScript | Language::Go | Language::Groovy => rest.starts_with("//"),
        Language::Php => rest.starts_with("//") || rest.starts_with('#'),
        Language::Lua => rest.starts_with("--"),
    }
}

fn name(rest: &str, out: &mut Vec<Token>) -> usize {
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let arrow = rest
            .get(at..)
            .is_some_and(|r| r.starts_with("->") || r.starts_with("::"));
        if arrow {
            chars.next();
            end = at + 2;
            continue;
        }
        // `a.b`, `a?.b`: one name; a dot at the end is not part of it.
        let joins = c == '.'
            && rest
                .get(at + 1..)
                .and_then(|r| r.chars().next())
                .is_some_and(|n| n.is_alphabetic() || n == '_');
        if !(c.is_alphanumeric() || matches!(c, '_' | '$' | '@') || joins) {
            break;
        }
        end = at + c.len_utf8();
    }
    let text = rest.get(..end).unwrap_or("");
    // A text prefix such as Python's `f"…"` or `b'…'`.
    if text.len() <= 2
        && rest.get(end..).is_some_and(|r| r.starts_with(['"', '\'']))
        && text.chars().all(|c| "fFrRbBuU".contains(c))
    {
        let quote = rest
            .get(end..)
            .and_then(|r| r.chars().next())
            .unwrap_or('"');
        let mut inner = Vec::new();
        let used = self::text(rest.get(end..).unwrap_or(""), quote, false, &mut inner);
        for token in inner {
            out.push(match token {
                Token::Text(text, computed) => {
                    let formatted = rest.starts_with(['f', 'F']) && text.contains('{');
                    Token::Text(text, computed || formatted)
                }
                other => other,
            });
        }
        return end + used;
    }
    out.push(Token::Name(text.replace("->", ".").replace("::", ".")));
    end.max(1)
}

fn text(rest: &str, quote: char, shell: bool, out: &mut Vec<Token>) -> usize {
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let (open, close) = if rest.starts_with(&triple) && quote != '`' {
        (3, triple.as_str())
    } else {
        (1, rest.get(..1).unwrap_or(""))
    };
    let mut value = String::new();
    let mut computed = false;
    let body = rest.get(open..).unwrap_or("");
    let mut chars = body.char_indices();
    let mut used = body.len();
    while let Some((at, c)) = chars.next() {
        if body.get(at..).is_some_and(|r| r.starts_with(close)) {
            used = at + close.len();
            break;
        }
        if c == '\\' {
            match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, other)) => value.push(other),
                None => {}
            }
            continue;
        }
        let inserts = (c == '#' && body.get(at..).is_some_and(|r| r.starts_with("#{")))
            || (c == '$' && body.get(at..).is_some_and(|r| r.starts_with("${")));
        if inserts && quote != '\'' {
            computed = true;
            value.push(crate::shell::HOLE);
            for (_, c) in chars.by_ref() {
                if c == '}' {
                    break;
                }
            }
            continue;
        }
        value.push(c);
    }
    out.push(if shell {
        Token::Shell(value)
    } else {
        Token::Text(value, computed)
    });
    open + used
}
