//! `countersign break-glass`: go ahead in an emergency although rules are not met.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_core::decide::{Decision, ExplainedRule, IgnoredBecause, Verdict};
use countersign_core::facts::Facts;
use countersign_core::moment::{DURATION_HINT, duration_text, parse_duration};
use countersign_core::signoff::Digest;
use countersign_core::signoff::statement::{
    About, Binding, BreakGlass, Claims, Shown, SignOff, Signed, Stance, Statement,
};
use countersign_git::{Oid, Repo};
use jiff::{SignedDuration, Timestamp};

use super::RepoArgs;
use super::check::judge;
use super::plan::MakerArgs;
use super::sign::{about, confirmed, show_files};
use crate::collect;
use crate::error::{CliError, CliResult, exit};
use crate::recorder::{self, Recording};
use crate::report::{self, CheckReport};
use crate::rules::Rules;
use crate::signer::Signer;
use crate::style::{BOLD, DIM, paint};

/// Let exactly this change through although rules are not met, in an emergency.
///
/// Counts once: for exactly these commits on exactly the tip they go onto now,
/// or with `--plan` for exactly these bytes in this environment; for the rules
/// named and no others, and for a few hours. It is no approval, and a veto still
/// stands. On the most important services it takes two
/// different persons. Someone else has to ratify it afterwards, by a due time.
#[derive(Debug, Args)]
pub(crate) struct BreakGlassArgs {
    /// `BASE..HEAD`, or one revision; else as `check`.
    #[arg(conflicts_with = "plan")]
    range: Option<String>,
    /// Let exactly this plan through instead; several files as for `plan`.
    #[arg(long, value_name = "FILE")]
    pub(super) plan: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) maker: MakerArgs,
    /// Why it cannot wait.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// The rules to break, separated by commas; else all that are not met.
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    rules: Vec<String>,
    /// How long it counts, such as `1h`; at most, and else, what the policy says.
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// When the after-review is due, from now; at most, and else, what the policy
    /// says.
    #[arg(long, value_name = "TIME")]
    review_due: Option<String>,
    /// Your private key, or the public key of one in an agent.
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Do not ask; for when you have read the screen before.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    pub(super) repo: RepoArgs,
}

pub(super) fn run(args: &BreakGlassArgs) -> CliResult {
    if !args.plan.is_empty() {
        return super::break_glass_plan::run(args);
    }
    args.maker.refuse_without_plan()?;
    let repo = args.repo.open()?;
    let range = match &args.range {
        Some(text) => repo.parse_range(text)?,
        None => repo.default_range()?,
    };
    let rules = Rules::at(&repo, range.onto.as_ref())?;
    let now = Timestamp::now();
    let mut merge = collect::merge(&repo, &range, &rules, now)?;
    let subject = merge.subject(&repo, &range, &rules)?;
    let signer = Signer::find(&repo, &rules, args.key.as_deref())?;
    may_break(&rules, &merge.collected.facts, &signer)?;
    let before = judge(&rules, &merge, now);
    let breaking = Breaking::of(args, &rules, &before)?;
    let mut out = anstream::stdout().lock();
    let mut report = CheckReport::new(&range, &rules, &merge, &before);
    // Whoever reads this does what they came for.
    report.next.clear();
    out.write_all(report::human(&report).as_bytes())?;
    show_files(&mut out, &merge.files)?;
    let once = "for exactly these commits on exactly this tip";
    let Some(shown_at) = breaking.confirmed(&mut out, args, &signer, once)? else {
        return Ok(exit::HOLD);
    };
    let glass = Glass {
        about: about(&subject, &range),
        authors: merge.author_ids(),
        involvement: merge.shown(),
        policy: subject.policy,
        outranks_author: signer.person.level > merge.collected.facts.author_level,
        shown_at,
    };
    let statement = glass.statement(breaking, &args.reason);
    let id = signer.seal(&repo, &subject, Timestamp::now(), statement)?;
    record(&repo, &rules)?;
    let now = Timestamp::now();
    let after = collect::merge(&repo, &range, &rules, now)?;
    let decision = judge(&rules, &after, now);
    let declare = format!("countersign declare {} --reviewed", range.text);
    conclude(&mut out, &signer, &id, &rules, &decision, Some(&declare))
}

