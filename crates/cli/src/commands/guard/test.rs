//! `countersign guard test`: how often the judge is right.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use countersign_core::effect::Environment;
use countersign_effects::command::{Danger, judge_command};

use super::{here, targets};
use crate::commands::policy::read_named;
use crate::error::{CliError, CliResult, exit};
use crate::guard::surroundings::Surroundings;
use crate::style::{BOLD, DIM, paint};

/// Judge a file of labelled commands, and print how often it is right.
///
/// Columns: verdict (destructive or benign), family, command; `␤` stands
/// for a newline. Targets are resolved from this directory and environment.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Tab-separated rows.
    file: PathBuf,
}

/// How rows of one family came out.
#[derive(Default)]
struct Tally {
    held: [u32; 2],
    passed: [u32; 2],
}

pub(super) fn run(args: &TestArgs) -> CliResult {
    let file = &args.file;
    let place = here()?;
    let around = Surroundings::new(&place, targets(&place)?);
    let text = read_named(file)?;
    let mut families: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (at, row) in text.lines().enumerate() {
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        let mut columns = row.split('\t');
        let (Some(verdict), Some(family), Some(command)) =
            (columns.next(), columns.next(), columns.next())
        else {
            let message = format!("{}:{}: fewer than three columns", file.display(), at + 1);
            return Err(CliError::new(exit::DATA, message)
                .hint("verdict, family and command, separated by tabs"));
        };
        let destructive = match verdict {
            "destructive" => true,
            "benign" => false,
            other => {
                let message = format!("{}:{}: `{other}` is not a verdict", file.display(), at + 1);
                return Err(CliError::new(exit::DATA, message).hint("write destructive or benign"));
            }
        };
        let line = command.replace('␤', "\n").replace('␉', "\t");
        let reading = judge_command(&line, &around);
        let held = reading.danger_above(Environment::Development) > Danger::None;
        let tally = families.entry(family).or_default();
        let side = if held {
            &mut tally.held
        } else {
            &mut tally.passed
        };
        if let Some(count) = side.get_mut(usize::from(destructive)) {
            *count += 1;
        }
        if held != destructive {
            wrong.push(format!("{verdict:<12} line {}: {command}", at + 1));
        }
    }
    print_table(&families, &wrong)?;
    Ok(exit::ALLOW)
}

fn print_table(families: &BTreeMap<&str, Tally>, wrong: &[String]) -> CliResult<()> {
    let mut out = anstream::stdout().lock();
    let header = format!(
        "{:<24}{:>8}{:>8}{:>8}{:>8}",
        "family", "caught", "missed", "passed", "alarms"
    );
    writeln!(out, "{}", paint(DIM, header))?;
    let mut total = [0_u32; 4];
    for (family, tally) in families {
        let ([alarms, caught], [passed, missed]) = (tally.held, tally.passed);
        writeln!(
            out,
            "{family:<24}{caught:>8}{missed:>8}{passed:>8}{alarms:>8}"
        )?;
        for (sum, n) in total.iter_mut().zip([caught, missed, passed, alarms]) {
            *sum += n;
        }
    }
    let [caught, missed, passed, alarms] = total;
    let share = |n: u32, of: u32| f64::from(n) * 100.0 / f64::from(of.max(1));
    let recall = share(caught, caught + missed);
    let false_alarms = share(alarms, alarms + passed);
    writeln!(
        out,
        "{}",
        paint(
            BOLD,
            format!("recall {recall:.1} %, false alarms {false_alarms:.1} %")
        )
    )?;
    for row in wrong.iter().take(50) {
        writeln!(out, "  {row}")?;
    }
    Ok(())
}
