//! What text filters do to text that is known: `echo -e`, `printf`, `base64`,
//! `xxd`, `rev`, `tr`. Sources: POSIX.1-2024 utilities; GNU coreutils manual.

use super::{HOLE, has_hole};

/// The output of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// Known text (which may hold holes).
    Text(String),
    /// Not one of the filters followed here.
    NotAFilter,
}

/// Escapes of `$'…'` and `printf` (Bash manual, ANSI-C quoting).
pub(super) fn unescape_ansi(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            push_char(&mut bytes, c);
            continue;
        }
        match rest.next() {
            Some('n') => bytes.push(b'\n'),
            Some('t') => bytes.push(b'\t'),
            Some('r') => bytes.push(b'\r'),
            Some('a') => bytes.push(7),
            Some('b') => bytes.push(8),
            Some('e' | 'E') => bytes.push(27),
            Some('f') => bytes.push(12),
            Some('v') => bytes.push(11),
            Some('x') => bytes.push(number(&mut rest, 16, 2, 0) as u8),
            Some('u') => push_char(&mut bytes, scalar(number(&mut rest, 16, 4, 0))),
            Some('U') => push_char(&mut bytes, scalar(number(&mut rest, 16, 8, 0))),
            Some(d @ '0'..='7') => {
                let first = d.to_digit(8).unwrap_or(0);
                // `\0nnn` of `printf %b` allows one more digit.
                let digits = if d == '0' { 3 } else { 2 };
                bytes.push((number(&mut rest, 8, digits, first) & 0xff) as u8);
            }
            Some('c') => {
                rest.next();
            }
            Some(other) => {
                if !matches!(other, '\\' | '\'' | '"' | '?') {
                    bytes.push(b'\\');
                }
                push_char(&mut bytes, other);
            }
            None => bytes.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn push_char(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn scalar(code: u32) -> char {
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn number(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    radix: u32,
    digits: usize,
    first: u32,
) -> u32 {
    let mut value = first;
    for _ in 0..digits {
        match rest.peek().and_then(|c| c.to_digit(radix)) {
            Some(digit) => {
                value = value.wrapping_mul(radix).wrapping_add(digit);
                rest.next();
            }
            None => break,
        }
    }
    value
}

/// What `echo` or `printf` prints; `None` for another program.
#[must_use]
pub fn printf(program: &str, args: &[String]) -> Option<String> {
    match program {
        "echo" => {
            let mut args = args;
            let (mut newline, mut escapes) = (true, false);
            while let [first, rest @ ..] = args {
                if !(first.len() > 1
                    && first.starts_with('-')
                    && first.bytes().skip(1).all(|b| b"neE".contains(&b)))
                {
                    break;
                }
                newline &= !first.contains('n');
                escapes |= first.contains('e');
                args = rest;
            }
            let mut text = args.join(" ");
            if escapes {
                text = unescape_ansi(&text);
            }
            if newline {
                text.push('\n');
            }
            Some(text)
        }
        "printf" => {
            let args = match args {
                [first, rest @ ..] if first == "--" => rest,
                all => all,
            };
            let (format, rest) = args.split_first()?;
            Some(format_printf(format, rest))
        }
        _ => None,
    }
}

fn format_printf(format: &str, args: &[String]) -> String {
    let mut out = String::new();
    let mut args = args.iter();
    let mut first_round = true;
    // The format is used again while arguments are left.
    while first_round || args.len() > 0 {
        let before = args.len();
        format_once(format, &mut args, &mut out);
        if !first_round && args.len() == before {
            break;
        }
        first_round = false;
        if args.len() == before || out.len() > 65_536 {
            break;
        }
    }
    out
}

fn format_once(format: &str, args: &mut std::slice::Iter<'_, String>, out: &mut String) {
    let mut literal = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            literal.push(c);
            continue;
        }
        let mut conversion = chars.next();
        while conversion.is_some_and(|c| c.is_ascii_digit() || "-+ #.*".contains(c)) {
            conversion = chars.next();
        }
        match conversion {
            Some('%') | None => literal.push('%'),
            Some(kind) => {
                out.push_str(&unescape_ansi(&std::mem::take(&mut literal)));
                let arg = args.next().map_or("", String::as_str);
                if kind == 'b' {
                    out.push_str(&unescape_ansi(arg));
                } else {
                    out.push_str(arg);
                }
            }
        }
    }
    out.push_str(&unescape_ansi(&literal));
}

/// What a text filter makes of known input.
#[must_use]
pub fn filter_output(program: &str, args: &[String], input: &str) -> Decoded {
    let has = |names: &[&str]| args.iter().any(|a| names.contains(&a.as_str()));
    if has_hole(input) && !matches!(program, "cat" | "tee") {
        return match program {
            "base64" | "base32" | "xxd" | "rev" | "tr" | "tac" => Decoded::Text(HOLE.to_string()),
            _ => Decoded::NotAFilter,
        };
    }
    let text = match program {
        "base64" | "gbase64" if has(&["-d", "-D", "--decode", "-di", "-id"]) => from_base64(input),
        "base64" | "gbase64" => Some(to_base64(input.as_bytes())),
        "xxd" if args.iter().any(|a| a.starts_with('-') && a.contains('r')) => from_hex(input),
        "base32" | "xxd" => None,
        "rev" => Some(
            input
                .lines()
                .map(|line| line.chars().rev().collect::<String>() + "\n")
                .collect(),
        ),
        "tac" => Some(
            input
                .lines()
                .rev()
                .map(|line| format!("{line}\n"))
                .collect(),
        ),
        "tr" => translate(args, input),
        _ => return Decoded::NotAFilter,
    };
    Decoded::Text(text.unwrap_or_else(|| HOLE.to_string()))
}

/// Base64 (RFC 4648), blanks skipped. The bytes must be UTF-8 or UTF-16LE text.
pub(crate) fn from_base64(text: &str) -> Option<String> {
    let mut bits = 0_u32;
    let mut held = 0_u32;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for b in text.bytes() {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b'\n' | b'\r' | b' ' | b'\t' => continue,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Base64 of UTF-16LE, as PowerShell's `-EncodedCommand` wants it.
pub(crate) fn from_base64_utf16(text: &str) -> Option<String> {
    let decoded = from_base64(text)?;
    Some(decoded.chars().filter(|c| *c != '\0').collect())
}

fn to_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit =
        |value: u32| char::from(ALPHABET.get((value & 63) as usize).copied().unwrap_or(b'='));
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let value =
            chunk.iter().fold(0_u32, |v, b| (v << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        out.push(digit(value >> 18));
        out.push(digit(value >> 12));
        out.push(if chunk.len() > 1 {
            digit(value >> 6)
        } else {
            '='
        });
        out.push(if chunk.len() > 2 { digit(value) } else { '=' });
    }
    out.push('\n');
    out
}

fn from_hex(text: &str) -> Option<String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    let bytes = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |v, d| v * 16 + d) as u8)
        .collect();
    String::from_utf8(bytes).ok()
}