/// What of the policy is broken, and for how long.
pub(super) struct Breaking {
    rules: Vec<String>,
    expires: SignedDuration,
    review: SignedDuration,
}

impl Breaking {
    /// What the options ask for, as far as the policy lets anyone.
    pub(super) fn of(args: &BreakGlassArgs, rules: &Rules, before: &Decision) -> CliResult<Self> {
        let terms = &rules.policy.settings.break_glass;
        Ok(Self {
            rules: chosen(args, rules, before)?,
            expires: lasting("--expires", args.expires.as_deref(), terms.expires)?,
            review: lasting(
                "--review-due",
                args.review_due.as_deref(),
                terms.review_within,
            )?,
        })
    }

    /// Says what is broken and asks. When it was shown, or nothing where the
    /// signer was not asked; `None` for a no.
    pub(super) fn confirmed(
        &self,
        out: &mut impl Write,
        args: &BreakGlassArgs,
        signer: &Signer<'_>,
        once: &str,
    ) -> CliResult<Option<Option<Timestamp>>> {
        writeln!(
            out,
            "\n  this breaks {} for {}, once, {once}",
            paint(BOLD, self.rules.join(", ")),
            duration_text(self.expires)
        )?;
        let shown_at = (!args.yes).then(Timestamp::now);
        if confirmed(out, args.yes, &signer.person.id, "Break the glass")? {
            return Ok(Some(shown_at));
        }
        writeln!(out, "nothing signed")?;
        Ok(None)
    }
}

/// A break-glass but for its terms, who signs it and when.
pub(super) struct Glass {
    pub(super) about: About,
    pub(super) authors: Vec<String>,
    pub(super) involvement: Shown,
    pub(super) policy: Digest,
    pub(super) outranks_author: bool,
    pub(super) shown_at: Option<Timestamp>,
}

impl Glass {
    pub(super) fn statement(
        self,
        breaking: Breaking,
        reason: &str,
    ) -> impl FnOnce(Signed) -> Statement {
        move |signed: Signed| {
            let at = |lasts| signed.issued_at.checked_add(lasts).ok();
            Statement::SignOff(Box::new(SignOff {
                decision: Stance::BreakGlass,
                about: self.about,
                binding: Binding::Exact,
                authors: self.authors,
                claims: Claims {
                    outranks_author: self.outranks_author,
                    rules: breaking.rules.clone(),
                },
                involvement: self.involvement,
                policy: self.policy,
                expires_at: at(breaking.expires),
                message: None,
                // Questions are put to those who approve; this is no approval.
                answers: Vec::new(),
                shown_at: self.shown_at,
                revokes: None,
                break_glass: Some(BreakGlass {
                    rules: breaking.rules,
                    reason: reason.to_owned(),
                    review_due: at(breaking.review).unwrap_or(Timestamp::MAX),
                }),
                signed,
            }))
        }
    }
}

/// Keeps it in the ledger, where one is configured.
pub(super) fn record(repo: &Repo, rules: &Rules) -> CliResult<()> {
    Recording::IfConfigured.record(repo, rules, |noted| {
        Ok(recorder::of_signoffs(repo, &rules.roster, noted)?.records)
    })
}

