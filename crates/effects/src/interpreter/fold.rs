//! What a program computes from literals alone: decoded texts and variables
//! that hold one text.

use std::collections::BTreeMap;

use super::tokens::Token;
use crate::shell::{Decoded, filter_output};

/// Variables remembered.
const MAX_VARIABLES: usize = 200;

/// Tokens with decoding calls on literals replaced by what they give, and
/// names of variables that hold one known text replaced by that text.
pub(super) fn fold(tokens: &[Token]) -> Vec<Token> {
    let tokens = decoded(tokens);
    let texts = variables(&tokens);
    if texts.is_empty() {
        return tokens;
    }
    let mut out = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let replaced = match token {
            Token::Name(name) if is_argument(&tokens, at) => texts.get(name.as_str()),
            _ => None,
        };
        out.push(match replaced {
            Some(Some(text)) => Token::Text(text.clone(), false),
            _ => token.clone(),
        });
    }
    out
}

/// A name alone between brackets or commas.
fn is_argument(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|i| tokens.get(i));
    let after = tokens.get(at + 1);
    matches!(before, Some(Token::Sign('(' | ',' | '[' | '+' | '=')))
        && matches!(after, Some(Token::Sign(')' | ',' | ']' | '+')))
}

/// Variables given one literal text; `None` for those given more than one.
fn variables(tokens: &[Token]) -> BTreeMap<&str, Option<String>> {
    let mut out: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for (at, window) in tokens.windows(2).enumerate() {
        let [Token::Name(name), Token::Sign('=')] = window else {
            continue;
        };
        let text = match (tokens.get(at + 2), tokens.get(at + 3)) {
            (Some(Token::Text(_, _)), Some(Token::Sign('+' | '.' | '%'))) => None,
            (Some(Token::Text(text, false)), _) => Some(text.clone()),
            (Some(Token::Sign('=')), _) => continue,
            _ => None,
        };
        if out.len() >= MAX_VARIABLES {
            break;
        }
        let seen = out.contains_key(name.as_str());
        out.insert(name, if seen { None } else { text });
    }
    out
}

/// The program of the shell that undoes the encoding a call undoes.
fn decoder(name: &str) -> Option<&'static [&'static str]> {
    let last = name.rsplit('.').next().unwrap_or(name);
    Some(match last {
        "b64decode" | "standard_b64decode" | "urlsafe_b64decode" | "decodebytes" | "atob"
        | "base64_decode" | "decode64" | "decode_base64" | "strict_decode64" => &["base64", "-d"],
        "fromhex" | "unhexlify" | "hex2bin" => &["xxd", "-r", "-p"],
        "strrev" => &["rev"],
        _ => return None,
    })
}

fn decoded(tokens: &[Token]) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some((token, tail)) = rest.split_first() {
        rest = tail;
        let program = match token {
            Token::Name(name) => decoder(name),
            _ => None,
        };
        if let (
            Some([program, args @ ..]),
            [
                Token::Sign('('),
                Token::Text(text, false),
                Token::Sign(')'),
                after @ ..,
            ],
        ) = (program, tail)
        {
            let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
            if let Decoded::Text(plain) = filter_output(program, &args, text) {
                // `__import__('base64').b64decode(…)`: the module goes too.
                if matches!(out.last(), Some(Token::Sign('.'))) {
                    out.pop();
                    while let Some(last) = out.pop() {
                        if matches!(last, Token::Name(_)) {
                            break;
                        }
                    }
                }
                out.push(Token::Text(plain.trim_end_matches('\n').to_owned(), false));
                rest = after;
                // `.decode()` and its kin give the same text.
                while let [
                    Token::Sign('.'),
                    Token::Name(name),
                    Token::Sign('('),
                    after @ ..,
                ] = rest
                    && matches!(name.as_str(), "decode" | "strip" | "toString" | "trim")
                {
                    let end = after.iter().position(|t| matches!(t, Token::Sign(')')));
                    rest = end.and_then(|end| after.get(end + 1..)).unwrap_or(&[]);
                }
                continue;
            }
        }
        out.push(token.clone());
    }
    out
}
