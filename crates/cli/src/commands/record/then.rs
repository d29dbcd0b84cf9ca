//! The rules as they were when each change landed.

use std::collections::BTreeSet;
use std::mem::take;

use countersign_core::owners::LOCATIONS;
use countersign_git::{FileChange, JudgedChange, Oid, Repo};

use crate::catalogue::BACKSTAGE;
use crate::error::CliResult;
use crate::rules::{DIR, Rules};

/// The most changes held until their rules are read.
const MOST: usize = 2_000;

/// Changes come newest first; those between two edits of the rules share them.
/// Where the branch had no roster or no catalogue yet, the first that it had
/// stands in: nothing better was ever written down.
pub(super) struct Then<'a> {
    repo: &'a Repo,
    /// Those of the changes before, and of the ones that wait.
    rules: Rules,
    waiting: Vec<JudgedChange>,
    /// Whether Backstage's files, which may have any name, make the catalogue.
    backstage: bool,
    /// Rules of some time that could not be read.
    pub(super) unread: BTreeSet<String>,
}

impl<'a> Then<'a> {
    /// From today's rules backwards.
    pub(super) fn from(repo: &'a Repo, head: &Oid, today: Rules) -> CliResult<Self> {
        Ok(Self {
            repo,
            rules: today,
            waiting: Vec::new(),
            backstage: repo.read_file(head, BACKSTAGE)?.is_some(),
            unread: BTreeSet::new(),
        })
    }

    /// Takes the next older change; calls `each` with those whose rules are
    /// known by it.
    pub(super) fn push(
        &mut self,
        landed: JudgedChange,
        each: &mut impl FnMut(&Rules, Vec<JudgedChange>),
    ) {
        if self.edits_rules(&landed.files) || self.waiting.len() >= MOST {
            self.flush(each);
        }
        self.waiting.push(landed);
    }

    /// Judges those that still wait.
    pub(super) fn flush(&mut self, each: &mut impl FnMut(&Rules, Vec<JudgedChange>)) {
        let Some(oldest) = self.waiting.last() else {
            return;
        };
        match Rules::at(self.repo, oldest.landed.parents.first()) {
            Ok(mut rules) => {
                if rules.roster.people().is_empty() {
                    rules.roster = take(&mut self.rules.roster);
                }
                if rules.catalog.is_none() {
                    rules.catalog = self.rules.catalog.take();
                }
                self.rules = rules;
            }
            Err(error) => {
                self.unread.insert(error.to_string());
            }
        }
        each(&self.rules, take(&mut self.waiting));
    }

    fn edits_rules(&self, files: &[FileChange]) -> bool {
        let is_rule = |path: &str| {
            let of_backstage =
                self.backstage && (path.ends_with(".yaml") || path.ends_with(".yml"));
            path.strip_prefix(DIR)
                .is_some_and(|rest| rest.starts_with('/'))
                || LOCATIONS.contains(&path)
                || path == BACKSTAGE
                || of_backstage
        };
        files.iter().flat_map(FileChange::paths).any(is_rule)
    }
}
