//! The gate on a server: judges what is pushed to protected branches.
//!
//! Everything it judges by (policy, people, catalogue) is read from the tip that
//! a branch has before the push. Sign-offs may come in the same push. What
//! cannot be judged is refused.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;

use countersign_core::decide::Verdict;
use countersign_core::policy::Mode;
use countersign_core::signoff::chain::Chain;
use countersign_git::tips::{self, Advance};
use countersign_git::{Oid, Repo, signoffs, spent};
use jiff::Timestamp;

use super::pusher::Pusher;
use super::{Hook, RunArgs};
use crate::error::{CliError, CliResult, exit};
use crate::landing::{JudgedStep, Line, Step, lets_through};
use crate::report::{self, CheckReport, ReportSignOff};
use crate::rules::Rules;
use crate::style::{self, BOLD, DIM, paint};

/// The most refs of one push that are looked at.
const MAX_REFS: usize = 10_000;

/// One ref that a push wants to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) name: String,
    pub(super) old: Option<Oid>,
    pub(super) new: Option<Oid>,
}

impl Update {
    /// Reads what git gives: names of objects, zeros for none.
    pub(super) fn new(old: &str, new: &str, name: &str) -> CliResult<Self> {
        let oid = |text: &str| {
            let oid = Oid::new(text).ok_or_else(|| {
                CliError::new(exit::DATA, format!("`{text}` is not the name of an object"))
            })?;
            Ok::<_, CliError>(Some(oid).filter(|oid| !oid.is_null()))
        };
        Ok(Self {
            name: name.to_owned(),
            old: oid(old)?,
            new: oid(new)?,
        })
    }

    pub(super) fn branch(&self) -> Option<&str> {
        self.name.strip_prefix("refs/heads/")
    }
}

pub(super) fn run(args: &RunArgs) -> CliResult {
    let updates = match args.hook {
        Hook::Update => match args.args.as_slice() {
            [name, old, new] => vec![Update::new(old, new, name)?],
            _ => return Err(usage("update REF OLD NEW")),
        },
        _ => lines()?,
    };
    let repo = Repo::open(".".as_ref())?;
    let updates = followed(&repo, updates)?;
    let gate = Gate::new(&repo, args.pusher.as_deref())?;
    if args.hook == Hook::PostReceive {
        return gate.record(&updates);
    }
    let chain = Arc::new(gate.chain(&updates)?);
    let mut code = exit::ALLOW;
    for update in &updates {
        code = code.max(gate.judge(update, &chain)?);
    }
    Ok(code)
}

/// The updates as they will happen: git writes through a symbolic ref, so what is
/// pushed to another name of a branch moves the branch.
fn followed(repo: &Repo, mut updates: Vec<Update>) -> CliResult<Vec<Update>> {
    let names: Vec<&str> = updates.iter().map(|update| update.name.as_str()).collect();
    let leads_to = repo.symbolic_refs(&names)?;
    for update in &mut updates {
        if let Some(target) = leads_to.get(&update.name) {
            update.name.clone_from(target);
        }
    }
    Ok(updates)
}

fn usage(form: &str) -> CliError {
    CliError::new(exit::USAGE, format!("git calls this hook as `{form}`"))
}

/// The lines `OLD NEW REF` that git gives on standard input.
fn lines() -> CliResult<Vec<Update>> {
    let mut updates = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.splitn(3, ' ');
        let (Some(old), Some(new), Some(name)) = (words.next(), words.next(), words.next()) else {
            return Err(usage("OLD NEW REF, one per line of standard input"));
        };
        updates.push(Update::new(old, new, name)?);
        if updates.len() > MAX_REFS {
            let message = format!("more than {MAX_REFS} refs in one push");
            return Err(CliError::new(exit::DATA, message));
        }
    }
    Ok(updates)
}

/// A repository that is pushed to.
pub(super) struct Gate<'a> {
    repo: &'a Repo,
    /// The default branch, once it has commits, and the rules on it.
    default: Option<(String, Oid, Arc<Rules>)>,
    pusher: Option<Pusher>,
    /// The remote that is pushed to, where this is its clone and not its server.
    remote: Option<String>,
}

impl<'a> Gate<'a> {
    /// What the gate of a remote would say, as far as that is known here.
    pub(super) fn advising(repo: &'a Repo, remote: &str) -> CliResult<Self> {
        Ok(Self {
            remote: Some(remote.to_owned()),
            ..Self::new(repo, None)?
        })
    }

