//! A document against the version that people were given before. No line goes
//! unnamed: what vanished shows who took it away and when, and what vanished
//! without a record says exactly that.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::inputs::Touch;
use super::{Frame, Line, ReviewIssued};
use crate::record::Kind;
use crate::sign_off::Stated;
use crate::week::Week;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is no longer there, and nothing recorded says why.
    VanishedUnexplained,
    /// It is no longer there.
    Deleted,
    /// It says something else, and nothing recorded says why.
    ChangedUnexplained,
    /// It was figured out of many records, and no longer follows from them.
    NoLonger,
    /// It says something else.
    Changed,
    /// It was not there.
    New,
}

impl Fate {
    /// The words in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VanishedUnexplained => "gone, and no record says why",
            Self::Deleted => "deleted",
            Self::ChangedUnexplained => "changed, and no record of it says why",
            Self::NoLonger => "no longer follows from what is recorded",
            Self::Changed => "changed",
            Self::New => "new",
        }
    }
}

/// A line that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Altered {
    /// What it is about.
    pub about: String,
    /// What became of it.
    pub fate: Fate,
    /// What it said.
    pub before: Option<String>,
    /// What it says.
    pub after: Option<String>,
    /// Who recorded what about it in between, oldest first.
    pub touches: Vec<Touch>,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changelog {
    /// The week of the version before.
    pub week: Option<Week>,
    /// Its number.
    pub version: Option<u32>,
    /// When it was circulated.
    pub issued_at: Option<Timestamp>,
    /// By whom.
    pub issued_by: Option<String>,
    /// The SHA-256 of that document.
    pub content: Option<String>,
    /// Lines of an earlier week that ended with their week, as counts and
    /// incidents do.
    pub ended_with_week: u64,
    /// What is not as it was, the gravest first.
    pub altered: Vec<Altered>,
}

/// The record that a line is about; `None` for what is computed.
#[must_use]
pub fn record_of(about: &str) -> Option<(Kind, &str)> {
    let (family, key) = about.split_once(':')?;
    let kind = match family {
        "incident" => Kind::Incident,
        "factor" => Kind::Factor,
        "action" => Kind::Action,
        "deployment" => Kind::Deployment,
        "sign-off" => Kind::SignOff,
        "change" => Kind::Change,
        "guard" => Kind::Guard,
        "usage" => Kind::Usage,
        "decision" => Kind::Decision,
        "initiative" => Kind::Initiative,
        "pack" => Kind::Pack,
        _ => return None,
    };
    Some((kind, key))
}

/// Whether a line of an earlier week is still of interest in a later one: what
/// stands until somebody ends it, not what happened in that week.
fn stands(about: &str) -> bool {
    matches!(
        about.split_once(':').map(|(family, _)| family),
        Some("action" | "factor" | "initiative" | "pack" | "sign-off")
    )
}

/// Whether a line is figured out of many records, so that no single record
/// explains it.
fn is_computed(about: &str) -> bool {
    record_of(about).is_none()
}

/// Whether a line says something else when time goes by or other things are
/// recorded: what the test of an initiative finds, that a pack is over or an
/// after-review overdue, how often a use of AI was seen.
fn moves_by_itself(about: &str) -> bool {
    is_computed(about)
        || matches!(
            record_of(about),
            Some((
                Kind::Initiative | Kind::Pack | Kind::SignOff | Kind::Usage,
                _
            ))
        )
}

pub(super) fn against_before(frame: &Frame<'_>, lines: &[Line]) -> Changelog {
    frame
        .inputs
        .before(frame.week)
        .map_or_else(Changelog::default, |before| {
            let touches = touches(frame);
            changelog(before, (frame.week, frame.cut_off), lines, &touches)
        })
}

/// What was recorded about things, and what was recorded of something else and
/// settles them: an after-review settles a break-glass, shipping a decision.
fn touches(frame: &Frame<'_>) -> Vec<Touch> {
    let inputs = frame.inputs;
    let mut touches = inputs.touches.clone();
    let answers = inputs.sign_offs.iter().filter_map(|it| {
        let matters = matches!(
            it.stated,
            Stated::Ratified | Stated::Rejected | Stated::Revoked
        );
        let of = it.of.filter(|_| matters)?;
        Some((Kind::SignOff, of.to_string(), &it.noted, it.stated.as_str()))
    });
    let shipped = inputs
        .changes
        .values()
        .map(|it| (Kind::Decision, it.change.to_string(), &it.noted, "shipped"));
    touches.extend(
        answers
            .chain(shipped)
            .map(|(kind, key, noted, what)| Touch {
                kind,
                key,
                at: noted.at,
                by: noted.by.clone(),
                through: noted.through.clone(),
                why: noted.why.clone(),
                what: what.to_owned(),
            }),
    );
    touches
}

