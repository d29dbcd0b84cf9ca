//! Answers, in the forms that people and programs want them in.

mod human;
mod markdown;
pub(crate) mod pdf;
pub(crate) mod plan;
pub(crate) mod queue;
mod reach;
pub(crate) mod review;
mod sarif;
pub(crate) mod signoffs;
pub(crate) mod step;
pub(crate) mod trend;

use countersign_core::decide::{Decision, Explanation, Verdict};
use countersign_core::effect::Effect;
use countersign_core::facts::Reach;
use countersign_core::involvement::{Evidence, Involvement, Role, Verdict as Ai};
use countersign_core::policy::Mode;
use countersign_core::problem::Problem;
use countersign_core::radius::Radius;
use countersign_core::signoff::carry::Kept;
use countersign_core::signoff::statement::{Answer, RiskyHunk, Stance};
use countersign_core::usage::Why;
use countersign_git::Range;
use serde::Serialize;

pub(crate) use human::{brief, human};
pub(crate) use markdown::markdown;
pub(crate) use sarif::sarif;

use crate::collect::{Author, Lines, Merge, SeenUse};
use crate::collect_locks::Lock;
use crate::error::{CliError, CliResult, exit};
use crate::rules::Rules;
use crate::signoffs::Counted;

/// The version of the JSON form. Fields are only ever added to it.
pub(crate) const SCHEMA: &str = "countersign.check/1";

