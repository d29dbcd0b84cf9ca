//! What went round the safeguards: break-glass, and changes that nothing allowed.

use std::collections::BTreeMap;

use countersign_core::signoff::Digest;
use jiff::Timestamp;
use serde::Serialize;

use super::Frame;
use crate::sign_off::{SignOffGiven, Stated};

/// How the safeguards were passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BypassKind {
    /// By break-glass whose after-review is overdue.
    OverdueBreakGlass,
    /// By break-glass that the after-review found wrong.
    RejectedBreakGlass,
    /// It took effect although nothing allowed it, whoever or whatever did it.
    NothingAllowed,
    /// The guard held or refused an action, and it was seen to run.
    RanThoughHeld,
    /// By break-glass whose after-review is still to come.
    OpenBreakGlass,
    /// By break-glass that was ratified.
    RatifiedBreakGlass,
}

impl BypassKind {
    /// The words in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OverdueBreakGlass => "break-glass, after-review overdue",
            Self::RejectedBreakGlass => "break-glass, found wrong",
            Self::NothingAllowed => "took effect although nothing allowed it",
            Self::RanThoughHeld => "ran although the guard held it",
            Self::OpenBreakGlass => "break-glass, after-review to come",
            Self::RatifiedBreakGlass => "break-glass, ratified",
        }
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bypass {
    /// The change, statement or guard decision, as `kind:key`.
    pub about: String,
    /// What it is.
    pub title: String,
    /// How.
    pub kind: BypassKind,
    /// Who, where known.
    pub person: Option<String>,
    /// When.
    pub at: Timestamp,
    /// When its after-review is due.
    pub review_due: Option<Timestamp>,
    /// The words given with it.
    pub message: Option<String>,
}

pub(super) fn bypasses(frame: &Frame<'_>) -> Vec<Bypass> {
    let mut found = break_glass(frame);
    let bypassed = frame.inputs.bypassed.iter();
    let bypassed = bypassed.filter(|it| frame.holds(it.shipped_at) && it.noted.at <= frame.cut_off);
    found.extend(bypassed.map(|it| Bypass {
        about: format!("change:{}", it.change),
        title: it.title.clone().unwrap_or_else(|| it.change.to_string()),
        kind: BypassKind::NothingAllowed,
        person: it.people.first().cloned(),
        at: it.shipped_at,
        review_due: None,
        message: None,
    }));
    let held = frame.inputs.guard.iter().filter(|it| {
        frame.holds(it.asked_at)
            && it.noted.at <= frame.cut_off
            && it.ran == Some(true)
            && it.verdict != countersign_core::decide::Verdict::Allow
    });
    found.extend(held.map(|it| Bypass {
        about: format!("guard:{}", it.id),
        title: it.summary.clone(),
        kind: BypassKind::RanThoughHeld,
        person: it.person.clone(),
        at: it.asked_at,
        review_due: None,
        message: None,
    }));
    found.sort_by(|a, b| (a.kind, a.at, &a.about).cmp(&(b.kind, b.at, &b.about)));
    found
}

/// Those of the week, and all of the last 13 weeks that nobody has looked at.
fn break_glass(frame: &Frame<'_>) -> Vec<Bypass> {
    let known = |it: &&SignOffGiven| it.noted.at <= frame.cut_off;
    let mut answers: BTreeMap<Digest, (Timestamp, Stated)> = BTreeMap::new();
    for it in frame.inputs.sign_offs.iter().filter(known) {
        if let (Stated::Ratified | Stated::Rejected, Some(of)) = (it.stated, it.of) {
            let answer = answers.entry(of).or_insert((it.issued_at, it.stated));
            *answer = (*answer).max((it.issued_at, it.stated));
        }
    }
    let broke = |it: &&SignOffGiven| it.stated == Stated::BrokeGlass && it.issued_at < frame.until;
    let glass = frame.inputs.sign_offs.iter().filter(known).filter(broke);
    glass
        .filter_map(|it| {
            let kind = match answers.get(&it.statement).map(|(_, stated)| stated) {
                Some(Stated::Rejected) => BypassKind::RejectedBreakGlass,
                Some(_) => BypassKind::RatifiedBreakGlass,
                None if it.review_due.is_some_and(|due| due <= frame.cut_off) => {
                    BypassKind::OverdueBreakGlass
                }
                None => BypassKind::OpenBreakGlass,
            };
            let unanswered = matches!(
                kind,
                BypassKind::OverdueBreakGlass | BypassKind::OpenBreakGlass
            );
            (frame.holds(it.issued_at) || unanswered).then(|| Bypass {
                about: format!("sign-off:{}", it.statement),
                title: it.change.to_string(),
                kind,
                person: Some(it.person.clone()),
                at: it.issued_at,
                review_due: it.review_due,
                message: it.message.clone(),
            })
        })
        .collect()
}