/// Compares lines with a circulated version. `touches` names what was recorded
/// about the things in question; what lies between the two cut-offs counts.
///
/// Against a version of the same week every line is compared; against an
/// earlier week only what stands until somebody ends it.
#[must_use]
pub fn changelog(
    before: &ReviewIssued,
    (week, cut_off): (Week, Timestamp),
    lines: &[Line],
    touches: &[Touch],
) -> Changelog {
    let same_week = before.week == week;
    let now: BTreeMap<&str, &str> = by_about(lines);
    let then: BTreeMap<&str, &str> = by_about(&before.lines);
    let all = touches;
    let between = |about: &str| between(all, about, before.cut_off, cut_off);
    let mut altered: Vec<Altered> = Vec::new();
    let mut ended_with_week = 0;
    for (&about, text) in &then {
        if !same_week && !stands(about) {
            ended_with_week += u64::from(!now.contains_key(about));
            continue;
        }
        let after = now.get(about);
        if after == Some(text) {
            continue;
        }
        let mut touches = between(about);
        if after.is_none() && touches.is_empty() {
            touches = of_incident(all, about, before.cut_off, cut_off);
        }
        if !same_week && after.is_none() && touches.is_empty() {
            // it stands as it stood; that week's document just is not this one's
            ended_with_week += 1;
            continue;
        }
        let fate = match (after, touches.is_empty()) {
            (None, false) => Fate::Deleted,
            (Some(_), false) => Fate::Changed,
            (None, true) if is_computed(about) => Fate::NoLonger,
            (Some(_), true) if moves_by_itself(about) => Fate::Changed,
            (None, true) => Fate::VanishedUnexplained,
            (Some(_), true) => Fate::ChangedUnexplained,
        };
        altered.push(Altered {
            about: about.to_owned(),
            fate,
            before: Some((*text).to_owned()),
            after: after.map(|text| (*text).to_owned()),
            touches,
        });
    }
    for (&about, text) in &now {
        if (same_week || stands(about)) && !then.contains_key(about) {
            altered.push(Altered {
                about: about.to_owned(),
                fate: Fate::New,
                before: None,
                after: Some((*text).to_owned()),
                touches: between(about),
            });
        }
    }
    altered.sort_by(|a, b| a.fate.cmp(&b.fate).then_with(|| a.about.cmp(&b.about)));
    Changelog {
        week: Some(before.week),
        version: Some(before.version),
        issued_at: Some(before.issued_at),
        issued_by: Some(before.noted.by.clone()),
        content: Some(before.content.to_string()),
        ended_with_week,
        altered,
    }
}

/// What was recorded about a thing between two cut-offs, oldest first.
fn between(touches: &[Touch], about: &str, after: Timestamp, until: Timestamp) -> Vec<Touch> {
    let Some((kind, key)) = record_of(about) else {
        return Vec::new();
    };
    let own = touches.iter().filter(|it| it.kind == kind && it.key == key);
    let mut found: Vec<Touch> = own
        .filter(|it| after < it.at && it.at <= until)
        .cloned()
        .collect();
    found.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.cmp(b)));
    found.dedup();
    found
}

/// What was recorded about the incident that a claim is about: a claim goes with
/// an incident that no longer counts.
fn of_incident(touches: &[Touch], about: &str, after: Timestamp, until: Timestamp) -> Vec<Touch> {
    match record_of(about) {
        Some((Kind::Factor, key)) => {
            let incident = key.split(' ').next().unwrap_or_default();
            between(touches, &format!("incident:{incident}"), after, until)
        }
        _ => Vec::new(),
    }
}

fn by_about(lines: &[Line]) -> BTreeMap<&str, &str> {
    lines
        .iter()
        .map(|line| (line.about.as_str(), line.text.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noted::Noted;
    use countersign_core::signoff::Digest;

    #[test]
    fn what_moves_by_itself_is_no_alteration_that_somebody_hid() {
        let line = |about: &str, text: &str| Line {
            about: about.to_owned(),
            text: text.to_owned(),
        };
        let abouts = [
            ("initiative:INI-1", Fate::Changed),
            ("pack:PACK-1", Fate::Changed),
            ("sign-off:abc", Fate::Changed),
            ("usage:kiro/x/chat/code/local", Fate::Changed),
            ("metric:sev2-per-day", Fate::Changed),
            ("incident:INC-1", Fate::ChangedUnexplained),
            ("action:ACT-1", Fate::ChangedUnexplained),
            ("factor:INC-1 capacity ada", Fate::ChangedUnexplained),
        ];
        let at: Timestamp = "2026-03-17T08:00:00Z".parse().unwrap();
        let week: Week = "2026-W11".parse().unwrap();
        let before = ReviewIssued {
            noted: Noted::by("chair", at),
            week,
            version: 1,
            issued_at: at,
            cut_off: at,
            content: Digest::of(b"document"),
            inputs: BTreeMap::new(),
            lines: abouts.iter().map(|(it, _)| line(it, "then")).collect(),
            seed: None,
            to: BTreeMap::new(),
        };
        let now: Vec<Line> = abouts.iter().map(|(it, _)| line(it, "now")).collect();
        let found = changelog(&before, (week, at), &now, &[]);
        for (about, fate) in abouts {
            let altered = found.altered.iter().find(|it| it.about == about);
            assert_eq!(altered.map(|it| it.fate), Some(fate), "{about}");
        }
        // what is gone needs somebody who took it away
        let gone = changelog(&before, (week, at), &[], &[]);
        let pack = gone.altered.iter().find(|it| it.about == "pack:PACK-1");
        assert_eq!(pack.map(|it| it.fate), Some(Fate::VanishedUnexplained));
    }
}
