//! What changed against the version before, and what the words mean.

use countersign_operations::review::{Altered, Fate, Review};
use countersign_page::Table;

use super::whole;
use crate::report::review::Section;
use crate::report::review::parts::{dash, moment};

/// Rows of the changelog before the rest is counted.
const MOST_ALTERED: usize = 200;

fn altered(it: &Altered) -> [String; 4] {
    let who = it.touches.iter().map(|touch| {
        let why = touch
            .why
            .as_ref()
            .map_or(String::new(), |why| format!(" ({why})"));
        let through = touch
            .through
            .as_ref()
            .map_or(String::new(), |it| format!(" through {it}"));
        format!(
            "{} {}{through}: {}{why}",
            moment(touch.at),
            touch.by,
            touch.what
        )
    });
    let who: Vec<String> = who.collect();
    let who = if who.is_empty() {
        match it.fate {
            Fate::VanishedUnexplained | Fate::ChangedUnexplained => "no record".to_owned(),
            _ => "–".to_owned(),
        }
    } else {
        who.join("; ")
    };
    [
        it.fate.as_str().to_owned(),
        dash(it.before.as_deref()),
        dash(it.after.as_deref()),
        who,
    ]
}

pub(super) fn changelog(review: &Review) -> Section {
    let mut section = Section::new("Changed against the version circulated before");
    let log = &review.changelog;
    let (Some(week), Some(version), Some(at)) = (log.week, log.version, log.issued_at) else {
        section.say("No version was circulated before.");
        return section;
    };
    section.say(format!(
        "Against {week} version {version}, circulated {} by {}.",
        moment(at),
        dash(log.issued_by.as_deref())
    ));
    let mut table = Table::new(["", "it said", "it says", "who and when"]);
    for it in log.altered.iter().take(MOST_ALTERED) {
        table.row(altered(it));
    }
    section.table("Changed lines", table, "Every line is as it was.");
    if log.altered.len() > MOST_ALTERED {
        let more = log.altered.len() - MOST_ALTERED;
        section.fine(format!("And {more} more; the JSON form has all of them."));
    }
    if log.ended_with_week > 0 {
        section.fine(format!(
            "{} lines ended with their week.",
            whole(log.ended_with_week)
        ));
    }
    section
}

pub(super) fn about(review: &Review) -> Section {
    let mut section = Section::new("What the words mean, and what was read");
    let mut table = Table::new(["word", "meaning"]);
    for it in &review.definitions {
        table.row([it.word.to_owned(), it.text.clone()]);
    }
    section.table("Definitions", table, "");
    let mut table = Table::new(["read", "SHA-256"]);
    for (name, digest) in &review.inputs {
        table.row([name.clone(), digest.short()]);
    }
    section.table("What was read", table, "");
    section
}
