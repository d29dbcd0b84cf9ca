//! `countersign factor`: claimed causes, and what became of them.

use std::io::Write;

use clap::{Args, Subcommand};
use countersign_operations::factor::{Claim, ClaimState, FactorClaim, Taxonomy, claims, may_state};
use countersign_operations::incident::Incident;
use countersign_operations::noted::Noted;
use countersign_store::{Access, Store};

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, RecordArgs, Table, ZoneArgs, cut, short};
use crate::report::json;
use crate::style::{BOLD, DIM, paint};

/// Claim what contributed to an incident; confirm, dispute or withdraw it.
///
/// Nothing is erased: a withdrawn claim stays visible, with who withdrew it and
/// why.
#[derive(Debug, Subcommand)]
pub(crate) enum FactorCommand {
    /// Claim that a factor contributed.
    Claim(StateArgs),
    /// Agree with someone else's claim.
    Confirm(StateArgs),
    /// Disagree with someone else's claim, with `--why`.
    Dispute(StateArgs),
    /// Take your own claim back, with `--why`.
    Withdraw(StateArgs),
    List(ListArgs),
    /// The factors that are known; any other word is a free tag.
    Known {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// One statement about a claim.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// The incident.
    incident: String,
    /// The factor, such as `missing-validation`; `factor known` lists them.
    factor: String,
    /// Whose claim it is about, where several people claim it.
    #[arg(long, value_name = "PERSON")]
    of: Option<String>,
    /// Where the evidence is, or what it says.
    #[arg(long, value_name = "TEXT")]
    evidence: Vec<String>,
    #[command(flatten)]
    record: RecordArgs,
}

/// List claims, withdrawn ones included.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this incident.
    incident: Option<String>,
    /// As they stood at this time.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Also every statement.
    #[arg(long)]
    history: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    zone: ZoneArgs,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) fn run(command: &FactorCommand) -> CliResult {
    match command {
        FactorCommand::Claim(args) => state(args, ClaimState::Claimed, &args.record.noted()?),
        FactorCommand::Confirm(args) => state(args, ClaimState::Confirmed, &args.record.noted()?),
        FactorCommand::Dispute(args) => state(
            args,
            ClaimState::Disputed,
            &args.record.noted_because("a dispute")?,
        ),
        FactorCommand::Withdraw(args) => state(
            args,
            ClaimState::Withdrawn,
            &args.record.noted_because("a withdrawal")?,
        ),
        FactorCommand::List(args) => list(args),
        FactorCommand::Known { json } => known(*json),
    }
}

fn state(args: &StateArgs, what: ClaimState, noted: &Noted) -> CliResult {
    with(&args.record.db.address()?, Access::Write, async |store| {
        register::needed::<Incident>(store, &args.incident).await?;
        let statements = register::statements::<FactorClaim>(store, Some(&args.incident)).await?;
        let mut standing = claims(statements, None);
        standing.retain(|claim| claim.factor == args.factor);
        let claimant = claimant(args, what, noted, &standing)?;
        let next = FactorClaim {
            noted: noted.clone(),
            incident: args.incident.clone(),
            factor: args.factor.clone(),
            claimant: claimant.clone(),
            state: what,
            evidence: args.evidence.clone(),
        };
        let current = standing.iter().find(|claim| claim.claimant == claimant);
        may_state(current, &next)
            .map_err(|refused| CliError::new(exit::DATA, refused.to_string()))?;
        let seq = seq(store, &next).await?;
        register::keep(store, next.into(), seq).await?;
        let mut out = anstream::stdout().lock();
        let text = format!("{what}: {} in {}", args.factor, args.incident);
        writeln!(
            out,
            "{}  {}",
            paint(BOLD, text),
            paint(DIM, format!("by {}", noted.by))
        )?;
        if what == ClaimState::Claimed && Taxonomy::built_in().get(&args.factor).is_none() {
            let closest = Taxonomy::built_in().closest(&args.factor);
            let meant = closest.map_or(String::new(), |it| format!("; did you mean `{it}`?"));
            writeln!(out, "  `{}` is a free tag{meant}", args.factor)?;
        }
        Ok(exit::ALLOW)
    })
}

