//! For a comment on a pull request.

use std::fmt::Write as _;

use countersign_core::decide::{Explanation, Verdict};
use countersign_core::policy::Mode;

use super::human::{broken_text, claim_text, idle_text, requirement_text};
use super::{CheckReport, count, packages};

/// The answer as GitHub-flavoured Markdown. Everything that comes from the
/// change is escaped: an author must not be able to write parts of the verdict.
pub(crate) fn markdown(report: &CheckReport) -> String {
    let mut out = String::new();
    headline(&mut out, report.verdict, &report.summary, report.mode);
    let ai = &report.involvement;
    let _ = writeln!(
        out,
        "{} in {}, {}. AI involvement: **{}**{}. Author level: **{}**.\n",
        count(report.range.commits as u64, "commit"),
        code(&report.range.text),
        count(report.change.lines, "line"),
        ai.verdict.as_str(),
        if ai.tools.is_empty() {
            String::new()
        } else {
            format!(" ({})", escape(&ai.tools.join(", ")))
        },
        escape(&report.author_level),
    );
    for lock in report.change.locks.iter().take(20) {
        let _ = writeln!(out, "Packages: {}\n", escape(&packages(lock)));
    }
    decision(&mut out, &report.decision);
    if !ai.evidence.is_empty() {
        let _ = writeln!(out, "\n<details><summary>Evidence</summary>\n");
        let _ = writeln!(
            out,
            "| claim | where | commit | words |\n| --- | --- | --- | --- |"
        );
        for evidence in ai.evidence.iter().take(20) {
            let commit = evidence
                .commit
                .as_deref()
                .and_then(|id| id.get(..7))
                .unwrap_or("");
            let _ = writeln!(
                out,
                "| {} | {} | {commit} | {} |",
                claim_text(&evidence.claim),
                evidence.channel.as_str(),
                code(&evidence.witness)
            );
        }
        let _ = writeln!(out, "\n</details>");
    }
    out
}

/// The verdict, and whether it stops anything.
pub(super) fn headline(out: &mut String, verdict: Verdict, summary: &str, mode: Mode) {
    let word = verdict_word(verdict);
    let _ = writeln!(out, "### {word}: {}\n", escape(summary));
    if mode == Mode::Shadow {
        let _ = writeln!(out, "_Shadow mode: nothing is stopped._\n");
    }
}

/// The rules that apply, what is missing, and who could give it.
pub(super) fn decision(out: &mut String, decision: &Explanation) {
    for rule in &decision.rules {
        let mark = if rule.met { "x" } else { " " };
        let _ = writeln!(
            out,
            "- [{mark}] **{}** {}",
            escape(&rule.id),
            escape(&rule.why)
        );
        for requirement in &rule.requirements {
            let _ = writeln!(out, "  - {}", escape(&requirement_text(requirement)));
        }
        if let Some(broken) = &rule.broken {
            let _ = writeln!(out, "  - {}", escape(&broken_text(broken)));
        }
    }
    for idle in &decision.meet_nothing {
        let text = idle_text(&idle.person, &idle.because);
        let _ = writeln!(out, "\n{}", escape(&text));
    }
    for act in &decision.way_forward {
        let names = act.candidates.iter().take(5).map(|name| escape(name));
        let names: Vec<String> = names.collect();
        let _ = writeln!(out, "\nCan sign: {}", names.join(", "));
    }
}

/// The verdict with a sign to find it by.
const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "✅ Allow",
        Verdict::Hold => "⏸️ Hold",
        Verdict::Refuse => "⛔ Refuse",
    }
}

/// Makes text that came from outside harmless in Markdown and HTML.
pub(super) fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A zero-width joiner keeps names from pinging people or teams.
            '@' => out.push_str("@\u{2060}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~' => {
                out.extend(['\\', c]);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

/// Text in code style, safe in a table cell.
pub(super) fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_cannot_break_out() {
        assert_eq!(
            escape("**x** <b> @ada"),
            "\\*\\*x\\*\\* &lt;b&gt; @\u{2060}ada"
        );
        assert_eq!(code("a`b``c | d"), "``` a`b``c \\| d ```");
    }
}
