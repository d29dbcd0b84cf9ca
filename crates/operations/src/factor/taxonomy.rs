//! The list of known factors.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// Where a factor is listed.
    pub enum Group {
        /// In what was built and runs.
        Technical = "technical",
        /// Between people.
        Human = "human",
        /// In how work is done.
        Process = "process",
        /// Outside the organisation.
        External = "external",
        /// In how AI is used.
        Ai = "ai",
    }
}

words! {
    /// What people name a factor as.
    pub enum NamedAs {
        /// What set an incident off.
        Trigger = "trigger",
        /// What let it happen.
        Cause = "cause",
        /// Either.
        Either = "either",
    }
}

/// One known factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// What claims name.
    pub id: String,
    /// Where it is listed.
    pub group: Group,
    /// Trigger, cause or either.
    #[serde(rename = "as")]
    pub named_as: NamedAs,
    /// What people call it.
    pub name: String,
    /// When it applies.
    pub definition: String,
    /// Where the entry comes from.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    factor: Vec<Factor>,
}

/// The known factors, in the order of the data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taxonomy {
    factors: Vec<Factor>,
    places: BTreeMap<String, usize>,
}

static BUILT_IN: LazyLock<Taxonomy> = LazyLock::new(|| {
    // A test reads the file; an empty list is what a broken one would leave.
    Taxonomy::parse(include_str!("../../data/factors.toml")).unwrap_or_else(|_| Taxonomy {
        factors: Vec::new(),
        places: BTreeMap::new(),
    })
});

impl Taxonomy {
    /// The list that comes with the program.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut places = BTreeMap::new();
        for (place, factor) in file.factor.iter().enumerate() {
            if places.insert(factor.id.clone(), place).is_some() {
                return Err(format!("two factors have the id `{}`", factor.id));
            }
        }
        Ok(Self {
            factors: file.factor,
            places,
        })
    }

    /// Every factor.
    #[must_use]
    pub fn factors(&self) -> &[Factor] {
        &self.factors
    }

    /// One by its id; `None` for a free tag.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Factor> {
        self.places
            .get(id)
            .and_then(|place| self.factors.get(*place))
    }

    /// The id that was probably meant by a free tag.
    #[must_use]
    pub fn closest(&self, id: &str) -> Option<&str> {
        let ids = self.factors.iter().map(|factor| factor.id.as_str());
        countersign_core::problem::closest(id, ids)
    }

    /// The reference page.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = String::from(
            "# Factors\n\n\
             What people can claim to have contributed to an incident. Any other word may be used \
             as a free tag. This page is made from `crates/operations/data/factors.toml`; a test \
             keeps it so.\n\n\
             A *trigger* set an incident off, a *cause* let it happen; the two are claimed apart. \
             A factor of the group `ai` says how AI was used and needs evidence like any other; \
             whether AI took part at all is recorded with the incident.\n\n\
             Sources: *gitlab*: GitLab, production-engineering issue 26916; *google*: The Site \
             Reliability Workbook, appendix C; *icco*: the categories of icco/postmortems; *coe*: \
             AWS, Correction of Error; *field*: public reports of incidents with AI tools.\n",
        );
        for group in Group::ALL {
            // Writing into memory cannot fail.
            let _ = write!(
                out,
                "\n## {group}\n\n| id | name | named as | definition | source |\n"
            );
            out.push_str("| --- | --- | --- | --- | --- |\n");
            for factor in self.factors.iter().filter(|factor| factor.group == *group) {
                let _ = writeln!(
                    out,
                    "| `{}` | {} | {} | {} | {} |",
                    factor.id, factor.name, factor.named_as, factor.definition, factor.source
                );
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_file_is_sound() {
        let list = Taxonomy::parse(include_str!("../../data/factors.toml")).unwrap();
        assert_eq!(Taxonomy::built_in(), &list);
        for factor in list.factors() {
            let id = &factor.id;
            let plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(id.chars().all(plain), "{id}");
            assert!(
                factor.definition.ends_with('.') && !factor.definition.contains('|'),
                "{id}"
            );
            let known = ["gitlab", "google", "icco", "coe", "field"];
            for source in factor.source.split("; ") {
                assert!(
                    known.iter().any(|word| source.starts_with(word)),
                    "{id}: {source}"
                );
            }
        }
        for id in [
            "novel-usage",
            "inherited-permission",
            "stale-source-advice",
            "unreviewed-agent-change",
            "single-operator",
            "missing-validation",
            "bypassed-change-process",
        ] {
            assert!(list.get(id).is_some(), "{id}");
        }
        assert_eq!(list.closest("novel-usge"), Some("novel-usage"));
    }

    /// `FACTORS_WRITE=1 cargo test -p countersign-operations` writes the page.
    #[test]
    fn the_reference_page_is_made_from_the_data() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/reference/factors.md"
        );
        let page = Taxonomy::built_in().to_markdown();
        if std::env::var_os("FACTORS_WRITE").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(written, page, "make it anew with FACTORS_WRITE=1");
    }
}