async fn seq(store: &Store, next: &FactorClaim) -> CliResult<Option<u64>> {
    use countersign_operations::record::Recorded as _;
    let latest = register::latest::<FactorClaim>(store, &next.key()).await?;
    Ok(latest.map(|(_, seq)| seq))
}

/// Whose claim a statement is about: one's own, or the only one there is.
fn claimant(
    args: &StateArgs,
    what: ClaimState,
    noted: &Noted,
    standing: &[Claim],
) -> CliResult<String> {
    if let Some(of) = &args.of {
        return Ok(of.clone());
    }
    let own = matches!(what, ClaimState::Claimed | ClaimState::Withdrawn);
    if own && (what == ClaimState::Claimed || standing.iter().any(|it| it.claimant == noted.by)) {
        return Ok(noted.by.clone());
    }
    let (incident, factor) = (&args.incident, &args.factor);
    match standing {
        [] => Err(CliError::new(
            exit::NOT_FOUND,
            format!("nobody claims `{factor}` for {incident}"),
        )
        .hint(format!("countersign factor list {incident}"))),
        [only] => Ok(only.claimant.clone()),
        several => {
            let who: Vec<&str> = several.iter().map(|it| it.claimant.as_str()).collect();
            let message = format!("several people claim `{factor}` for {incident}");
            Err(CliError::new(exit::USAGE, message)
                .hint(format!("say whose with `--of`: {}", who.join(", "))))
        }
    }
}

fn list(args: &ListArgs) -> CliResult {
    let as_of = args.zone.maybe(args.as_of.as_ref())?;
    with(&args.db.address()?, Access::Read, async |store| {
        if let Some(incident) = &args.incident {
            register::needed::<Incident>(store, incident).await?;
        }
        let statements =
            register::statements::<FactorClaim>(store, args.incident.as_deref()).await?;
        let found = claims(statements, as_of);
        let mut out = anstream::stdout().lock();
        if args.json {
            out.write_all(json(&found)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        let mut table = Table::new(&[
            "incident",
            "factor",
            "state",
            "claimed by",
            "agree",
            "disagree",
            "evidence",
        ]);
        for it in &found {
            let join = |set: &std::collections::BTreeSet<String>| {
                set.iter().cloned().collect::<Vec<_>>().join(" ")
            };
            table.row(vec![
                it.incident.clone(),
                it.factor.clone(),
                it.state.to_string(),
                it.claimant.clone(),
                join(&it.confirmed_by),
                join(&it.disputed_by),
                it.evidence.join("; "),
            ]);
        }
        table.print(&mut out)?;
        if found.is_empty() {
            writeln!(out, "no claims")?;
        }
        if args.history {
            for statement in found.iter().flat_map(|it| &it.statements) {
                let noted = &statement.noted;
                let why = noted
                    .why
                    .as_ref()
                    .map_or(String::new(), |why| format!(": {}", cut(why, 200)));
                let (what, factor) = (statement.state, &statement.factor);
                writeln!(
                    out,
                    "  {}  {what} {factor} by {}{why}",
                    short(noted.at),
                    noted.by
                )?;
            }
        }
        Ok(exit::ALLOW)
    })
}

fn known(as_json: bool) -> CliResult {
    let factors = Taxonomy::built_in().factors();
    let mut out = anstream::stdout().lock();
    if as_json {
        out.write_all(json(&factors)?.as_bytes())?;
        return Ok(exit::ALLOW);
    }
    let mut table = Table::new(&["group", "factor", "named as", "definition"]);
    for it in factors {
        table.row(vec![
            it.group.to_string(),
            it.id.clone(),
            it.named_as.to_string(),
            it.definition.clone(),
        ]);
    }
    table.print(&mut out)?;
    Ok(exit::ALLOW)
}
