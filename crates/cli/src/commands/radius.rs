//! `countersign radius`: how good predictions of blast radii were.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use countersign_core::catalog::Share;
use countersign_core::radius::{Actual, Prediction, SavedRadius, SetScore};
use serde::{Deserialize, Serialize};

use crate::error::{CliError, CliResult, exit};
use crate::input::Input;
use crate::report::json;
use crate::style::{BOLD, DIM, paint};

/// Compare predicted blast radii with what happened.
#[derive(Debug, Subcommand)]
pub(crate) enum RadiusCommand {
    Score(ScoreArgs),
}

/// Score a prediction after an incident.
///
/// The prediction is what `plan --json` or `check --json` said before the
/// change. What happened is a JSON file (`services`, `functions`, `customers` in
/// percent), or options, or both.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// The saved answer of `plan --json` or `check --json`; `-` reads standard
    /// input.
    prediction: PathBuf,
    /// What happened.
    actual: Option<PathBuf>,
    /// A service that failed.
    #[arg(long, value_name = "ID")]
    service: Vec<String>,
    /// A customer function that failed or worked worse.
    #[arg(long, value_name = "ID")]
    function: Vec<String>,
    /// The share of customers who noticed, in percent.
    #[arg(long, value_name = "PERCENT")]
    customers: Option<f64>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawActual {
    services: BTreeSet<String>,
    functions: BTreeSet<String>,
    customers: Option<f64>,
}

/// Where a saved answer keeps its radius: `plan` at the top, `check` in `change`.
#[derive(Deserialize)]
struct Saved {
    schema: String,
    radius: Option<SavedRadius>,
    change: Option<SavedChange>,
}

#[derive(Deserialize)]
struct SavedChange {
    radius: Option<SavedRadius>,
}

#[derive(Serialize)]
struct ScoreReport {
    schema: &'static str,
    services: SetReport,
    functions: SetReport,
    /// Whether the number of each lies within what was predicted.
    services_within: bool,
    functions_within: bool,
    /// Absent when nobody measured the customers.
    customers_within: Option<bool>,
}

/// A set score with its names. Shares are in parts per million.
#[derive(Serialize)]
struct SetReport {
    #[serde(flatten)]
    score: SetScore,
    /// Absent when nothing happened.
    recall: Option<Share>,
    /// Absent when nothing was predicted.
    precision: Option<Share>,
    missed_ids: Vec<String>,
    spurious_ids: Vec<String>,
}

impl SetReport {
    fn of(score: SetScore, predicted: &BTreeSet<String>, actual: &BTreeSet<String>) -> Self {
        Self {
            score,
            recall: score.recall(),
            precision: score.precision(),
            missed_ids: actual.difference(predicted).cloned().collect(),
            spurious_ids: predicted.difference(actual).cloned().collect(),
        }
    }
}

pub(super) fn run(command: &RadiusCommand) -> CliResult {
    let RadiusCommand::Score(args) = command;
    let prediction = prediction(args)?;
    let actual = actual(args)?;
    let score = prediction.score(&actual);
    let report = ScoreReport {
        schema: "countersign.radius-score/1",
        services_within: score.services_within,
        functions_within: score.functions_within,
        customers_within: score.customers_within,
        services: SetReport::of(score.services, &prediction.services, &actual.services),
        functions: SetReport::of(score.functions, &prediction.functions, &actual.functions),
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(json(&report)?.as_bytes())?;
        return Ok(exit::ALLOW);
    }
    show(
        &mut out,
        "services",
        &report.services,
        score.services_within,
    )?;
    show(
        &mut out,
        "functions",
        &report.functions,
        score.functions_within,
    )?;
    if let Some(within) = score.customers_within {
        let bounds = prediction.customers;
        writeln!(
            out,
            "  {}{} of customers, predicted {} to {}",
            paint(DIM, format!("{:<13}", "customers")),
            actual.customers.unwrap_or_default(),
            bounds.low,
            paint(BOLD, format!("{}{}", bounds.high, outside(within))),
        )?;
    }
    Ok(exit::ALLOW)
}

