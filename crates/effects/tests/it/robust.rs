//! Whatever comes in, an answer comes out: no panic, no endless work.

use crate::rows;
use countersign_effects::command::{Danger, Facts, MAX_LENGTH, judge_command, judge_tool_call};
use countersign_effects::shell;

/// A small generator of numbers, so that every run tries the same texts.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift64* (Vigna 2016).
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        usize::try_from(mixed >> 33).unwrap_or(0) % limit.max(1)
    }
}

const PIECES: &[&str] = &[
    "$(",
    ")",
    "`",
    "\"",
    "'",
    "{",
    "}",
    "${",
    "$((",
    "))",
    "<<EOF\n",
    "\nEOF\n",
    "<(",
    ">(",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "\\",
    "\n",
    "[[",
    "]]",
    "if ",
    "then ",
    "fi",
    "for x in ",
    "do ",
    "done",
    "case x in ",
    "esac",
    "$'",
    "\\x72",
    "{a,b}",
    "{1..9}",
    "*",
    "?",
    "~",
    "#",
    "=",
    "(",
    "%",
    "/",
    "\u{e000}",
    "é",
    "\0",
    "\r",
    "$@",
    "$1",
    "-rf",
    " ",
    "eval ",
    "sudo ",
    "xargs ",
    "bash -c ",
    "rm ",
];

/// One mutation of a text: cut, doubled, joined with another, or a piece put in.
fn mutate(text: &str, other: &str, numbers: &mut Numbers) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = numbers.below(chars.len() + 1);
    let (before, after) = chars.split_at(at);
    let (before, after): (String, String) = (before.iter().collect(), after.iter().collect());
    match numbers.below(5) {
        0 => before,
        1 => format!(
            "{before}{}{after}",
            PIECES.get(numbers.below(PIECES.len())).unwrap_or(&"")
        ),
        2 => format!("{before}{other}{after}"),
        3 => format!("{after}{before}"),
        _ => after.chars().skip(1).collect::<String>() + &before,
    }
}

#[test]
fn mutated_commands_are_always_answered() {
    let rows = rows::rows(include_str!("../../corpus/commands.tsv"));
    let rounds = std::env::var("FUZZ_ROUNDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(6);
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    for _ in 0..rounds {
        for at in 0..rows.len() {
            let mut text = rows[at].command.clone();
            for _ in 0..=numbers.below(4) {
                let other = &rows[numbers.below(rows.len())].command;
                text = mutate(&text, other, &mut numbers);
            }
            let reading = judge_command(&text, &rows[at].facts);
            // What is written down can be shown on any terminal.
            let shown = reading.render();
            let hostile = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
            assert!(!shown.contains(hostile), "{text:?}: {shown:?}");
        }
    }
}

#[test]
fn texts_that_grow_when_expanded_stay_bounded() {
    let facts = Facts::default();
    let texts = [
        "{a,b}".repeat(40),
        "x=a; ".to_owned() + &"x=$x$x; ".repeat(60) + "echo $x",
        "$(".repeat(3_000),
        "(".repeat(50_000),
        "`".repeat(20_001),
        "${x:-".repeat(5_000),
        "f() { f; f; }; f".to_owned(),
        "f() { g; g; }; g() { f; f; }; f".to_owned(),
        "eval ".repeat(2_000) + "ls",
        "sudo ".repeat(20_000) + "ls",
        "bash -c \"".repeat(200),
        "for a in {1..500}; do for b in {1..500}; do for c in {1..500}; do ls; done; done; done"
            .to_owned(),
        "a;".repeat(60_000),
        "<<A ".repeat(5_000),
        "[[ ".repeat(5_000),
        "case x in ".repeat(2_000),
        "{1..999999999}".to_owned(),
        "x=".to_owned() + &"*".repeat(2_000) + "; echo ${x%%" + &"*a".repeat(500) + "}",
        "printf '%s' ".to_owned() + &"a ".repeat(50_000),
    ];
    for text in texts {
        let _ = judge_command(&text, &facts);
    }
}

#[test]
fn a_command_too_long_to_read_is_held() {
    let text = "ls ".repeat(400_000);
    assert!(text.len() > MAX_LENGTH);
    let reading = judge_command(&text, &Facts::default());
    assert_eq!(reading.danger(), Danger::UnknownCouldDestroy);
}

#[test]
fn the_parser_keeps_what_stands_before_an_error() {
    let parsed = shell::parse("rm -rf /srv; if true; then");
    assert!(parsed.error.is_some());
    assert_eq!(parsed.script.items.len(), 1);
}

proptest::proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        let _ = judge_command(&text, &Facts::default());
    }

    #[test]
    fn quoted_words_never_act(word in "[a-zA-Z0-9 /;|&$(){}<>*-]{0,60}") {
        // Single quotes make any text a plain word.
        let reading = judge_command(&format!("echo '{word}'"), &Facts::default());
        proptest::prop_assert_eq!(reading.danger(), Danger::None);
    }

    #[test]
    fn splitting_quotes_changes_nothing(cut in 1_usize..7) {
        // `r''m -rf /srv` means `rm -rf /srv` wherever the quotes stand.
        let text = "rm -rf /srv";
        let (before, after) = text.split_at(cut);
        if !before.ends_with(' ') && !after.starts_with(' ') {
            let reading = judge_command(&format!("{before}''{after}"), &Facts::default());
            proptest::prop_assert_eq!(reading.danger(), Danger::Destructive);
        }
    }

    #[test]
    fn any_tool_call_is_answered(name in "[a-z_]{1,20}", value in "\\PC{0,60}") {
        let arguments = serde_json::json!({ "command": value, "path": value, "query": value });
        let _ = judge_tool_call(&name, &arguments, &Facts::default());
    }
}
