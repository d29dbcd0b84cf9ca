//! `countersign usage graduate`.

use std::io::Write;

use clap::Args;
use countersign_core::usage::{Maturity, Usage};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::usage::{Pattern, Proof, UsageEntry, graduate};
use countersign_store::Access;
use serde::Serialize;

use super::registry::{Entry, Registry};
use super::show::say;
use super::{pattern, unseen};
use crate::database::with;
use crate::error::{CliError, CliResult, exit};
use crate::recorder;
use crate::report::json;
use crate::rules::USAGE;
use crate::style::{BOLD, DIM, paint};
use crate::usages::{Gathered, UsesArgs, gather};

/// Establish a usage that has shown enough, or say what is missing; exits with 1
/// then.
///
/// Asked for are changes, an exact upper bound of incidents per change, time,
/// and every safeguard in place. Incidents of which nobody knows where they came
/// from are counted against it. The entry is written to `.countersign/usage.toml`
/// in the work tree, and the evidence into the database.
#[derive(Debug, Args)]
pub(crate) struct GraduateArgs {
    /// TOOL/MODEL-FAMILY/MODE/ACTIVITY/ENVIRONMENT.
    #[arg(value_parser = pattern)]
    pattern: Pattern,
    /// Only say whether it has; write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    uses: UsesArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema: &'static str,
    holds: bool,
    #[serde(flatten)]
    proof: &'a Proof,
}

pub(super) fn run(args: &GraduateArgs) -> CliResult {
    let gathered = gather(&args.uses)?;
    if gathered.uses.get(&args.pattern).is_none() {
        let seen = gathered.uses.patterns().map(|(pattern, _)| pattern);
        return Err(unseen(&args.pattern, seen));
    }
    let proof = graduate(
        &args.pattern,
        &gathered.uses,
        gathered.usages(),
        gathered.now,
    );
    let mut out = anstream::stdout().lock();
    if args.json {
        let shown = Shown {
            schema: "countersign.usage-graduate/1",
            holds: proof.holds(),
            proof: &proof,
        };
        out.write_all(json(&shown)?.as_bytes())?;
    } else {
        let word = if proof.holds() { "READY" } else { "NOT YET" };
        writeln!(out, "{}  {}\n", paint(BOLD, word), proof.pattern)?;
        say(&mut out, &proof)?;
    }
    if !proof.holds() {
        return Ok(exit::HOLD);
    }
    if args.dry_run {
        return Ok(exit::ALLOW);
    }
    let shown = establish(args, &gathered, &proof)?;
    if !args.json {
        writeln!(
            out,
            "\n{}\n\n{shown}\n",
            paint(BOLD, format!("wrote {USAGE}"))
        )?;
        let next =
            format!("it counts once it is on the protected branch: git add {USAGE} && git commit");
        writeln!(out, "{}", paint(DIM, next))?;
    }
    Ok(exit::ALLOW)
}

fn establish(args: &GraduateArgs, gathered: &Gathered, proof: &Proof) -> CliResult<String> {
    let usages = gathered.usages();
    let standing = usages.standing(&args.pattern.as_use(), gathered.now, |_| None);
    let covering = standing
        .entry
        .ok_or_else(|| CliError::new(exit::INTERNAL, "a proof without an entry"))?;
    let mut registry = Registry::open(&gathered.repo)?;
    let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
    let entry = Entry {
        maturity: Some(Maturity::Established.as_str()),
        owner: covering.owner.clone(),
        safeguards: covering.safeguards.clone(),
        in_place: covering.in_place.clone(),
        weekly_percent: covering.cap.percent,
        weekly_changes: covering.cap.changes,
        reviewed: Some(day(gathered.now)),
        expires: covering.expires.map(day),
    };
    let (_, shown) = registry.put(&args.pattern, None, &entry)?;
    registry.usages()?;
    registry.write()?;
    if let Some(address) = args.uses.db.named()? {
        let noted = recorder::noted(&gathered.repo, &gathered.rules)?;
        let record = record(args, gathered, covering, proof, noted);
        with(&address, Access::Write, async |store| {
            let by = record.noted().by.clone();
            recorder::append(store, &by, vec![record]).await
        })?;
    }
    Ok(shown)
}

fn record(
    args: &GraduateArgs,
    gathered: &Gathered,
    covering: &Usage,
    proof: &Proof,
    noted: Noted,
) -> Record {
    let required = gathered.usages().required(covering, Maturity::Established);
    UsageEntry {
        noted,
        pattern: args.pattern.clone(),
        from: gathered.now,
        maturity: Maturity::Established,
        owner: covering.owner.clone(),
        safeguards: required.into_iter().map(str::to_owned).collect(),
        weekly_cap: covering.cap.changes,
        weekly_percent: covering.cap.percent,
        expires: covering.expires,
        evidence: Some(proof.evidence()),
    }
    .into()
}
