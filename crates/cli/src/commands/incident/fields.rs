//! The options that say something about an incident.

use std::path::PathBuf;

use clap::Args;
use countersign_core::catalog::Share;
use countersign_operations::incident::{
    AiPart, ImpactStep, Incident, Severity, Status, TimelineEntry,
};

use crate::error::{CliError, CliResult, exit};
use crate::register::ZoneArgs;

/// What is known of an incident. Lists are added to.
#[derive(Debug, Args)]
pub(super) struct FieldArgs {
    /// Sev1 (worst) to Sev5.
    #[arg(long)]
    severity: Option<Severity>,
    /// open, mitigated, resolved, closed or dismissed.
    #[arg(long)]
    status: Option<Status>,
    /// When it was noticed.
    #[arg(long, value_name = "TIME")]
    detected: Option<String>,
    /// When customers were served again.
    #[arg(long, value_name = "TIME")]
    mitigated: Option<String>,
    /// When it was over.
    #[arg(long, value_name = "TIME")]
    resolved: Option<String>,
    /// A service that failed or worked worse.
    #[arg(long = "service", value_name = "ID")]
    services: Vec<String>,
    /// A customer function that failed or worked worse.
    #[arg(long = "function", value_name = "ID")]
    functions: Vec<String>,
    /// A region or cell in which it was felt.
    #[arg(long = "region", value_name = "ID")]
    regions: Vec<String>,
    /// An object destroyed or altered, as plans and commands name it.
    #[arg(long = "object", value_name = "NAME")]
    objects: Vec<String>,
    /// Share of customers affected, from the start or from a time on: `20`,
    /// `2026-03-05T10:00Z=55`.
    #[arg(long = "customers", value_name = "[TIME=]PERCENT")]
    customers: Vec<String>,
    /// Requests measured minute by minute, as CSV: `time`, `failed`, and
    /// `requests` received or `expected` as in other weeks.
    #[arg(long, value_name = "FILE")]
    traffic: Option<PathBuf>,
    /// What happened when: `2026-03-05T10:00Z=rolled back`.
    #[arg(long = "event", value_name = "TIME=TEXT")]
    events: Vec<String>,
    /// How AI took part in causing it: wrote, executed, advised, reviewed
    /// (several joined by commas), none or unknown.
    #[arg(long)]
    ai: Option<AiPart>,
    /// What is known, in a few sentences.
    #[arg(long)]
    summary: Option<String>,
    /// Where people look at it.
    #[arg(long)]
    url: Option<String>,
    /// A word to find it by.
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    #[command(flatten)]
    pub(super) zone: ZoneArgs,
}

impl FieldArgs {
    /// Writes what is said into an incident.
    pub(super) fn apply(&self, it: &mut Incident) -> CliResult<()> {
        it.severity = self.severity.or(it.severity);
        it.detected = self.zone.maybe(self.detected.as_ref())?.or(it.detected);
        it.mitigated = self.zone.maybe(self.mitigated.as_ref())?.or(it.mitigated);
        it.resolved = self.zone.maybe(self.resolved.as_ref())?.or(it.resolved);
        for (set, said) in [
            (&mut it.services, &self.services),
            (&mut it.functions, &self.functions),
            (&mut it.regions, &self.regions),
            (&mut it.objects, &self.objects),
            (&mut it.tags, &self.tags),
        ] {
            set.extend(said.iter().cloned());
        }
        for text in &self.customers {
            let step = self.step(it, text)?;
            it.impact.retain(|known| known.from != step.from);
            it.impact.push(step);
            it.impact.sort_by_key(|step| step.from);
        }
        if let Some(path) = &self.traffic {
            super::traffic::apply(path, &self.zone, it)?;
        }
        for text in &self.events {
            let (at, text) = text.split_once('=').ok_or_else(|| {
                CliError::new(exit::USAGE, format!("`{text}` is not an event"))
                    .hint("write `--event '2026-03-05T10:00Z=rolled back'`")
            })?;
            it.timeline.push(TimelineEntry {
                at: self.zone.time(at)?,
                text: text.to_owned(),
            });
            it.timeline.sort();
        }
        if let Some(ai) = &self.ai {
            it.ai = ai.clone();
        }
        it.summary = self.summary.clone().or(it.summary.take());
        it.url = self.url.clone().or(it.url.take());
        it.status = self.status.unwrap_or_else(|| settled(it));
        Ok(())
    }

    fn step(&self, it: &Incident, text: &str) -> CliResult<ImpactStep> {
        let (from, percent) = match text.split_once('=') {
            Some((at, percent)) => (self.zone.time(at)?, percent),
            None => (it.started, text),
        };
        let number = percent.trim().trim_end_matches('%').trim().parse();
        let wrong = || {
            CliError::new(
                exit::USAGE,
                format!("`{percent}` is not a share in percent"),
            )
        };
        let number: f64 = number.map_err(|_| wrong())?;
        let customers = Share::from_percent(number).map_err(|_| wrong())?;
        Ok(ImpactStep { from, customers })
    }
}

/// A time that was told says how far it is.
fn settled(it: &Incident) -> Status {
    match it.status {
        Status::Open | Status::Mitigated if it.resolved.is_some() => Status::Resolved,
        Status::Open if it.mitigated.is_some() => Status::Mitigated,
        status => status,
    }
}
