//! The output of `kubectl diff`: one unified diff per object.
//!
//! The file names tell the object: `apps.v1.Deployment.shop.cart` is group,
//! version, kind, namespace, name (`diff.go` of kubectl). Only changed lines and
//! three lines around them are shown, so less can be told than from manifests.

use std::collections::BTreeMap;

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use super::object::full_name;
use crate::document::{ReadError, decode};
use crate::knowledge;
use crate::reading::{FindingKind, Format, PlanReading, fingerprint};

/// Whether the text is a unified diff as kubectl prints it.
#[must_use]
pub fn looks_like(text: &str) -> bool {
    let mut lines = text.lines().take(200);
    lines.any(|line| line.starts_with("diff -") && line.contains("LIVE-"))
        || text
            .lines()
            .take(200)
            .any(|l| l.starts_with("--- ") && l.contains("/LIVE-"))
}

/// Reads the output of `kubectl diff`. Objects that `--prune` would delete are
/// only in it when the command was given `--prune`.
///
/// # Errors
/// A [`ReadError`] when the text is not such a diff.
pub fn read(bytes: &[u8], environment: Environment) -> Result<PlanReading, ReadError> {
    let text = decode(bytes)?;
    if !looks_like(&text) {
        return Err(ReadError::UnknownFormat {
            hint: "expected the unified diffs that `kubectl diff` prints".to_owned(),
        });
    }
    let mut reading = PlanReading::new(Format::KubernetesDiff, fingerprint(bytes));
    let mut section: Option<Section<'_>> = None;
    let mut skipped = 0;
    for line in text.lines() {
        if line.starts_with("diff -") {
            finish(section.take(), environment, &mut reading);
        } else if let Some(path) = line.strip_prefix("--- ") {
            finish(section.take(), environment, &mut reading);
            section = Some(Section::new(path));
        } else if let Some(open) = &mut section {
            open.line(line);
        } else if !line.trim().is_empty() {
            skipped += 1;
        }
    }
    finish(section, environment, &mut reading);
    if skipped > 0 {
        let detail = format!("{skipped} lines are not part of a diff, such as warnings");
        reading.finding(FindingKind::Skipped, None, detail);
    }
    Ok(reading.finish())
}

/// The diff of one object.
#[derive(Default)]
struct Section<'t> {
    file: &'t str,
    created: bool,
    deleted: bool,
    removed: Vec<&'t str>,
    added: Vec<&'t str>,
}

impl<'t> Section<'t> {
    fn new(path: &'t str) -> Self {
        // A time may follow the path after a tab.
        let path = path.split('\t').next().unwrap_or(path);
        Self {
            file: path.rsplit('/').next().unwrap_or(path).trim(),
            ..Self::default()
        }
    }

    fn line(&mut self, line: &'t str) {
        if line.starts_with("+++ ") {
            return;
        }
        if let Some(hunk) = line.strip_prefix("@@ ") {
            self.created |= hunk.starts_with("-0,0 ");
            self.deleted |= hunk.contains(" +0,0 ");
        } else if let Some(added) = line.strip_prefix('+') {
            self.added.push(added);
        } else if let Some(removed) = line.strip_prefix('-') {
            self.removed.push(removed);
        }
    }

    /// Kind, namespace and name from the file name.
    fn object(&self) -> Option<(&'t str, &'t str, &'t str)> {
        let mut rest = self.file;
        // Group and version are lower case; the kind is the first part that is not.
        loop {
            let (part, after) = rest.split_once('.')?;
            if part.starts_with(|c: char| c.is_ascii_uppercase()) {
                let (namespace, name) = after.split_once('.')?;
                return Some((part, namespace, name));
            }
            rest = after;
        }
    }
}

fn finish(section: Option<Section<'_>>, environment: Environment, reading: &mut PlanReading) {
    let Some(section) = section else { return };
    reading.changes_seen += 1;
    let witness = format!("diff of {}", section.file);
    let Some((kind, namespace, name)) = section.object() else {
        reading.effects.push(Effect {
            verb: Verb::Unknown,
            kind: "manifest".to_owned(),
            object: section.file.to_owned(),
            environment,
            state: StateLoss::Unknown,
            reasons: vec!["the file name does not tell the object".to_owned()],
            witness,
        });
        return;
    };
    let mut effect = Effect {
        verb: Verb::Update,
        kind: kind.to_owned(),
        object: full_name(kind, namespace, name),
        environment,
        state: StateLoss::None,
        reasons: Vec::new(),
        witness,
    };
    if section.created {
        effect.verb = Verb::Create;
    } else if section.deleted {
        effect.verb = Verb::Delete;
        let nothing = crate::document::Value::Null;
        let assessment = knowledge::kind(kind).deleting(&nothing);
        effect.state = assessment.state;
        effect.reasons.extend(assessment.reasons);
        if matches!(kind, "Namespace" | "CustomResourceDefinition") {
            let detail = "what is in it goes too, also what is not in this diff";
            reading.finding(FindingKind::Cascade, Some(&effect.object), detail);
        }
    } else {
        changed(&section, &mut effect, reading);
    }
    reading.effects.push(effect);
}

fn changed(section: &Section<'_>, effect: &mut Effect, reading: &mut PlanReading) {
    let (before, after) = (fields(&section.removed), fields(&section.added));
    let number = |text: &str| text.parse::<i64>().ok();
    let from_to = |field: &str| (before.get(field).copied(), after.get(field).copied());
    if let (Some(from), Some(to)) = from_to("replicas") {
        effect
            .reasons
            .push(format!("from {from:.12} to {to:.12} replicas"));
        if number(to) == Some(0) && number(from) != Some(0) {
            effect.verb = Verb::Disrupt;
        }
    }
    let mut lost = Vec::new();
    if let (_, Some("Recreate")) = from_to("type") {
        reading.finding(
            FindingKind::Rollout,
            Some(&effect.object),
            "a rollout stops all pods at once: strategy `Recreate`",
        );
    }
    if let (_, Some("100%")) = from_to("maxUnavailable") {
        reading.finding(
            FindingKind::Rollout,
            Some(&effect.object),
            "a rollout or drain may stop all pods at once: `maxUnavailable` is 100%",
        );
    }
    if let (Some("Retain"), Some("Delete")) = from_to("persistentVolumeReclaimPolicy") {
        lost.push("protection removed: `spec.persistentVolumeReclaimPolicy`".to_owned());
    }
    for line in &section.removed {
        let item = line.trim().strip_prefix("- ").map(str::trim);
        // Finalizers are the list items that look like `domain/name`.
        let finalizer = item.filter(|i| i.contains('/') && !i.contains([' ', ':']));
        let kept = |i: &str| section.added.iter().any(|a| a.trim() == format!("- {i}"));
        if let Some(finalizer) = finalizer.filter(|i| !kept(i)) {
            lost.push(format!(
                "finalizer `{finalizer:.80}` removed: what it cleans up or guards is skipped"
            ));
        }
    }
    for detail in lost {
        effect.reasons.push(detail.clone());
        reading.finding(FindingKind::ProtectionRemoved, Some(&effect.object), detail);
    }
}

/// `key: value` lines of one side.
fn fields<'t>(lines: &[&'t str]) -> BTreeMap<&'t str, &'t str> {
    lines
        .iter()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(key, value)| (key.trim_start_matches("- "), value.trim_matches('"')))
        .collect()
}
