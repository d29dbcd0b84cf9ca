//! The parser accepts what `bash -n` accepts, and refuses what it refuses.

use std::io::Write as _;
use std::process::{Command, Stdio};

use countersign_effects::shell;

/// Forms the corpus has too few of.
const FORMS: &[&str] = &[
    "x=$(cat <<EOF\nit's \"here\nEOF\n)\necho $x",
    "cat <<A <<B\n1\nA\n2\nB\nls",
    "{rm,-rf,/x}",
    "for ((i=0;i<3;i++)); do echo $i; done",
    "case $x in a|b) echo 1;; *) echo 2;; esac",
    "case $x in (a) ls ;; esac",
    "f() { echo; }; f",
    "function g { ls; }",
    "function h() ( ls )",
    "until false; do :; done < <(ls)",
    "if a; then b; elif c; then d; else e; fi",
    "[[ $a =~ ^(x|y)+$ && -f b ]]",
    "a=(1 2 \"3 4\"); echo ${a[@]} ${#a[@]} ${a[0]}",
    "echo ${x:-${y:-z}} ${x//a/b} ${x%.*} ${!x} ${x^^}",
    "echo \"$(echo \"$(echo \"nested\")\")\"",
    "((x++)); (( a > b ? 1 : 2 ))",
    "( (ls) )",
    "coproc ls",
    "ls |& cat",
    "time -p ls",
    "! ls",
    "echo a#b # c",
    "select x in a b; do echo $x; done",
    "x[1]=2; x+=3; declare -A m=([a]=1)",
    "exec 3>&1 {fd}>x 2>&-",
    "echo @(a|b) !(c)",
    "cat <<-'EOF'\n\tx\n\tEOF",
    "echo `echo \\`ls\\``",
    "while read -r l; do echo \"$l\"; done <<< \"$x\"",
    // refused
    "if true; then",
    "echo 'x",
    "echo \"x",
    "foo )",
    "( ls",
    "for x in a; echo",
    "case x in",
    "ls &&",
    "| ls",
    "fi",
    "{ ls",
    "echo $(ls",
    "ls ;; ls",
];

fn bash_accepts(text: &str) -> Option<bool> {
    let mut child = Command::new("bash")
        .args(["-n", "-O", "extglob"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    Some(child.wait().ok()?.success())
}

/// Ways to put a command into another.
const AROUND: &[(&str, &str)] = &[
    ("", "; ls"),
    ("ls && ", ""),
    ("ls | ", ""),
    ("( ", "\n)"),
    ("{ ", "\n}"),
    ("echo $( ", "\n)"),
    ("if ls; then ", "\nfi"),
    ("while ls; do ", "\ndone"),
    ("case x in x) ", "\n;; esac"),
    ("f() { ", "\n}; f"),
    ("! ", " 2>&1"),
    ("cat <( ", "\n)"),
];

/// Texts on which the two are known to differ, with what bash says.
const KNOWN: &[(&str, bool)] = &[
    // bash wants `!` at the start of a pipeline; reading on loses nothing.
    ("ls | ! ls", false),
];

fn check(texts: impl Iterator<Item = String>) {
    let mut wrong = Vec::new();
    for text in texts {
        let expected = bash_accepts(&text).unwrap();
        let error = shell::parse(&text).error;
        let known = KNOWN.iter().any(|(known, _)| *known == text);
        if error.is_none() == expected && known {
            wrong.push(format!("agrees now, take it from the list: {text}"));
        }
        if error.is_none() != expected && !known {
            wrong.push(format!("bash {expected}, we say {error:?}: {text:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn accepts_what_bash_accepts() {
    let lists = [
        include_str!("../../corpus/commands.tsv"),
        include_str!("../../corpus/fresh.tsv"),
        include_str!("../../corpus/unseen-1.tsv"),
        include_str!("../../corpus/unseen-2.tsv"),
        include_str!("../../corpus/unseen-3.tsv"),
    ];
    let commands = lists
        .into_iter()
        .flat_map(|list| list.lines().skip(1))
        .filter_map(|line| line.split('\t').nth(2))
        .map(|text| text.replace('␤', "\n").replace('␉', "\t"));
    check(FORMS.iter().map(|f| (*f).to_owned()).chain(commands));
}

#[test]
fn accepts_what_bash_accepts_in_every_place() {
    let nested = FORMS.iter().flat_map(|form| {
        AROUND
            .iter()
            .map(move |(before, after)| format!("{before}{form}{after}"))
    });
    check(nested);
}
