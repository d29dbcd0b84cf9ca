//! New versions of an incident: a person's correction, an importer's news.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{AiPart, Incident, SourceRef, Status, TimelineEntry};
use crate::record::Recorded as _;

/// Who set a field, when a person did.
pub const PERSON: &str = "person";

/// A field that an import did not overwrite.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Kept {
    /// The field.
    pub field: &'static str,
    /// Who set it: `person`, or another source.
    pub set_by: String,
}

/// What became of news about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amended {
    /// Nothing new.
    Unchanged {
        /// Where the news disagrees with what stays.
        kept: Vec<Kept>,
    },
    /// A version to record.
    Version {
        /// It.
        incident: Box<Incident>,
        /// Fields that it changes; empty when the incident is new.
        changed: Vec<&'static str>,
        /// Where the news disagrees with what stays.
        kept: Vec<Kept>,
    },
}

/// Whether a value says something, or only that nothing is known.
trait Says {
    fn says(&self) -> bool;
}

impl<T> Says for Option<T> {
    fn says(&self) -> bool {
        self.is_some()
    }
}

impl<T> Says for BTreeSet<T> {
    fn says(&self) -> bool {
        !self.is_empty()
    }
}

impl<T> Says for Vec<T> {
    fn says(&self) -> bool {
        !self.is_empty()
    }
}

impl Says for AiPart {
    fn says(&self) -> bool {
        *self != Self::Unknown
    }
}

macro_rules! always_says {
    ($($type:ty),+) => { $( impl Says for $type { fn says(&self) -> bool { true } } )+ };
}
always_says!(String, Status, Timestamp);

/// Calls a macro with every field that can be amended.
macro_rules! amendable {
    ($each:ident) => {
        $each!(
            title,
            severity,
            status,
            started,
            detected,
            mitigated,
            resolved,
            services,
            functions,
            regions,
            objects,
            impact,
            traffic,
            timeline,
            ai,
            summary,
            url,
            tags,
            duplicate_of
        )
    };
}

impl Incident {
    /// A person's new version of it: `edited` with who set what. `None` when
    /// it says what is known already.
    #[must_use]
    pub fn corrected(&self, mut edited: Self) -> Option<Self> {
        edited.id.clone_from(&self.id);
        edited.set_by.clone_from(&self.set_by);
        let mut changed = edited.sources != self.sources;
        macro_rules! each {
            ($($field:ident),+) => { $(
                if edited.$field != self.$field {
                    changed = true;
                    edited.set_by.insert(stringify!($field).to_owned(), PERSON.to_owned());
                }
            )+ };
        }
        amendable!(each);
        changed.then_some(edited)
    }

    /// Marks every field that says something as set by a person or source.
    #[must_use]
    pub fn set_by(mut self, whom: &str) -> Self {
        let mut set = Vec::new();
        macro_rules! each {
            ($($field:ident),+) => { $(
                if self.$field.says() {
                    set.push(stringify!($field).to_owned());
                }
            )+ };
        }
        amendable!(each);
        for field in set {
            self.set_by.entry(field).or_insert_with(|| whom.to_owned());
        }
        self
    }

    /// Takes in what a source says, where `current` is what is known.
    ///
    /// A field is overwritten only if nobody has set it, or the same source
    /// has: what a person corrected stays, and two sources do not overwrite
    /// each other in turn. News older than what was read before adds to the
    /// timeline only. The same news twice changes nothing.
    #[must_use]
    pub fn imported(current: Option<&Self>, news: Self) -> Amended {
        let source = news.noted.by.clone();
        let Some(current) = current else {
            return Amended::Version {
                incident: Box::new(news.set_by(&source)),
                changed: Vec::new(),
                kept: Vec::new(),
            };
        };
        let mut merged = current.clone();
        merged.noted = news.noted.clone();
        merged.sources = merge_sources(&current.sources, &news.sources);
        let stale = is_stale(current, &news);
        let timeline = merge_timeline(&current.timeline, &news.timeline);
        let (mut changed, mut kept) = (Vec::new(), Vec::new());
        if !stale {
            macro_rules! each {
                ($($field:ident),+) => { $(
                    let name = stringify!($field);
                    let owner = current.set_by.get(name);
                    let free = owner.is_none_or(|owner| *owner == source);
                    if news.$field.says() && news.$field != current.$field {
                        if free {
                            merged.$field = news.$field.clone();
                            merged.set_by.insert(name.to_owned(), source.clone());
                        } else if name != "timeline" {
                            let set_by = owner.cloned().unwrap_or_default();
                            kept.push(Kept { field: name, set_by });
                        }
                    }
                )+ };
            }
            amendable!(each);
            take_back_ends(&mut merged, &news, &source);
        }
        merged.timeline = timeline;
        macro_rules! differing {
            ($($field:ident),+) => { $(
                if merged.$field != current.$field {
                    changed.push(stringify!($field));
                }
            )+ };
        }
        amendable!(differing);
        if changed.is_empty() && merged.sources == current.sources {
            return Amended::Unchanged { kept };
        }
        // A source and a person may each be right alone and contradict each
        // other together; then the person's version stays.
        if !merged.faults().is_empty() && news.faults().is_empty() {
            let person = |field| Kept {
                field,
                set_by: PERSON.to_owned(),
            };
            let kept = changed.into_iter().map(person).collect();
            return Amended::Unchanged { kept };
        }
        Amended::Version {
            incident: Box::new(merged),
            changed,
            kept,
        }
    }
}

