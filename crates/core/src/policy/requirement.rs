//! What a rule asks for: how many sign-offs, from whom, when.

use jiff::SignedDuration;

use crate::moment::duration_text;
use crate::roster::{Level, Levels};

/// The lowest level of a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MinLevel {
    /// A level of the roster.
    Level(Level),
    /// The highest level that anyone has who is active and did not make the
    /// change.
    Highest,
}

/// The team a signer must be in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Team {
    /// One that owns a touched path.
    Owners,
    /// This one.
    Named(String),
}

/// One thing that a rule asks for. Authors and operators of agents never count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// How many people must sign; 0 with a cooling time asks only for patience.
    pub signoffs: u32,
    /// Their lowest level.
    pub level: MinLevel,
    /// Their level must be strictly above the author's.
    pub above_author: bool,
    /// The team they must be in.
    pub team: Option<Team>,
    /// They may not be the manager or a direct report of an author.
    pub independent: bool,
    /// They may not count for any other requirement.
    pub distinct: bool,
    /// They must have signed these exact commits: what was signed before a
    /// rebase or for another landing does not count, though its content is the
    /// same.
    pub exact: bool,
    /// The content must have stood unchanged for this long.
    pub cooling: Option<SignedDuration>,
}

impl Requirement {
    /// The lowest level that can satisfy it for an author of a level; `None`
    /// for [`MinLevel::Highest`].
    #[must_use]
    pub fn effective_level(&self, author: Level) -> Option<Level> {
        let MinLevel::Level(level) = self.level else {
            return None;
        };
        if self.above_author {
            Some(level.max(Level(author.0.saturating_add(1))))
        } else {
            Some(level)
        }
    }

    /// Whether everyone who satisfies `self` also satisfies `other`, for an
    /// author of this level. Never true by mistake; may be false for two
    /// requirements that only a particular roster makes equal.
    #[must_use]
    pub fn covers(&self, other: &Self, author: Level, highest: Level) -> bool {
        let level = match (self.effective_level(author), other.effective_level(author)) {
            (Some(mine), Some(theirs)) => mine >= theirs,
            // The top of all levels is at least the highest level present.
            (Some(mine), None) => mine >= highest && (!other.above_author || mine > author),
            (None, Some(theirs)) => theirs == Level(0),
            (None, None) => self.above_author || !other.above_author,
        };
        let people = other.signoffs == 0
            || self.signoffs >= other.signoffs
                && level
                && (other.team.is_none() || self.team == other.team)
                && (self.independent || !other.independent)
                && (self.distinct || !other.distinct)
                && (self.exact || !other.exact);
        people && self.cooling >= other.cooling
    }

    /// The requirement as a person would say it: "1 sign-off by at least
    /// senior, above the author".
    #[must_use]
    pub fn text(&self, levels: &Levels) -> String {
        let mut text = String::new();
        if self.signoffs > 0 {
            let plural = if self.signoffs == 1 { "" } else { "s" };
            text = format!("{} sign-off{plural}", self.signoffs);
            match self.level {
                MinLevel::Highest => text.push_str(" by the highest level present"),
                MinLevel::Level(Level(0)) => {}
                MinLevel::Level(level) => {
                    text.push_str(" by at least ");
                    text.push_str(levels.name(level));
                }
            }
            if self.above_author {
                text.push_str(", above the author");
            }
            match &self.team {
                Some(Team::Owners) => text.push_str(", from an owning team"),
                Some(Team::Named(team)) => {
                    text.push_str(", from ");
                    text.push_str(team);
                }
                None => {}
            }
            if self.independent {
                text.push_str(", independent of the author");
            }
            if self.distinct {
                text.push_str(", who counts for nothing else");
            }
            if self.exact {
                text.push_str(", of these exact commits");
            }
        }
        if let Some(cooling) = self.cooling {
            if !text.is_empty() {
                text.push_str(", and ");
            }
            text.push_str(&format!("{} without a change", duration_text(cooling)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `policy diff` calls a weakening.
    #[test]
    fn to_ask_for_the_exact_commits_is_more() {
        let asked = |exact| Requirement {
            signoffs: 1,
            level: MinLevel::Level(Level(2)),
            above_author: false,
            team: None,
            independent: false,
            distinct: false,
            exact,
            cooling: None,
        };
        let covers = |mine, theirs| asked(mine).covers(&asked(theirs), Level(0), Level(3));
        assert!(covers(true, true) && covers(true, false) && covers(false, false));
        assert!(!covers(false, true));
    }
}