fn translate(args: &[String], input: &str) -> Option<String> {
    let (options, sets): (Vec<_>, Vec<_>) =
        args.iter().partition(|a| a.len() > 1 && a.starts_with('-'));
    let from = set(sets.first()?)?;
    if options.iter().any(|o| o.contains('c') || o.contains('C')) {
        return None;
    }
    if options.iter().any(|o| o.contains('d')) {
        return Some(input.chars().filter(|c| !from.contains(c)).collect());
    }
    if options.iter().any(|o| o.contains('s')) && sets.len() < 2 {
        return None;
    }
    let to = set(sets.get(1)?)?;
    let last = to.last().copied()?;
    Some(
        input
            .chars()
            .map(|c| match from.iter().position(|f| *f == c) {
                Some(at) => to.get(at).copied().unwrap_or(last),
                None => c,
            })
            .collect(),
    )
}

fn set(text: &str) -> Option<Vec<char>> {
    match text {
        "[:upper:]" => return Some(('A'..='Z').collect()),
        "[:lower:]" => return Some(('a'..='z').collect()),
        _ if text.contains("[:") => return None,
        _ => {}
    }
    let chars: Vec<char> = unescape_ansi(text).chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(end)) if (c..=*end).count() <= 256 => {
                out.extend(c..=*end);
                at += 3;
            }
            _ => {
                out.push(c);
                at += 1;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(args: &[&str]) -> Vec<String> {
        args.iter().map(|a| (*a).to_owned()).collect()
    }

    #[test]
    fn prints_as_bash_does() {
        // Expected outputs taken from bash 5.2.
        for (program, args, expected) in [
            ("echo", &["-e", r"\x72m"][..], "rm\n"),
            ("echo", &["-n", "a", "b"][..], "a b"),
            ("echo", &["-x"][..], "-x\n"),
            ("printf", &["%s%s -f", "r", "m"][..], "rm -f"),
            ("printf", &["%s\\n", "a", "b"][..], "a\nb\n"),
            ("printf", &["--", "-rf"][..], "-rf"),
            ("printf", &["\\162\\155"][..], "rm"),
        ] {
            assert_eq!(printf(program, &strings(args)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn filters() {
        for (program, args, input, expected) in [
            ("base64", &["-d"][..], "cm0gLXJm\n", "rm -rf"),
            ("base64", &[][..], "rm -rf", "cm0gLXJm\n"),
            ("xxd", &["-r", "-p"][..], "726d", "rm"),
            ("rev", &[][..], "mr\n", "rm\n"),
            ("tr", &["a-z", "n-za-m"][..], "ez", "rm"),
            ("tr", &["-d", "x"][..], "rxm", "rm"),
        ] {
            assert_eq!(
                filter_output(program, &strings(args), input),
                Decoded::Text(expected.to_owned())
            );
        }
    }
}
