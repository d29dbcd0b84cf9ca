//! Versions of the same thing, and what it looked like at any moment.

use jiff::Timestamp;
use serde_json::Value;

use crate::record::Recorded;

/// What one version changed about the one before it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// Its value before; absent when it had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value after; absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Every version of one thing, oldest first.
///
/// The order is that of `noted.at`; between versions of the same moment, that
/// of their text. So the same versions make the same history, in whatever order
/// they arrive and however often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History<T> {
    versions: Vec<T>,
}

impl<T: Recorded + PartialEq> History<T> {
    /// Puts versions of one thing in order.
    #[must_use]
    pub fn of(versions: impl IntoIterator<Item = T>) -> Self {
        let mut sorted: Vec<(Timestamp, String, T)> = versions
            .into_iter()
            .map(|version| {
                // Plain structs always serialise; an empty text sorts first.
                let text = serde_json::to_string(&version).unwrap_or_default();
                (version.noted().at, text, version)
            })
            .collect();
        sorted.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut versions: Vec<T> = sorted.into_iter().map(|(_, _, version)| version).collect();
        versions.dedup();
        Self { versions }
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[T] {
        &self.versions
    }

    /// Today's.
    #[must_use]
    pub fn current(&self) -> Option<&T> {
        self.versions.last()
    }

    /// What was known at a moment; `None`: nothing yet.
    #[must_use]
    pub fn as_of(&self, at: Timestamp) -> Option<&T> {
        let known = self
            .versions
            .partition_point(|version| version.noted().at <= at);
        known
            .checked_sub(1)
            .and_then(|last| self.versions.get(last))
    }

    /// Each version with what it changed. The first changes nothing.
    pub fn changes(&self) -> impl Iterator<Item = (&T, Vec<FieldChange>)> {
        let before = std::iter::once(None).chain(self.versions.iter().map(Some));
        self.versions.iter().zip(before).map(|(version, before)| {
            let changed = before.map(|before| difference(before, version));
            (version, changed.unwrap_or_default())
        })
    }
}

/// Fields that two versions disagree on, but for who recorded them.
#[must_use]
pub fn difference<T: serde::Serialize>(before: &T, after: &T) -> Vec<FieldChange> {
    let fields = |version: &T| match serde_json::to_value(version) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(before), fields(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !matches!(name.as_str(), "noted" | "set_by"))
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| FieldChange {
            field: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::incident::Incident;
    use crate::noted::Noted;

    fn version(minute: i64, title: u8) -> Incident {
        let at = Timestamp::from_second(1_772_000_000 + 60 * minute).unwrap();
        let started = Timestamp::from_second(1_771_000_000).unwrap();
        Incident::new(
            "INC-1".into(),
            format!("title {title}"),
            started,
            Noted::by("ada", at),
        )
    }

    proptest! {
        #[test]
        fn the_order_and_number_of_arrivals_do_not_matter(
            (versions, shuffled) in proptest::collection::vec((0i64..6, 0u8..3), 1..8)
                .prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        ) {
            let of = |list: &[(i64, u8)]| History::of(list.iter().map(|(m, t)| version(*m, *t)));
            let twice: Vec<_> = shuffled.iter().chain(&shuffled).copied().collect();
            prop_assert_eq!(of(&versions), of(&shuffled));
            prop_assert_eq!(of(&versions), of(&twice));
        }

        #[test]
        fn what_was_known_then_does_not_depend_on_what_came_later(
            versions in proptest::collection::vec((0i64..8, 0u8..3), 1..8),
            minute in 0i64..8,
        ) {
            let at = version(minute, 0).noted.at;
            let all = History::of(versions.iter().map(|(m, t)| version(*m, *t)));
            let early = versions.iter().filter(|(m, _)| *m <= minute);
            let then = History::of(early.map(|(m, t)| version(*m, *t)));
            prop_assert_eq!(all.as_of(at), then.current());
        }
    }

    #[test]
    fn each_version_names_what_it_changed() {
        let history = History::of([version(0, 1), version(5, 2)]);
        let changed: Vec<_> = history.changes().map(|(_, changed)| changed).collect();
        assert!(changed[0].is_empty());
        assert_eq!(changed[1].len(), 1);
        assert_eq!(changed[1][0].field, "title");
        assert_eq!(changed[1][0].before, Some("title 1".into()));
    }
}
