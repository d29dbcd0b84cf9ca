//! `countersign break-glass`: go ahead in an emergency although rules are not met.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_core::decide::{Decision, ExplainedRule, IgnoredBecause, Verdict};
use countersign_core::moment::{DURATION_HINT, duration_text, parse_duration};
use countersign_core::signoff::statement::{
    Binding, BreakGlass, Claims, SignOff, Signed, Stance, Statement,
};
use countersign_git::{Range, Repo};
use jiff::{SignedDuration, Timestamp};

use super::RepoArgs;
use super::check::judge;
use super::sign::{about, confirmed, show_files};
use crate::collect::{self, Merge};
use crate::error::{CliError, CliResult, exit};
use crate::report::{self, CheckReport};
use crate::rules::Rules;
use crate::signer::Signer;
use crate::style::{BOLD, DIM, paint};

/// Let exactly this change through although rules are not met, in an emergency.
///
/// Counts once: for exactly these commits on exactly the tip they go onto now,
/// for the rules named and no others, and for a few hours. It is no approval,
/// and a veto still stands. On the most important services it takes two
/// different persons. Someone else has to ratify it afterwards, by a due time.
#[derive(Debug, Args)]
pub(crate) struct BreakGlassArgs {
    /// `BASE..HEAD`, or one revision; else as `check`.
    range: Option<String>,
    /// Why it cannot wait.
    #[arg(long, value_name = "TEXT")]
    reason: String,
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
    key: Option<PathBuf>,
    /// Do not ask; for when you have read the screen before.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

pub(super) fn run(args: &BreakGlassArgs) -> CliResult {
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
    may_break(&rules, &merge, &signer)?;
    let before = judge(&rules, &merge, now);
    let broken = chosen(args, &rules, &before)?;
    let terms = &rules.policy.settings.break_glass;
    let expires = lasting("--expires", args.expires.as_deref(), terms.expires)?;
    let review = lasting(
        "--review-due",
        args.review_due.as_deref(),
        terms.review_within,
    )?;
    let mut out = anstream::stdout().lock();
    let mut report = CheckReport::new(&range, &rules, &merge, &before);
    // Whoever reads this does what they came for.
    report.next.clear();
    out.write_all(report::human(&report).as_bytes())?;
    show_files(&mut out, &merge.files)?;
    let lasts = duration_text(expires);
    writeln!(
        out,
        "\n  this breaks {} for {lasts}, once, for exactly these commits on exactly this tip",
        paint(BOLD, broken.join(", "))
    )?;
    let shown_at = (!args.yes).then(Timestamp::now);
    if !confirmed(&mut out, args.yes, &signer.person.id, "Break the glass")? {
        writeln!(out, "nothing signed")?;
        return Ok(exit::HOLD);
    }
    let about = about(&subject, &range);
    let (authors, involvement) = (merge.author_ids(), merge.shown());
    let policy = subject.policy;
    let outranks_author = signer.person.level > merge.collected.facts.author_level;
    let make = |signed: Signed| {
        let at = |lasts| signed.issued_at.checked_add(lasts).ok();
        Statement::SignOff(Box::new(SignOff {
            decision: Stance::BreakGlass,
            about,
            binding: Binding::Exact,
            authors,
            claims: Claims {
                outranks_author,
                rules: broken.clone(),
            },
            involvement,
            policy,
            expires_at: at(expires),
            message: None,
            // Questions are put to those who approve; this is no approval.
            answers: Vec::new(),
            shown_at,
            revokes: None,
            break_glass: Some(BreakGlass {
                rules: broken.clone(),
                reason: args.reason.clone(),
                review_due: at(review).unwrap_or(Timestamp::MAX),
            }),
            signed,
        }))
    };
    let id = signer.seal(&repo, &subject, now, make)?;
    writeln!(
        out,
        "\nglass broken as {}  {}",
        paint(BOLD, &signer.person.id),
        paint(DIM, id.short())
    )?;
    conclude(&mut out, &repo, &range, &rules)
}

/// Says where the change stands now, and what comes next.
fn conclude(out: &mut impl Write, repo: &Repo, range: &Range, rules: &Rules) -> CliResult {
    let now = Timestamp::now();
    let after = collect::merge(repo, range, rules, now)?;
    let decision = judge(rules, &after, now);
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
    if explained.self_review.is_some() {
        let declare = format!("countersign declare {} --reviewed", range.text);
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

fn may_break(rules: &Rules, merge: &Merge, signer: &Signer<'_>) -> CliResult<()> {
    let level = rules.policy.settings.break_glass.level;
    let because = if merge.collected.facts.authors.contains(signer.index) {
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
