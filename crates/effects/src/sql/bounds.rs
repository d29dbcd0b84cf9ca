//! Whether a statement is small enough to be parsed without running out of
//! stack: parsers and the trees they build nest as deep as their input.

use super::Dialect;
use super::witness::masked;

/// Most bytes of one statement that are parsed. Larger ones (bulk inserts) end
/// as unknown.
const MOST_BYTES: usize = 1 << 20;

/// Deepest nesting of brackets.
const MOST_BRACKETS: usize = 40;

/// Most words and signs between two commas of the same bracket: a chain such as
/// `a OR b OR c …` makes a tree as deep as it is long.
const MOST_CHAIN: usize = 1_000;

/// Most `<`: types such as `ARRAY<ARRAY<…>>` nest with it.
const MOST_ANGLES: usize = 100;

/// Whether the statement is within all bounds.
pub(super) fn within(text: &str, dialect: Dialect) -> bool {
    if text.len() > MOST_BYTES {
        return false;
    }
    let mut chains = vec![0_usize];
    let mut angles = 0;
    let mut in_word = false;
    for c in masked(text, dialect).chars() {
        let word = c.is_alphanumeric() || c == '_';
        let starts = !(c.is_whitespace() || word && in_word);
        in_word = word;
        angles += usize::from(c == '<');
        match c {
            '(' | '[' | '{' => chains.push(0),
            ')' | ']' | '}' if chains.len() > 1 => {
                chains.pop();
            }
            _ => {}
        }
        let Some(chain) = chains.last_mut() else {
            return false;
        };
        match c {
            ',' => *chain = 0,
            _ if starts => *chain += 1,
            _ => {}
        }
        if *chain > MOST_CHAIN || chains.len() > MOST_BRACKETS || angles > MOST_ANGLES {
            return false;
        }
    }
    true
}
