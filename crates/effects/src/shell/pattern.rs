//! Globs without automata: `*`, `?` and `[` (which stands for any one character).

use super::{BRACKET, QUESTION, STAR};

/// Whether the glob matches the whole text. Linear space, and time bounded by
/// the product of the lengths.
#[must_use]
pub fn glob_match(pattern: &str, text: &str) -> bool {
    matches(pattern, text, false)
}

/// [`glob_match`] without regard to ASCII case.
#[must_use]
pub fn glob_match_nocase(pattern: &str, text: &str) -> bool {
    matches(pattern, text, true)
}

fn matches(pattern: &str, text: &str, nocase: bool) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        match (pattern.next(), text.clone().next()) {
            (None, None) => return true,
            (Some('*' | STAR), _) => {
                retry = Some((pattern.clone(), text.clone()));
                continue;
            }
            (Some('?' | QUESTION), Some(_)) => {
                text.next();
                continue;
            }
            (Some(BRACKET), Some(_)) => {
                text.next();
                skip_class(&mut pattern);
                continue;
            }
            (Some(p), Some(t)) if p == t || (nocase && p.eq_ignore_ascii_case(&t)) => {
                text.next();
                continue;
            }
            _ => {}
        }
        let Some((after_star, from)) = retry.as_mut() else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        pattern = after_star.clone();
        text = from.clone();
    }
}

/// Skips to behind the `]` of a character class, if it has one.
fn skip_class(pattern: &mut std::str::Chars<'_>) {
    if pattern.as_str().contains(']') {
        for c in pattern.by_ref() {
            if c == ']' {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("*prod*", "eu-prod-1", true),
            ("?b", "ab", true),
            ("?", "", false),
            ("a**b", "axxb", true),
            ("", "a", false),
        ] {
            assert_eq!(glob_match(pattern, text), expected, "{pattern} {text}");
        }
        assert!(glob_match_nocase("DROP*", "drop table"));
    }
}