const fn outside(within: bool) -> &'static str {
    if within { "" } else { ": outside" }
}

/// Percent to one decimal. Only what is everything says 100, and only nothing 0.
fn tenths(share: Share) -> String {
    let tenths = match share.ppm() {
        0 => 0,
        1_000_000.. => 1000,
        ppm => ((ppm + 500) / 1000).clamp(1, 999),
    };
    match tenths % 10 {
        0 => format!("{} %", tenths / 10),
        rest => format!("{}.{rest} %", tenths / 10),
    }
}

fn show(out: &mut impl Write, label: &str, set: &SetReport, within: bool) -> CliResult<()> {
    let share = |share: Option<Share>| share.map_or_else(|| "–".to_owned(), tenths);
    let number = if within {
        ""
    } else {
        "; their number is outside the bounds"
    };
    writeln!(
        out,
        "  {}{} found, {} missed, {} in vain  {}",
        paint(DIM, format!("{label:<13}")),
        set.score.found,
        set.score.missed,
        set.score.spurious,
        paint(
            BOLD,
            format!(
                "recall {}, precision {}{number}",
                share(set.recall),
                share(set.precision)
            )
        ),
    )?;
    for (what, ids) in [("missed", &set.missed_ids), ("in vain", &set.spurious_ids)] {
        if !ids.is_empty() {
            writeln!(
                out,
                "  {:<13}{}",
                "",
                paint(DIM, format!("{what}: {}", ids.join(", ")))
            )?;
        }
    }
    Ok(())
}

fn prediction(args: &ScoreArgs) -> CliResult<Prediction> {
    let input = Input::read(&args.prediction)?;
    let name = input.name.clone();
    let wrong = |why: String| {
        CliError::new(
            exit::DATA,
            format!("{name} is not a saved prediction: {why}"),
        )
        .hint("save one with: countersign plan FILE --json > prediction.json")
    };
    let saved: Saved =
        serde_json::from_slice(&input.bytes).map_err(|error| wrong(error.to_string()))?;
    if !matches!(
        saved.schema.as_str(),
        "countersign.plan/1" | "countersign.check/1"
    ) {
        return Err(wrong(format!("its schema is `{}`", saved.schema)));
    }
    let radius = saved
        .radius
        .or_else(|| saved.change.and_then(|it| it.radius));
    let radius = radius.map(Prediction::from);
    radius.ok_or_else(|| wrong("it was made without a catalogue, so it predicts nothing".into()))
}

fn actual(args: &ScoreArgs) -> CliResult<Actual> {
    let mut raw = match &args.actual {
        Some(path) => {
            let input = Input::read(path)?;
            serde_json::from_slice(&input.bytes).map_err(|error| {
                let message = format!("{} cannot be read: {error}", input.name);
                CliError::new(exit::DATA, message)
                    .hint("write {\"services\": [], \"functions\": [], \"customers\": 60}")
            })?
        }
        None => RawActual::default(),
    };
    raw.services.extend(args.service.iter().cloned());
    raw.functions.extend(args.function.iter().cloned());
    let customers = args.customers.or(raw.customers);
    let customers = customers.map(Share::from_percent).transpose();
    Ok(Actual {
        services: raw.services,
        functions: raw.functions,
        customers: customers.map_err(|message| CliError::new(exit::DATA, message))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_decimal_never_makes_something_nothing_or_everything() {
        for (ppm, text) in [
            (0, "0 %"),
            (1, "0.1 %"),
            (333_333, "33.3 %"),
            (500_000, "50 %"),
            (666_666, "66.7 %"),
            (999_999, "99.9 %"),
            (1_000_000, "100 %"),
        ] {
            assert_eq!(tenths(Share::from_ppm(ppm)), text);
        }
    }
}