    pub(super) fn new(repo: &'a Repo, pusher: Option<&str>) -> CliResult<Self> {
        let default = match repo.default_branch()? {
            Some(rev) => {
                let tip = repo.resolve(&rev)?;
                let rules = Arc::new(Rules::at(repo, Some(&tip))?);
                let name = repo.branch_name(&rev)?.unwrap_or(rev);
                Some((name, tip, rules))
            }
            None => None,
        };
        let pusher = match &default {
            Some((_, _, rules)) => Pusher::find(pusher, &rules.roster)?,
            None => None,
        };
        Ok(Self {
            repo,
            default,
            pusher,
            remote: None,
        })
    }

    /// Whether a branch is protected, by the policy on the default branch.
    pub(super) fn protects(&self, branch: &str) -> bool {
        self.default.as_ref().is_some_and(|(name, _, rules)| {
            let settings = &rules.policy.settings;
            rules.adopted && settings.protected.covers(branch, Some(name))
        })
    }

    /// The sign-offs as they will be after the push.
    pub(super) fn chain(&self, updates: &[Update]) -> CliResult<Chain> {
        let pushed = updates.iter().find(|update| update.name == signoffs::REF);
        Ok(match pushed.and_then(|update| update.new.as_ref()) {
            Some(tip) => self.repo.signoffs_at(tip)?,
            None => self.repo.signoffs()?,
        })
    }

    fn judge(&self, update: &Update, chain: &Arc<Chain>) -> CliResult {
        if update.name == signoffs::REF {
            return self.signoffs(update, chain);
        }
        if update.name.starts_with(spent::PREFIX) {
            return match (&update.old, &update.new) {
                // Whoever spends it on this server (`gate apply --remote`).
                (None, Some(new)) if self.repo.is_spending(&update.name, new)? => Ok(exit::ALLOW),
                _ => refuse(update, "a permission is spent once, and stays spent", None),
            };
        }
        if update.name.starts_with("refs/countersign/") {
            return refuse(update, "only the server writes this ref", None);
        }
        let Some(branch) = update.branch().filter(|branch| self.protects(branch)) else {
            return Ok(exit::ALLOW);
        };
        let code = self.branch(update, branch, chain)?;
        // Shadow mode says it and stops nothing.
        Ok(if self.is_shadow() { exit::ALLOW } else { code })
    }

    /// Tells whoever pushes to a protected branch what the server's gate would.
    /// What others pushed since the last fetch is not here; git says so itself.
    pub(super) fn advise(&self, update: &Update, chain: &Arc<Chain>) -> CliResult {
        let old = update.old.as_ref();
        let is_here = old.is_none_or(|old| self.repo.resolve(old.as_str()).is_ok());
        let Some(branch) = update.branch().filter(|_| is_here) else {
            return Ok(exit::ALLOW);
        };
        let code = self.branch(update, branch, chain)?;
        Ok(if self.is_shadow() { exit::ALLOW } else { code })
    }

    fn is_shadow(&self) -> bool {
        let rules = self.default.as_ref().map(|(_, _, rules)| rules);
        rules.is_some_and(|rules| rules.policy.settings.mode == Mode::Shadow)
    }

    /// Judges what happens to a protected branch.
    fn branch(&self, update: &Update, branch: &str, chain: &Arc<Chain>) -> CliResult {
        match (&update.old, &update.new) {
            (_, None) => refuse(update, "a protected branch is not deleted", None),
            (None, Some(new)) => self.created(update, new),
            (Some(old), Some(new)) if !self.repo.is_ancestor(old, new)? => {
                let command = format!("git pull --rebase origin {branch}");
                refuse(
                    update,
                    "a protected branch is not rewritten: its tip must stay in its history",
                    Some(&command),
                )
            }
            (Some(old), Some(new)) => self.advanced(update, branch, old, new, chain),
        }
    }

    /// Sign-offs are only ever added, and nothing else is.
    fn signoffs(&self, update: &Update, chain: &Chain) -> CliResult {
        // What the pusher takes for the old value is a claim: git compares it only
        // when the refs are moved, one by one, after everything was judged. A veto
        // that came meanwhile would be missing from what is judged by.
        let old = self.repo.signoffs_head()?.commit;
        if !self
            .repo
            .signoffs_only_grow(old.as_ref(), update.new.as_ref())?
        {
            let why = "sign-offs are only ever added to, and some are here that are not there";
            return refuse(update, why, Some("countersign signoffs push"));
        }
        if old != update.old {
            let why = "the sign-offs have moved on since this push began; push again";
            return refuse(update, why, None);
        }
        let foreign = junk(chain).saturating_sub(junk(&self.repo.signoffs()?));
        if foreign > 0 {
            let first = chain.problems().first();
            let why = first.map_or_else(String::new, |problem| format!(" ({})", problem.why));
            let text = format!("{foreign} of what is added is no statement{why}");
            return refuse(update, &text, Some("countersign signoffs list"));
        }
        Ok(exit::ALLOW)
    }

