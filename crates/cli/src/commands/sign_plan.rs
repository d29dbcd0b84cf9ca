//! `countersign sign --plan FILE`: say yes or no to exactly this plan.

use std::io::Write;

use countersign_core::decide::IgnoredBecause;
use countersign_core::moment::parse_duration;
use countersign_core::signoff::Digest;
use countersign_core::signoff::statement::{Binding, Claims, Shown, SignOff, Signed, Statement};
use countersign_git::Repo;
use jiff::{SignedDuration, Timestamp};

use super::break_glass::record;
use super::plan::{Judged, Question};
use super::sign::{Act, Said, SignArgs, asked, conclude};
use crate::error::{CliError, CliResult, exit};
use crate::report::plan::{self as report, PlanReport};
use crate::signer::Signer;
use crate::signoffs_plan::PlanSubject;

pub(super) fn run(args: &SignArgs) -> CliResult {
    let repo = args.repo.open()?;
    let judged = judge(&repo, args)?;
    let subject = bound(&judged)?;
    let signer = Signer::find(&repo, &judged.rules, args.key.as_deref())?;
    if judged.collected.facts.authors.contains(signer.index) {
        let because = IgnoredBecause::Author.text();
        let message = format!("{} {because}", signer.person.id);
        return Err(CliError::new(exit::DATA, message));
    }
    let act = Act::of(args, judged.counted.as_ref())?;
    let expires = expires(args, &judged)?;
    let mut out = anstream::stdout().lock();
    let mut screen = PlanReport::new(&judged);
    // Whoever reads this is signing already.
    screen.next.clear();
    out.write_all(report::human(&screen).as_bytes())?;
    let facts = &judged.collected.facts;
    let Some(said) = asked(&mut out, args, &act, &signer, &judged.rules, facts)? else {
        return Ok(exit::HOLD);
    };
    let statement = statement(&judged, subject, &signer, said, expires);
    let id = signer.seal_as(&repo, subject.ground.roster, Timestamp::now(), statement)?;
    record(&repo, &judged.rules)?;
    let after = judge(&repo, args)?;
    conclude(&mut out, &act, &signer, &id, &after.rules, &after.decision)
}

fn judge(repo: &Repo, args: &SignArgs) -> CliResult<Judged> {
    Judged::of(
        repo,
        &Question {
            files: &args.plan,
            maker: &args.maker,
            policy_from: None,
            now: Timestamp::now(),
        },
    )
}

/// What a statement about the plan binds to.
pub(super) fn bound(judged: &Judged) -> CliResult<&PlanSubject> {
    judged.subject.as_ref().ok_or_else(|| {
        let message = "there is no commit yet, so there is nothing to bind to";
        CliError::new(exit::DATA, message).hint("commit the roster and the policy first")
    })
}

/// How long an approval counts.
fn expires(args: &SignArgs, judged: &Judged) -> CliResult<Option<SignedDuration>> {
    match &args.expires {
        Some(text) => parse_duration(text)
            .map(Some)
            .map_err(|message| CliError::new(exit::USAGE, message)),
        None => Ok(judged.rules.policy.settings.signoff_expires),
    }
}

/// What the signer is shown about AI: the agent that was named is all there is.
pub(super) fn shown(judged: &Judged) -> Shown {
    let agents = judged.maker.agent.iter();
    Shown {
        verdict: judged.collected.facts.involvement,
        evidence: agents.map(|agent| Digest::of(agent.as_bytes())).collect(),
    }
}

/// Who is named as its maker, by id.
pub(super) fn author_ids(judged: &Judged) -> Vec<String> {
    let author = judged.collected.author.as_ref();
    author
        .and_then(|it| it.person.clone())
        .into_iter()
        .collect()
}

/// The statement but for who signs it and when.
fn statement(
    judged: &Judged,
    subject: &PlanSubject,
    signer: &Signer<'_>,
    said: Said<'_>,
    lasts: Option<SignedDuration>,
) -> impl FnOnce(Signed) -> Statement {
    let Said {
        args,
        act,
        answers,
        shown_at,
    } = said;
    let (rules, facts) = (&judged.rules, &judged.collected.facts);
    let explanation = judged.decision.explain(&rules.policy, &rules.roster);
    let serves = explanation
        .way_forward
        .into_iter()
        .filter(|act| act.candidates.contains(&signer.person.id))
        .flat_map(|act| act.rules)
        .collect();
    let claims = Claims {
        outranks_author: signer.person.level > facts.author_level,
        rules: serves,
    };
    let (shown, authors) = (shown(judged), author_ids(judged));
    let lasts = lasts.filter(|_| matches!(act, Act::Approve));
    let revokes = match act {
        Act::Revoke(statement) => Some(*statement),
        Act::Approve | Act::Veto => None,
    };
    let (about, policy) = (subject.about.clone(), subject.ground.policy);
    let (decision, message) = (act.stance(), args.message.clone());
    move |signed: Signed| {
        Statement::SignOff(Box::new(SignOff {
            decision,
            about,
            // Bytes are what they are: there is nothing to replay.
            binding: Binding::Exact,
            authors,
            claims,
            involvement: shown,
            policy,
            expires_at: lasts.and_then(|lasts| signed.issued_at.checked_add(lasts).ok()),
            message,
            answers,
            shown_at,
            revokes,
            break_glass: None,
            signed,
        }))
    }
}
