//! The self-review of an author: the policy's items affirmed, each risky hunk
//! explained.

use std::io::{IsTerminal, Write};

use countersign_core::signoff::statement::{Declared, Explained};
use countersign_git::{Range, Repo};

use crate::collect::Merge;
use crate::error::{CliError, CliResult, exit};
use crate::questions::{ask as ask_line, numbered};
use crate::risky;
use crate::rules::Rules;
use crate::style::{BOLD, DIM, paint};

/// What was given on the command line.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) explanations: &'a [String],
    pub(crate) yes: bool,
}

/// Asks for what is not given. `None` when an item is not affirmed.
pub(crate) fn ask(
    out: &mut impl Write,
    repo: &Repo,
    range: &Range,
    rules: &Rules,
    merge: &Merge,
    given: Given<'_>,
) -> CliResult<Option<Declared>> {
    let hunks = if rules.policy.self_review.is_some() {
        merge.risky.clone()
    } else {
        risky::hunks(repo, range, &merge.files)?
    };
    let mut texts = numbered("--explain", given.explanations, hunks.len())?;
    if !hunks.is_empty() {
        writeln!(out, "  {}", paint(DIM, "easily missed; explain each"))?;
    }
    let mut explained = Vec::new();
    let mut missing = 0_usize;
    for (number, hunk) in (1..).zip(hunks) {
        writeln!(
            out,
            "    {number}. {}  {}  {}",
            paint(BOLD, &hunk.path),
            hunk.place,
            paint(DIM, hunk.risk.as_str())
        )?;
        let explanation = match texts.remove(&number) {
            Some(text) => {
                writeln!(out, "       {text}")?;
                text
            }
            None => ask_line(out, "       > ")?,
        };
        missing += usize::from(explanation.is_empty());
        explained.push(Explained { hunk, explanation });
    }
    if missing > 0 {
        let message = format!("{missing} of {} are not explained", explained.len());
        return Err(CliError::new(exit::USAGE, message)
            .hint("explain each at a terminal, or with `--explain N=\"why it is right\"`"));
    }
    let items = rules
        .policy
        .self_review
        .as_ref()
        .map_or_else(Vec::new, |review| review.items.clone());
    for item in &items {
        if given.yes {
            writeln!(out, "    ✓ {item}")?;
            continue;
        }
        if !std::io::stdin().is_terminal() {
            return Err(
                CliError::new(exit::USAGE, "nobody is there to affirm the items")
                    .hint("read them with `countersign check`, then repeat with `--yes`"),
            );
        }
        let answer = ask_line(out, &format!("    {item}? [y/N] "))?;
        if !matches!(answer.as_str(), "y" | "Y" | "yes") {
            return Ok(None);
        }
    }
    Ok(Some(Declared::Reviewed {
        items,
        hunks: explained,
    }))
}