/// Says what was signed, where the change stands now, and what comes next.
/// `declare` is the command for a self-review, where one can be asked.
pub(super) fn conclude(
    out: &mut impl Write,
    signer: &Signer<'_>,
    id: &Oid,
    rules: &Rules,
    decision: &Decision,
    declare: Option<&str>,
) -> CliResult {
    writeln!(
        out,
        "\nglass broken as {}  {}",
        paint(BOLD, &signer.person.id),
        paint(DIM, id.short())
    )?;
    let explained = decision.explain(&rules.policy, &rules.roster);
    let verdict = decision.verdict.as_str();
    writeln!(out, "  now: {verdict} ({})", explained.summary)?;
    for broken in explained
        .rules
        .iter()
        .filter_map(|rule| rule.broken.as_ref())
    {
        if !broken.holds {
            let more = broken.needed.saturating_sub(broken.by.len());
            writeln!(out, "  {more} more, by someone else, must break it too")?;
            break;
        }
    }
    if let Some(declare) = declare.filter(|_| explained.self_review.is_some()) {
        let why = "for its author, first";
        writeln!(out, "  {}   {}", paint(BOLD, declare), paint(DIM, why))?;
    }
    for (command, why) in [
        ("countersign signoffs push", "share it"),
        ("countersign audit", "what has to be ratified, and by when"),
    ] {
        writeln!(out, "  {}   {}", paint(BOLD, command), paint(DIM, why))?;
    }
    Ok(match decision.verdict {
        Verdict::Allow => exit::ALLOW,
        Verdict::Hold => exit::HOLD,
        Verdict::Refuse => exit::REFUSE,
    })
}

/// Whether the signer may break the glass for a change with these facts.
pub(super) fn may_break(rules: &Rules, facts: &Facts, signer: &Signer<'_>) -> CliResult<()> {
    let level = rules.policy.settings.break_glass.level;
    let because = if facts.authors.contains(signer.index) {
        IgnoredBecause::Author
    } else if signer.person.level < level {
        IgnoredBecause::LevelTooLowToBreakGlass
    } else {
        return Ok(());
    };
    let message = format!("{} {}", signer.person.id, because.text());
    let hint = format!(
        "someone else, at least {}, can",
        rules.roster.levels().name(level)
    );
    Err(CliError::new(exit::DATA, message).hint(hint))
}

/// The rules to break: those named, else all that are not met. Each must be one
/// that is not met and may be broken.
fn chosen(args: &BreakGlassArgs, rules: &Rules, before: &Decision) -> CliResult<Vec<String>> {
    let explained = before.explain(&rules.policy, &rules.roster);
    let refuse = |message: String| Err(CliError::new(exit::DATA, message));
    if !explained.vetoed_by.is_empty() {
        let by = explained.vetoed_by.join(", ");
        return refuse(format!(
            "{by} vetoed this change, and a break-glass lifts no veto"
        ));
    }
    let in_way = |rule: &ExplainedRule| {
        explained
            .way_forward
            .iter()
            .any(|act| act.rules.contains(&rule.id))
    };
    let open: Vec<String> = explained
        .rules
        .iter()
        .filter(|rule| (!rule.met || in_way(rule)) && !rule.is_lifted())
        .map(|rule| rule.id.clone())
        .collect();
    if open.is_empty() && explained.self_review.is_some() {
        let message = "only the self-review is missing, and a break-glass lifts rules alone";
        return Err(CliError::new(exit::DATA, message)
            .hint("whoever made it gives it with `countersign declare --reviewed`"));
    }
    if open.is_empty() {
        return refuse(format!("nothing stops this change: {}", explained.summary));
    }
    let wanted = if args.rules.is_empty() {
        &open
    } else {
        &args.rules
    };
    for id in wanted {
        if !open.contains(id) {
            return Err(
                CliError::new(exit::DATA, format!("`{id}` does not stop this change"))
                    .hint(format!("what does: {}", open.join(", "))),
            );
        }
        if rules.policy.rule(id).is_some_and(|rule| !rule.break_glass) {
            return Err(
                CliError::new(exit::DATA, format!("the policy lets nobody break `{id}`"))
                    .hint("name others with `--rules`; this one needs what it asks for"),
            );
        }
    }
    Ok(wanted.clone())
}

/// A time that may be shorter than the policy's, never longer.
fn lasting(
    option: &str,
    given: Option<&str>,
    longest: SignedDuration,
) -> CliResult<SignedDuration> {
    let Some(text) = given else {
        return Ok(longest);
    };
    let lasts = parse_duration(text)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(DURATION_HINT))?;
    if lasts > longest {
        let message = format!("`{option} {text}` is longer than the policy allows");
        return Err(
            CliError::new(exit::USAGE, message).hint(format!("at most {}", duration_text(longest)))
        );
    }
    Ok(lasts)
}
