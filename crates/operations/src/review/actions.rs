//! Actions: overdue, due, done without anything that shows an effect, new.

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;

use super::Frame;
use crate::action::{Action, ActionState};
use crate::words::count;

/// How long before the week an action may be done and still be asked what it
/// brought.
const ASK_FOR_WEEKS: i64 = 4;

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionRow {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub title: String,
    /// Who does it; `None`: nobody's.
    pub owner: Option<String>,
    /// The last day it is not overdue.
    pub due: Option<Date>,
    /// Days past it at the cut-off.
    pub days_late: Option<i32>,
    /// How far it is.
    pub state: ActionState,
    /// The incident it follows from.
    pub incident: Option<String>,
    /// What shows that it helped.
    pub evidence: Option<String>,
}

/// Actions that the meeting looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Actions {
    /// Open after their last day, the latest first.
    pub overdue: Vec<ActionRow>,
    /// Open, due within a week of the cut-off.
    pub due: Vec<ActionRow>,
    /// Open without an owner or a day, and not listed above.
    pub adrift: Vec<ActionRow>,
    /// Done since four weeks before the week, with what shows their effect, if anything.
    pub done: Vec<ActionRow>,
    /// All that are open.
    pub open: u64,
}

/// How late, in words: `1 day late`.
#[must_use]
pub fn late(days: i32) -> String {
    let days = u64::from(days.unsigned_abs());
    format!("{} late", count(days, "day"))
}

fn row(frame: &Frame<'_>, action: &Action) -> ActionRow {
    let late = action.due.filter(|_| action.is_overdue(frame.today()));
    let days = |due: Date| (due.duration_until(frame.today()).as_hours() / 24) as i32;
    ActionRow {
        id: action.id.clone(),
        title: action.title.clone(),
        owner: action.owner.clone(),
        due: action.due,
        days_late: late.map(days),
        state: action.state,
        incident: action.incident.clone(),
        evidence: action.evidence.clone(),
    }
}

/// Those that were known at the cut-off, in order.
fn known<'a>(frame: &Frame<'a>) -> Vec<&'a Action> {
    let mut actions: Vec<&Action> = frame.inputs.actions.iter().collect();
    actions.retain(|it| it.noted.at <= frame.cut_off);
    actions.sort_by(|a, b| {
        let key = |it: &Action| it.due.unwrap_or(Date::MAX);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    actions
}

pub(super) fn actions(frame: &Frame<'_>) -> Actions {
    let today = frame.today();
    let soon = today.saturating_add(7.days());
    // counted from the week, so that two versions of it ask for the same
    let since = frame
        .from
        .saturating_sub(jiff::SignedDuration::from_hours(ASK_FOR_WEEKS * 7 * 24))
        .unwrap_or(Timestamp::MIN);
    let mut found = Actions::default();
    for action in known(frame) {
        let row = row(frame, action);
        match action.state {
            ActionState::Open => {
                found.open += 1;
                if action.is_overdue(today) {
                    found.overdue.push(row);
                } else if action.due.is_some_and(|due| due <= soon) {
                    found.due.push(row);
                } else if action.owner.is_none() || action.due.is_none() {
                    found.adrift.push(row);
                }
            }
            ActionState::Done if action.ended_at.is_some_and(|at| at >= since) => {
                found.done.push(row);
            }
            ActionState::Done | ActionState::Dropped => {}
        }
    }
    found
}

/// Those opened in the week.
pub(super) fn opened(frame: &Frame<'_>) -> Vec<ActionRow> {
    let mut opened = known(frame);
    opened.retain(|it| frame.holds(it.opened_at));
    opened.into_iter().map(|it| row(frame, it)).collect()
}
