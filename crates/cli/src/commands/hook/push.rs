//! Advice before a push: what the gate would say, while it is still early.

use std::io::{BufRead as _, Write as _};

use countersign_core::decide::Verdict;
use countersign_git::{GitError, Oid, Range, Repo};
use jiff::Timestamp;

use super::RunArgs;
use super::gate::{Gate, Update};
use crate::collect;
use crate::commands::judge;
use crate::error::{CliResult, exit};
use crate::report::{self, CheckReport};
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
    let gate = Gate::new(&repo, None)?;
    let mut code = exit::ALLOW;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        // `LOCAL-REF LOCAL-OBJECT REMOTE-REF REMOTE-OBJECT`
        let words: Vec<&str> = line.split(' ').collect();
        let [local, new, name, old] = words.as_slice() else {
            continue;
        };
        let update = Update::new(old, new, name)?;
        let protected = name
            .strip_prefix("refs/heads/")
            .is_some_and(|branch| gate.protects(branch));
        if let Some(found) = one(&repo, remote, local, &update, protected)?
            && args.block
            && protected
        {
            code = code.max(found);
        }
    }
    Ok(code)
}

/// What would be said of one ref; `None` where there is nothing to say.
fn one(
    repo: &Repo,
    remote: &str,
    local: &str,
    update: &Update,
    protected: bool,
) -> CliResult<Option<u8>> {
    let (Some(new), Some(branch)) = (&update.new, update.name.strip_prefix("refs/heads/")) else {
        return Ok(None);
    };
    let Some((onto, target)) = onto(repo, remote, update, protected)? else {
        return Ok(None);
    };
    let base = repo.merge_base(&onto, new)?;
    if base == *new {
        return Ok(None);
    }
    let range = Range {
        base: Some(base),
        onto: Some(onto.clone()),
        head: new.clone(),
        // A push straight to a protected branch comes from no branch of its own.
        text: match local.strip_prefix("refs/heads/").filter(|_| !protected) {
            Some(local) => format!("{target}..{local}"),
            None => format!("{target}..{}", new.short()),
        },
    };
    let rules = Rules::at(repo, Some(&onto))?;
    if !rules.adopted {
        return Ok(None);
    }
    let now = Timestamp::now();
    let merge = collect::merge(repo, &range, &rules, now)?;
    let decision = judge(&rules, &merge, now);
    if decision.verdict == Verdict::Allow {
        return Ok(Some(exit::ALLOW));
    }
    let mut out = anstream::stderr().lock();
    if protected {
        let report = CheckReport::new(&range, &rules, &merge, &decision);
        out.write_all(report::brief(&report).as_bytes())?;
    } else {
        let word = match decision.verdict {
            Verdict::Refuse => "REFUSE",
            _ => "HOLD",
        };
        let word = paint(style::verdict(decision.verdict), word);
        let summary = decision.explain(&rules.policy, &rules.roster).summary;
        writeln!(out, "{word}  {branch}: to merge it {summary}")?;
        let command = format!("countersign check {}", range.text);
        writeln!(out, "  {}   {}", paint(BOLD, command), paint(DIM, "why"))?;
    }
    Ok(Some(crate::commands::code(
        rules.policy.settings.mode,
        decision.verdict,
    )))
}

/// The tip that a push goes onto, or its branch would: as last seen of the remote.
fn onto(
    repo: &Repo,
    remote: &str,
    update: &Update,
    protected: bool,
) -> CliResult<Option<(Oid, String)>> {
    if protected {
        let Some(old) = &update.old else {
            return Ok(None);
        };
        // What others pushed since the last fetch is not here; git will say so.
        let is_here = repo.resolve(old.as_str()).is_ok();
        let name = update.name.strip_prefix("refs/heads/").unwrap_or_default();
        return Ok(is_here.then(|| (old.clone(), format!("{remote}/{name}"))));
    }
    let Some(default) = repo.default_branch()? else {
        return Ok(None);
    };
    match repo.resolve(&default) {
        Ok(tip) => Ok(Some((tip, default))),
        Err(GitError::UnbornBranch(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