    /// A new protected branch brings nothing that was not let through before.
    fn created(&self, update: &Update, new: &Oid) -> CliResult {
        let Some((name, tip, _)) = &self.default else {
            return Ok(exit::ALLOW);
        };
        if self.repo.is_ancestor(new, tip)? {
            return Ok(exit::ALLOW);
        }
        let why =
            format!("a new protected branch starts from a commit of {name}; push the rest after");
        let command = format!("git push origin {name}:{}", update.name);
        refuse(update, &why, Some(&command))
    }

    fn advanced(
        &self,
        update: &Update,
        branch: &str,
        old: &Oid,
        new: &Oid,
        chain: &Arc<Chain>,
    ) -> CliResult {
        if !self.repo.has_been_at(old, new)? {
            let why = format!(
                "it would become a side line of what is pushed; merge onto {branch}, not {branch} into yours"
            );
            return refuse(update, &why, Some(&format!("git rebase origin/{branch}")));
        }
        let line = Line::new(self.repo, &update.name, old, chain)?;
        let mut rules = match &self.default {
            Some((_, tip, rules)) if tip == old => Arc::clone(rules),
            _ => Arc::new(Rules::at(self.repo, Some(old))?),
        };
        if !rules.adopted
            && let Some((_, _, today)) = &self.default
        {
            // A branch from before adoption is protected by today's rules.
            rules = Arc::clone(today);
        }
        if let Err(error) = Rules::at(self.repo, Some(new)) {
            // Otherwise nothing could be judged after it, not even its repair.
            let why = format!("with these rules nothing could be judged any more: {error}");
            return refuse(update, &why, Some("countersign policy check"));
        }
        let now = Timestamp::now();
        let also: Vec<_> = self.pusher.iter().filter_map(Pusher::also).collect();
        let mut code = exit::ALLOW;
        for step in line.steps(old, new, |_| true)? {
            let spent = line.has_left(&step.parent);
            let judged = line.judge(&step, &rules, now, &also, spent)?;
            let found = self.explain(branch, &line, (&step, &judged), &rules, now)?;
            code = code.max(found);
            if found != exit::ALLOW {
                continue;
            }
            for more in self.rules_besides(&rules, old, &step)? {
                let judged = line.judge(&step, &more, now, &also, spent)?;
                if !lets_through(&more, &judged.decision) {
                    code = code.max(self.explain(branch, &line, (&step, &judged), &more, now)?);
                }
            }
        }
        Ok(code)
    }

    /// The rules that have to let a step through besides those of the branch: what
    /// came earlier in this very push, and today's of the default branch. Without
    /// these, a branch from an old commit would bring back that commit's people,
    /// keys and mode.
    fn rules_besides(
        &self,
        rules: &Arc<Rules>,
        old: &Oid,
        step: &Step,
    ) -> CliResult<Vec<Arc<Rules>>> {
        let mut more = Vec::new();
        if step.parent != *old {
            more.push(Arc::new(Rules::at(self.repo, Some(&step.parent))?));
        }
        let today = self.default.as_ref().map(|(_, _, today)| today);
        more.extend(today.filter(|today| !Arc::ptr_eq(today, rules)).cloned());
        Ok(more)
    }

