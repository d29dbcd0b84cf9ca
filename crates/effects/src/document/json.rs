//! A strict JSON parser (RFC 8259) with bounds.
//!
//! `serde_json` would do, but for three things a plan needs: a key given twice
//! is an error here, numbers beyond `f64` are kept as written, and text borrows
//! from the input, which halves the time of a large plan.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{MAX_DEPTH, MAX_VALUES, Object, ReadError, Value};

/// Objects up to this many keys are searched for a key given twice by comparing
/// each pair; larger ones by hashing.
const FEW_KEYS: usize = 12;

/// The one JSON value that `text` holds.
///
/// # Errors
/// A [`ReadError`] with line and column when `text` is not JSON, nests deeper
/// than [`MAX_DEPTH`], holds more than [`MAX_VALUES`] values or gives a key
/// twice.
pub fn parse(text: &str) -> Result<Value<'_>, ReadError> {
    let (value, end) = parse_prefix(text, 0)?;
    let mut parser = Parser::new(text, end);
    parser.space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.syntax("more text after the end of the JSON value")),
    }
}

/// The JSON value that starts at byte `start` of `text`, and the offset behind
/// it. What follows is not looked at.
///
/// # Errors
/// As [`parse`].
pub fn parse_prefix(text: &str, start: usize) -> Result<(Value<'_>, usize), ReadError> {
    let mut parser = Parser::new(text, start);
    parser.space();
    let value = parser.value(0)?;
    Ok((value, parser.at))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl<'a> Parser<'a> {
    const fn new(text: &'a str, at: usize) -> Self {
        Self {
            text,
            at,
            values: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, ReadError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(ReadError::TooManyValues);
        }
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'N' | b'I') => Err(self.syntax("`NaN` and `Infinity` are not JSON")),
            Some(_) => Err(self.syntax("expected a JSON value")),
            None => Err(self.syntax("the text ends where a JSON value was expected")),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, ReadError> {
        if self.text.get(self.at..self.at + word.len()) != Some(word) {
            return Err(self.syntax("expected `true`, `false` or `null`"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn deeper(&self, depth: usize) -> Result<(), ReadError> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        let (line, column) = self.place(self.at);
        Err(ReadError::TooDeep { line, column })
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, ReadError> {
        self.deeper(depth)?;
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth)?);
            if !self.comma(b']', "expected `,` or `]` in an array")? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, ReadError> {
        self.deeper(depth)?;
        let start = self.at;
        self.at += 1;
        let mut entries: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object(entries)));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.syntax("expected a key in double quotes"));
            }
            let key_at = self.at;
            let key = self.string()?;
            if entries.len() < FEW_KEYS && entries.iter().any(|(k, _)| *k == key) {
                return Err(self.duplicate(&key, key_at));
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.syntax("expected `:` after the key"));
            }
            self.at += 1;
            self.space();
            let value = self.value(depth)?;
            entries.push((key, value));
            if !self.comma(b'}', "expected `,` or `}` in an object")? {
                break;
            }
        }
        if entries.len() > FEW_KEYS {
            let mut seen = HashSet::with_capacity(entries.len());
            if let Some((key, _)) = entries.iter().find(|(k, _)| !seen.insert(k.as_ref())) {
                return Err(self.duplicate(key, start));
            }
        }
        Ok(Value::Object(Object(entries)))
    }

    /// Steps over `,` (true) or `close` (false).
    fn comma(&mut self, close: u8, what: &str) -> Result<bool, ReadError> {
        self.space();
        let found = self.peek();
        if found != Some(b',') && found != Some(close) {
            return Err(self.syntax(what));
        }
        self.at += 1;
        Ok(found == Some(b','))
    }

    /// RFC 8259 §6: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn number(&mut self) -> Result<Value<'a>, ReadError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading = self.peek();
        let whole = self.digits();
        if whole == 0 || (leading == Some(b'0') && whole > 1) {
            return Err(self.syntax("not a JSON number"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.syntax("expected a digit after the decimal point"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.syntax("expected a digit in the exponent"));
            }
        }
        Ok(Value::Number(Cow::Borrowed(self.slice(start, self.at))))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ReadError> {
        self.at += 1;
        let start = self.at;
        self.plain();
        if self.peek() == Some(b'"') {
            let text = self.slice(start, self.at);
            self.at += 1;
            return Ok(Cow::Borrowed(text));
        }
        let mut owned = self.slice(start, self.at).to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(owned));
                }
                Some(b'\\') => owned.push(self.escape()?),
                Some(_) => return Err(self.syntax("a control character inside a string")),
                None => return Err(self.syntax("the text ends inside a string")),
            }
            let from = self.at;
            self.plain();
            owned.push_str(self.slice(from, self.at));
        }
    }

    /// Steps over characters that need no attention.
    fn plain(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1F))
            .unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.syntax("not an escape of JSON strings")),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode(&mut self) -> Result<char, ReadError> {
        let first = self.hex()?;
        let pair = if (0xD800..0xDC00).contains(&first) && self.peek() == Some(b'\\') {
            self.at += 1;
            if self.peek() != Some(b'u') {
                return Err(self.syntax("half of a surrogate pair"));
            }
            vec![first, self.hex()?]
        } else {
            vec![first]
        };
        match char::decode_utf16(pair).next() {
            Some(Ok(c)) => Ok(c),
            _ => Err(self.syntax("half of a surrogate pair")),
        }
    }

    /// The four digits behind `\u`.
    fn hex(&mut self) -> Result<u16, ReadError> {
        let digits = self.slice(self.at + 1, self.at + 5);
        let valid = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        match u16::from_str_radix(digits, 16) {
            Ok(unit) if valid => {
                self.at += 5;
                Ok(unit)
            }
            _ => Err(self.syntax("expected four hexadecimal digits after `\\u`")),
        }
    }

    fn syntax(&self, what: &str) -> ReadError {
        let (line, column) = self.place(self.at);
        ReadError::Syntax {
            line,
            column,
            what: what.to_owned(),
        }
    }

    fn duplicate(&self, key: &str, at: usize) -> ReadError {
        let (line, column) = self.place(at);
        ReadError::DuplicateKey {
            key: key.chars().take(80).collect(),
            line,
            column,
        }
    }

    /// Line and column of a byte offset. Only counted when something is wrong.
    fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(line_start..).unwrap_or_default();
        (
            1 + before.bytes().filter(|b| *b == b'\n').count(),
            1 + column.chars().count(),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same value by `serde_json`, the independent reader.
    fn oracle(value: &Value<'_>) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => serde_json::Value::Bool(*b),
            Value::Number(n) => serde_json::from_str(n).unwrap(),
            Value::String(s) => serde_json::Value::String(s.to_string()),
            Value::Array(items) => items.iter().map(oracle).collect(),
            Value::Object(o) => o.iter().map(|(k, v)| (k.to_owned(), oracle(v))).collect(),
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            (-1e300..1e300f64).prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 60, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..20)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(value in json(), pretty in any::<bool>()) {
            let text = if pretty {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            };
            // Not `value` itself: without `float_roundtrip`, `serde_json` reads
            // its own floats back with the last bit off.
            let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(oracle(&parse(&text).unwrap()), theirs);
        }

        #[test]
        fn accepts_no_more_than_serde_json(text in r#"[\[\]{}",:\\u0-9aeEtrfnul.+ \-]{0,40}"#) {
            let ours = parse(&text);
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(theirs) => {
                    if let Ok(ours) = &ours {
                        prop_assert_eq!(oracle(ours), theirs);
                    } else {
                        let duplicate = matches!(ours, Err(ReadError::DuplicateKey { .. }));
                        prop_assert!(duplicate, "{:?}", ours);
                    }
                }
                // Numbers beyond f64 are the only thing read here and not there.
                Err(e) => prop_assert!(ours.is_err() || e.to_string().contains("out of range")),
            }
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }

    #[test]
    fn says_what_and_where() {
        let deep = "[".repeat(100_000);
        let many = format!(
            "{{{}\"k3\":1}}",
            (0..30).map(|i| format!("\"k{i}\":0,")).collect::<String>()
        );
        let cases = [
            (
                "{\"a\": NaN}",
                "line 1, column 7: `NaN` and `Infinity` are not JSON",
            ),
            (
                "[1,\n 2 3]",
                "line 2, column 4: expected `,` or `]` in an array",
            ),
            ("[01]", "line 1, column 4: not a JSON number"),
            (
                "{\"a\":1,\"é\":2, \"a\":3}",
                "line 1, column 15: the key `a` is given twice in the same object; readers disagree on which one counts",
            ),
            (
                &many,
                "line 1, column 1: the key `k3` is given twice in the same object; readers disagree on which one counts",
            ),
            (&deep, "line 1, column 129: nested deeper than 128 levels"),
            ("\"\\ud800x\"", "line 1, column 8: half of a surrogate pair"),
            (
                "{} {}",
                "line 1, column 4: more text after the end of the JSON value",
            ),
            (
                "\"a\nb\"",
                "line 1, column 3: a control character inside a string",
            ),
            (
                "{\"a\":",
                "line 1, column 6: the text ends where a JSON value was expected",
            ),
        ];
        for (text, expected) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn numbers_beyond_f64_are_kept() {
        let value = parse("[1e999, 123456789012345678901234567890.5]").unwrap();
        let written: Vec<_> = value.items().iter().filter_map(Value::scalar).collect();
        assert_eq!(written, ["1e999", "123456789012345678901234567890.5"]);
    }

    #[test]
    fn too_many_values_are_refused() {
        let text = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert_eq!(parse(&text).unwrap_err(), ReadError::TooManyValues);
    }
}
