//! `countersign break-glass --plan FILE`: let exactly this plan through in an
//! emergency although rules are not met.

use std::io::Write;

use jiff::Timestamp;

use super::break_glass::{BreakGlassArgs, Breaking, Glass, conclude, may_break, record};
use super::plan::{Judged, Question};
use super::sign_plan::{author_ids, bound, shown};
use crate::error::{CliError, CliResult, exit};
use crate::gate_record::ReportSpent;
use crate::report::plan::{self as report, PlanReport};
use crate::signer::Signer;

pub(super) fn run(args: &BreakGlassArgs) -> CliResult {
    let repo = args.repo.open()?;
    let judge = |now| {
        Judged::of(
            &repo,
            &Question {
                files: &args.plan,
                maker: &args.maker,
                policy_from: None,
                now,
            },
        )
    };
    let judged = judge(Timestamp::now())?;
    let (rules, facts) = (&judged.rules, &judged.collected.facts);
    let subject = bound(&judged)?;
    let signer = Signer::find(&repo, rules, args.key.as_deref())?;
    may_break(rules, facts, &signer)?;
    if let Some(before) = &judged.spent {
        let when = ReportSpent::of(before).text();
        let message = format!("this plan was let through before, {when}");
        return Err(CliError::new(exit::DATA, message)
            .hint("make the plan again: what is there now is not what it was made for"));
    }
    let breaking = Breaking::of(args, rules, &judged.decision)?;
    let mut out = anstream::stdout().lock();
    let mut screen = PlanReport::new(&judged);
    // Whoever reads this does what they came for.
    screen.next.clear();
    out.write_all(report::human(&screen).as_bytes())?;
    let once = format!("for exactly these bytes in {}", facts.environment.as_str());
    let Some(shown_at) = breaking.confirmed(&mut out, args, &signer, &once)? else {
        return Ok(exit::HOLD);
    };
    let glass = Glass {
        about: subject.about.clone(),
        authors: author_ids(&judged),
        involvement: shown(&judged),
        policy: subject.ground.policy,
        outranks_author: signer.person.level > facts.author_level,
        shown_at,
    };
    let statement = glass.statement(breaking, &args.reason);
    let id = signer.seal_as(&repo, subject.ground.roster, Timestamp::now(), statement)?;
    record(&repo, rules)?;
    let after = judge(Timestamp::now())?;
    conclude(&mut out, &signer, &id, &after.rules, &after.decision, None)
}