    /// Tells whoever pushes what is missing, and what to run.
    fn explain(
        &self,
        branch: &str,
        line: &Line<'_>,
        (step, judged): (&Step, &JudgedStep),
        rules: &Rules,
        now: Timestamp,
    ) -> CliResult {
        let verdict = judged.decision.verdict;
        let mut out = anstream::stderr().lock();
        let report = CheckReport::new(&judged.range, rules, &judged.merge, &judged.decision);
        if verdict == Verdict::Allow {
            if self.remote.is_some() {
                // It lands only once the server has said so.
                return Ok(exit::ALLOW);
            }
            let (style, word) = if judged.decision.is_overridden() {
                (Verdict::Hold, "OVERRIDDEN")
            } else {
                (Verdict::Allow, "ALLOW")
            };
            let word = paint(style::verdict(style), word);
            writeln!(out, "{word}  {branch}: {}", report.summary)?;
            let helps = |it: &&ReportSignOff| it.said == "approve" && it.meets_nothing.is_none();
            for signoff in report.signoffs.iter().filter(helps) {
                let kept = signoff.kept.as_ref();
                let kept = kept.map_or_else(String::new, |kept| format!(", {kept}"));
                writeln!(out, "  approved by {}{kept}", signoff.person)?;
            }
            return Ok(exit::ALLOW);
        }
        writeln!(out)?;
        out.write_all(report::brief(&report).as_bytes())?;
        if let Some(pusher) = &self.pusher {
            writeln!(out, "\n  {}", paint(DIM, pusher.text()))?;
        }
        if let Some(near) = &step.near {
            writeln!(out, "\n  what was signed is not what is pushed: {near}")?;
        } else if report.signoffs.is_empty()
            && let Some(other) = line.approved_otherwise(judged, rules, now)?
        {
            writeln!(
                out,
                "\n  {} approved other content of {} ({}), not what is pushed",
                other.person,
                report::plain(&other.path),
                report::plain(&other.change)
            )?;
        }
        if lets_through(rules, &judged.decision) {
            // It lands, so there is nothing left to sign.
            return Ok(exit::ALLOW);
        }
        let (command, why) = self.next(branch, &judged.range.head, &report)?;
        writeln!(out, "\n  {}   {}", paint(BOLD, command), paint(DIM, why))?;
        Ok(match verdict {
            Verdict::Refuse => exit::REFUSE,
            _ => exit::HOLD,
        })
    }

    /// The one command that leads on.
    fn next(
        &self,
        branch: &str,
        head: &Oid,
        report: &CheckReport,
    ) -> CliResult<(String, &'static str)> {
        if report.verdict == Verdict::Refuse {
            return Ok((
                format!("countersign check origin/{branch}..{}", head.short()),
                "all reasons",
            ));
        }
        let here = self.repo.branches_at(head)?;
        let source = here.iter().find(|name| *name != branch);
        let range = match (&self.remote, source) {
            (Some(remote), Some(name)) => Some(format!("{remote}/{branch}..{name}")),
            (Some(remote), None) => Some(format!("{remote}/{branch}..{}", head.short())),
            (None, Some(name)) => Some(format!("origin/{branch}..origin/{name}")),
            (None, None) => None,
        };
        Ok(match range {
            Some(range) => {
                let (command, who) = match &report.decision.self_review {
                    Some(_) => (format!("declare {range} --reviewed"), "for its author"),
                    None => (format!("sign {range}"), "for someone who can sign"),
                };
                (
                    format!("countersign {command} && countersign signoffs push"),
                    who,
                )
            }
            None => (
                format!(
                    "git push origin {}:refs/heads/review-{}",
                    head.short(),
                    head.short()
                ),
                "so that someone can see and sign it",
            ),
        })
    }

    /// Records where protected branches went.
    fn record(&self, updates: &[Update]) -> CliResult {
        let at = Timestamp::now().as_second();
        let pusher = self.pusher.as_ref().map(|pusher| pusher.who.clone());
        let advances: Vec<Advance> = updates
            .iter()
            .filter(|update| update.branch().is_some_and(|branch| self.protects(branch)))
            .map(|update| Advance {
                target: update.name.clone(),
                old: update.old.clone(),
                new: update.new.clone(),
                at,
                pusher: pusher.clone(),
            })
            .collect();
        if let Err(error) = self.repo.record_advances(&advances) {
            // It has landed; all that is left is to say so.
            let mut out = anstream::stderr().lock();
            writeln!(out, "countersign: {} was not written: {error}", tips::REF)?;
        }
        Ok(exit::ALLOW)
    }
}

/// What is in a chain and can never count: no statements, and copies of some
/// that are not where their signer put them.
fn junk(chain: &Chain) -> usize {
    let moved = chain.entries().iter().filter(|entry| !entry.in_place);
    chain.problems().len() + moved.count()
}

/// One line why not, and what to run instead.
fn refuse(update: &Update, why: &str, command: Option<&str>) -> CliResult {
    let mut out = anstream::stderr().lock();
    let name = update.branch().unwrap_or(&update.name);
    let word = paint(style::verdict(Verdict::Refuse), "REFUSE");
    writeln!(out, "{word}  {name}: {why}")?;
    if let Some(command) = command {
        writeln!(out, "\n  {}", paint(BOLD, command))?;
    }
    Ok(exit::REFUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_mean_nothing() {
        let (zero, one) = ("0".repeat(40), "1".repeat(40));
        let update = Update::new(&zero, &one, "refs/heads/a b").unwrap();
        assert_eq!(update.old, None);
        assert_eq!(update.new, Oid::new(&one));
        assert_eq!(update.branch(), Some("a b"));
        assert!(Update::new("x", &one, "refs/heads/a").is_err());
    }
}