/// Everything that `check` says. The JSON form is exactly this.
#[derive(Debug, Serialize)]
pub(crate) struct CheckReport {
    pub(crate) schema: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) summary: String,
    /// `shadow`: the verdict stops nothing.
    pub(crate) mode: Mode,
    pub(crate) range: ReportRange,
    pub(crate) involvement: ReportInvolvement,
    pub(crate) authors: Vec<Author>,
    pub(crate) author_level: String,
    pub(crate) change: ReportChange,
    pub(crate) decision: Explanation,
    /// Signed statements that count.
    pub(crate) signoffs: Vec<ReportSignOff>,
    /// Whose self-review counts.
    pub(crate) self_reviewed_by: Option<String>,
    /// Hunks that a self-review has to explain, where a policy asks for one.
    pub(crate) risky_hunks: Vec<RiskyHunk>,
    pub(crate) policy: ReportPolicy,
    pub(crate) warnings: Vec<Problem>,
    /// Commands to run next, most useful first.
    pub(crate) next: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReportRange {
    pub(crate) text: String,
    pub(crate) base: Option<String>,
    pub(crate) head: String,
    pub(crate) commits: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReportInvolvement {
    pub(crate) verdict: Ai,
    pub(crate) roles: Vec<Role>,
    pub(crate) tools: Vec<String>,
    pub(crate) suppressed: bool,
    pub(crate) conflict: bool,
    pub(crate) lines: Lines,
    pub(crate) evidence: Vec<Evidence>,
    /// Patterns of use, and what the registry says of them.
    pub(crate) uses: Vec<SeenUse>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReportChange {
    pub(crate) files: u64,
    pub(crate) lines: u64,
    /// 0 is the most important; absent when no catalogue entry covers it.
    pub(crate) tier: Option<u64>,
    pub(crate) services: Vec<String>,
    pub(crate) owners: Vec<String>,
    /// Upper bounds, as rules see them.
    pub(crate) reach: Reach,
    /// Absent without a catalogue.
    pub(crate) radius: Option<Radius>,
    /// What the plans and migrations in it would do.
    pub(crate) effects: Vec<Effect>,
    /// Plans and migrations that could not be read, and why.
    pub(crate) unread: Vec<String>,
    /// What changed in its lockfiles; absent without a catalogue.
    pub(crate) locks: Vec<Lock>,
    /// Whether state goes for good; absent when nobody can tell.
    pub(crate) irreversible: Option<bool>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct ReportPolicy {
    pub(crate) source: String,
    pub(crate) digest: String,
    /// The commit it was read from; absent for the built-in policy.
    pub(crate) from: Option<String>,
}

impl ReportPolicy {
    fn of(rules: &Rules) -> Self {
        Self {
            source: rules.policy.file.clone(),
            digest: rules.policy.digest.clone(),
            from: rules.from.as_ref().map(ToString::to_string),
        }
    }
}

impl CheckReport {
    pub(crate) fn new(range: &Range, rules: &Rules, merge: &Merge, decision: &Decision) -> Self {
        let collected = &merge.collected;
        let mut explanation = decision.explain(&rules.policy, &rules.roster);
        if let Some(counted) = &merge.counted {
            explanation.ignored.extend(counted.ignored());
        }
        let facts = &collected.facts;
        let involvement: &Involvement = &collected.involvement;
        let level = rules.roster.levels().name(facts.author_level);
        Self {
            schema: SCHEMA,
            verdict: decision.verdict,
            summary: explanation.summary.clone(),
            mode: rules.policy.settings.mode,
            range: ReportRange {
                text: range.text.clone(),
                base: range.base.as_ref().map(ToString::to_string),
                head: range.head.to_string(),
                commits: collected.commits,
            },
            involvement: ReportInvolvement {
                verdict: involvement.verdict,
                roles: involvement.roles.iter().copied().collect(),
                tools: involvement.tools.iter().cloned().collect(),
                suppressed: involvement.suppressed,
                conflict: involvement.conflict,
                lines: collected.lines,
                evidence: involvement.evidence.clone(),
                uses: collected.uses.clone(),
            },
            authors: collected.authors.clone(),
            author_level: level.to_owned(),
            change: ReportChange {
                files: facts.files,
                lines: facts.lines,
                tier: facts.tier,
                services: collected.services.clone(),
                owners: facts.owners.iter().cloned().collect(),
                reach: facts.reach.clone(),
                radius: collected.radius.clone(),
                effects: collected.applied.effects.clone(),
                unread: collected.applied.unread.clone(),
                locks: collected.locks.clone(),
                irreversible: facts.irreversible,
            },
            policy: ReportPolicy::of(rules),
            warnings: [&rules.warnings[..], &collected.problems].concat(),
            signoffs: signoffs(merge.counted.as_ref(), &explanation),
            self_reviewed_by: merge
                .counted
                .as_ref()
                .and_then(|it| it.verified.self_reviewed_by())
                .map(str::to_owned),
            risky_hunks: merge.risky.clone(),
            next: next_of_merge(rules, range, &explanation)
                .into_iter()
                .chain(collected.uses.iter().filter_map(|it| register(rules, it)))
                .collect(),
            decision: explanation,
        }
    }
}

/// The command that registers a pattern which nobody has.
fn register(rules: &Rules, it: &SeenUse) -> Option<String> {
    (rules.adopted && it.why == Why::Unregistered).then(|| {
        let pattern = &it.pattern;
        format!(
            "countersign usage register {pattern} --owner PERSON --maturity trial --expires DATE"
        )
    })
}

#[derive(Debug, Serialize)]
pub(crate) struct ReportSignOff {
    pub(crate) person: String,
    /// `approve`, `veto` or `break-glass`.
    pub(crate) said: &'static str,
    /// RFC 3339.
    pub(crate) at: String,
    /// Why it still counts after a rebase; absent when the content is the same.
    pub(crate) kept: Option<String>,
    pub(crate) message: Option<String>,
    /// What the signer answered to the rules' questions.
    pub(crate) answers: Vec<Answer>,
    /// Why it meets no requirement, for an approval that meets none of those
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meets_nothing: Option<String>,
    /// SHA-256 of the signed statement.
    pub(crate) statement: String,
}

impl ReportSignOff {
    /// `sen: approve`.
    pub(crate) fn text(&self) -> String {
        format!("{}: {}", self.person, self.said)
    }
}

fn signoffs(counted: Option<&Counted>, explanation: &Explanation) -> Vec<ReportSignOff> {
    let accepted = counted
        .into_iter()
        .flat_map(|counted| &counted.verified.accepted);
    accepted
        .filter_map(|it| {
            Some(ReportSignOff {
                person: it.person.clone(),
                said: match it.stance {
                    Stance::Approve => "approve",
                    Stance::Veto => "veto",
                    Stance::BreakGlass => "break-glass",
                    Stance::Revoke => return None,
                },
                at: it.at.to_string(),
                kept: it
                    .kept
                    .as_ref()
                    .filter(|kept| **kept != Kept::Identical)
                    .map(ToString::to_string),
                message: it
                    .message
                    .clone()
                    .or_else(|| it.terms.as_ref().map(|terms| terms.reason.clone())),
                answers: it.answers.clone(),
                meets_nothing: explanation
                    .meet_nothing
                    .iter()
                    .find(|idle| it.stance == Stance::Approve && idle.person == it.person)
                    .map(|idle| idle.because.clone()),
                statement: it.statement.to_string(),
            })
        })
        .collect()
}

/// The commands that lead on from here, for a merge: the self-review comes
/// before the sign-off.
fn next_of_merge(rules: &Rules, range: &Range, explanation: &Explanation) -> Vec<String> {
    let sign = format!("countersign sign {}", range.text);
    let declare = format!("countersign declare {} --reviewed", range.text);
    if rules.adopted && explanation.self_review.is_some() {
        return vec![declare];
    }
    next(rules, Some(sign), explanation)
}

/// The commands that lead on from here.
///
/// `sign` is the command that signs this change, where there is one.
fn next(rules: &Rules, sign: Option<String>, explanation: &Explanation) -> Vec<String> {
    let mut next = Vec::new();
    if !rules.adopted {
        next.push("countersign init".to_owned());
    }
    let blocked = explanation
        .rules
        .iter()
        .flat_map(|rule| &rule.requirements)
        .any(|requirement| requirement.blocked.is_some());
    if rules.adopted && !explanation.way_forward.is_empty() {
        next.extend(sign);
    }
    if rules.adopted && blocked {
        next.push("countersign policy check".to_owned());
    }
    next
}

/// The versioned JSON form.
pub(crate) fn json(report: &impl Serialize) -> CliResult<String> {
    serde_json::to_string_pretty(report)
        .map(|text| text + "\n")
        .map_err(|error| CliError::new(exit::INTERNAL, format!("writing JSON failed: {error}")))
}

/// A time for people: whole seconds. What cannot be read stays as it is.
pub(crate) fn seconds(time: &str) -> String {
    let parsed = time.parse::<jiff::Timestamp>().ok();
    let whole = parsed.and_then(|at| jiff::Timestamp::from_second(at.as_second()).ok());
    whole.map_or_else(|| time.to_owned(), |at| at.to_string())
}

/// Text from a repository, harmless on a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// `serde 1.0.1 → 1.0.2, left-pad gone and 3 more (Cargo.lock)`.
fn packages(lock: &Lock) -> String {
    let versions = |list: &[String]| list.join(", ");
    let all: Vec<String> = lock
        .packages
        .iter()
        .map(|it| match (it.before.as_slice(), it.after.as_slice()) {
            ([], after) => format!("{} {} new", it.name, versions(after)),
            (before, []) => format!("{} {} gone", it.name, versions(before)),
            (before, after) if before == after => {
                format!("{} {} from another source", it.name, versions(after))
            }
            (before, after) => format!("{} {} → {}", it.name, versions(before), versions(after)),
        })
        .collect();
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let list = match names.as_slice() {
        [] => "no package changed".to_owned(),
        names => reach::list(names),
    };
    let unclear = if lock.everything {
        ", and nothing tells who uses them"
    } else {
        ""
    };
    format!("{list} ({}){unclear}", lock.path)
}

/// "1 file", "2 files".
pub(crate) fn count(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}
