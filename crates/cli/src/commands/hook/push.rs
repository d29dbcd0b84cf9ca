//! Advice before a push: what the gate would say, while it is still early.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;

use countersign_core::decide::Verdict;
use countersign_git::{GitError, Range, Repo};
use jiff::Timestamp;

use super::RunArgs;
use super::gate::{Gate, Update};
use crate::collect;
use crate::commands::judge;
use crate::error::{CliResult, exit};
use crate::rules::Rules;
use crate::style::{self, BOLD, DIM, paint};

pub(super) fn run(args: &RunArgs) -> CliResult {
    match advise(args) {
        Err(error) if !args.block => {
            // Advice that cannot be given is no reason to stop.
            let mut out = anstream::stderr().lock();
            writeln!(out, "countersign: no advice on this push: {error}")?;
            Ok(exit::ALLOW)
        }
        other => other,
    }
}

fn advise(args: &RunArgs) -> CliResult {
    let repo = Repo::open(".".as_ref())?;
    let remote = args.args.first().map_or("origin", String::as_str);
    let gate = Gate::advising(&repo, remote)?;
    let (mut updates, mut locals) = (Vec::new(), Vec::new());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        // `LOCAL-REF LOCAL-OBJECT REMOTE-REF REMOTE-OBJECT`
        let words: Vec<&str> = line.split(' ').collect();
        let [local, new, name, old] = words.as_slice() else {
            continue;
        };
        updates.push(Update::new(old, new, name)?);
        locals.push((*local).to_owned());
    }
    // Read once something is to be judged: most pushes are to branches of one's own.
    let mut chain = None;
    let mut code = exit::ALLOW;
    for (update, local) in updates.iter().zip(&locals) {
        if !update.branch().is_some_and(|branch| gate.protects(branch)) {
            to_merge(&repo, local, update)?;
            continue;
        }
        let chain = match &chain {
            Some(chain) => Arc::clone(chain),
            None => Arc::clone(chain.insert(Arc::new(gate.chain(&updates)?))),
        };
        let found = gate.advise(update, &chain)?;
        if args.block {
            code = code.max(found);
        }
    }
    Ok(code)
}

/// Says what it would take to merge a branch that is pushed.
fn to_merge(repo: &Repo, local: &str, update: &Update) -> CliResult<()> {
    let (Some(new), Some(branch)) = (&update.new, update.branch()) else {
        return Ok(());
    };
    let Some(target) = repo.default_branch()? else {
        return Ok(());
    };
    let onto = match repo.resolve(&target) {
        Ok(tip) => tip,
        Err(GitError::UnbornBranch(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let base = repo.merge_base(&onto, new)?;
    if base == *new {
        return Ok(());
    }
    let range = Range {
        base: Some(base),
        onto: Some(onto.clone()),
        head: new.clone(),
        text: match local.strip_prefix("refs/heads/") {
            Some(local) => format!("{target}..{local}"),
            None => format!("{target}..{}", new.short()),
        },
    };
    let rules = Rules::at(repo, Some(&onto))?;
    if !rules.adopted {
        return Ok(());
    }
    let now = Timestamp::now();
    let merge = collect::merge(repo, &range, &rules, now)?;
    let decision = judge(&rules, &merge, now);
    let word = match decision.verdict {
        Verdict::Allow => return Ok(()),
        Verdict::Hold => "HOLD",
        Verdict::Refuse => "REFUSE",
    };
    let mut out = anstream::stderr().lock();
    let word = paint(style::verdict(decision.verdict), word);
    let summary = decision.explain(&rules.policy, &rules.roster).summary;
    writeln!(out, "{word}  {branch}: to merge it {summary}")?;
    let command = format!("countersign check {}", range.text);
    writeln!(out, "  {}   {}", paint(BOLD, command), paint(DIM, "why"))?;
    Ok(())
}