/// An incident that its source opened again has not ended as it said before.
fn take_back_ends(merged: &mut Incident, news: &Incident, source: &str) {
    if merged.status != Status::Open {
        return;
    }
    let owned = |merged: &Incident, field: &str| {
        merged
            .set_by
            .get(field)
            .is_some_and(|owner| owner == source)
    };
    if news.resolved.is_none() && owned(merged, "resolved") {
        merged.resolved = None;
    }
    if news.mitigated.is_none() && owned(merged, "mitigated") {
        merged.mitigated = None;
    }
}

fn is_stale(current: &Incident, news: &Incident) -> bool {
    news.sources.iter().any(|new| {
        let known = current.sources.iter().find(|old| same(old, new));
        known.is_some_and(|old| new.seen.is_some() && new.seen < old.seen)
    })
}

fn same(a: &SourceRef, b: &SourceRef) -> bool {
    a.system == b.system && a.id == b.id
}

fn merge_sources(old: &BTreeSet<SourceRef>, new: &BTreeSet<SourceRef>) -> BTreeSet<SourceRef> {
    let mut merged = old.clone();
    for source in new {
        let known = old.iter().find(|known| same(known, source));
        if let Some(known) = known {
            merged.remove(known);
        }
        merged.insert(SourceRef {
            seen: source.seen.max(known.and_then(|known| known.seen)),
            ..source.clone()
        });
    }
    merged
}

fn merge_timeline(old: &[TimelineEntry], new: &[TimelineEntry]) -> Vec<TimelineEntry> {
    let all: BTreeSet<&TimelineEntry> = old.iter().chain(new).collect();
    all.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Severity;
    use crate::noted::Noted;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn news(hour: u8, alter: impl Fn(&mut Incident)) -> Incident {
        let noted = Noted::imported("pagerduty", at("2026-03-06T00:00:00Z"));
        let started = at("2026-03-05T09:00:00Z");
        let mut incident = Incident::new("pd:1".into(), "down".into(), started, noted);
        incident.sources.insert(SourceRef {
            system: "pagerduty".into(),
            id: "1".into(),
            seen: Some(at(&format!("2026-03-05T{hour:02}:00:00Z"))),
        });
        alter(&mut incident);
        incident
    }

    fn version(amended: Amended) -> Incident {
        match amended {
            Amended::Version { incident, .. } => *incident,
            Amended::Unchanged { kept } => panic!("nothing new; kept {kept:?}"),
        }
    }

    #[test]
    fn the_same_news_twice_changes_nothing() {
        let first = version(Incident::imported(None, news(9, |_| ())));
        let again = Incident::imported(Some(&first), news(9, |_| ()));
        assert_eq!(again, Amended::Unchanged { kept: vec![] });
    }

    #[test]
    fn a_persons_correction_outlives_the_next_import() {
        let graded = |it: &mut Incident| it.severity = Some(Severity::Sev3);
        let first = version(Incident::imported(None, news(9, graded)));
        let mut edited = first.clone();
        edited.severity = Some(Severity::Sev1);
        edited.noted = Noted::by("ada", at("2026-03-07T00:00:00Z")).because("checkout was down");
        let corrected = first.corrected(edited).unwrap();
        let later = Incident::imported(
            Some(&corrected),
            news(10, |it| {
                graded(it);
                it.title = "checkout down".into();
            }),
        );
        let Amended::Version {
            incident,
            changed,
            kept,
        } = later
        else {
            panic!("the title is news");
        };
        assert_eq!(incident.severity, Some(Severity::Sev1));
        assert_eq!(incident.title, "checkout down");
        assert_eq!(changed, ["title"]);
        assert_eq!(
            kept,
            [Kept {
                field: "severity",
                set_by: PERSON.into()
            }]
        );
        assert!(corrected.corrected(corrected.clone()).is_none());
    }

    #[test]
    fn old_news_that_comes_late_does_not_open_it_again() {
        let end = |it: &mut Incident| {
            it.status = Status::Resolved;
            it.resolved = Some(at("2026-03-05T12:00:00Z"));
        };
        let resolved = version(Incident::imported(None, news(12, end)));
        let late = news(9, |it| {
            it.timeline.push(TimelineEntry {
                at: at("2026-03-05T09:00:00Z"),
                text: "triggered".into(),
            });
        });
        let merged = version(Incident::imported(Some(&resolved), late));
        assert_eq!(merged.status, Status::Resolved);
        assert_eq!(merged.timeline.len(), 1);
        let reopened = version(Incident::imported(Some(&merged), news(13, |_| ())));
        assert_eq!((reopened.status, reopened.resolved), (Status::Open, None));
    }

    #[test]
    fn two_sources_do_not_overwrite_each_other_in_turn() {
        let first = version(Incident::imported(None, news(9, |_| ())));
        let mut other = news(9, |it| it.title = "Elevated errors".into());
        other.noted = Noted::imported("statuspage", at("2026-03-06T00:00:00Z"));
        other.sources = BTreeSet::from([SourceRef {
            system: "statuspage".into(),
            id: "x".into(),
            seen: None,
        }]);
        let both = version(Incident::imported(Some(&first), other.clone()));
        assert_eq!(both.title, "down");
        assert_eq!(both.sources.len(), 2);
        for news in [news(9, |_| ()), other] {
            assert!(matches!(
                Incident::imported(Some(&both), news),
                Amended::Unchanged { .. }
            ));
        }
    }
}
