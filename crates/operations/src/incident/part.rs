//! How AI took part in what went wrong.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use countersign_core::involvement::{Role, Verdict};
use serde::{Deserialize, Serialize};

/// How AI took part in causing an incident. That AI *is* what failed, as when
/// an AI product is down, says nothing about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub enum AiPart {
    /// Nobody has established it.
    #[default]
    Unknown,
    /// Established that it did not.
    None,
    /// It did this. Never empty.
    Took(BTreeSet<Role>),
}

impl AiPart {
    /// Did AI take part? As in [`countersign_core::involvement`], a review
    /// alone does not settle it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::Unknown,
            Self::None => Verdict::No,
            Self::Took(roles) if roles.iter().all(|role| *role == Role::Reviewed) => {
                Verdict::Unknown
            }
            Self::Took(_) => Verdict::Yes,
        }
    }

    /// What it did.
    pub fn roles(&self) -> impl Iterator<Item = Role> + '_ {
        let roles = match self {
            Self::Took(roles) => Some(roles),
            Self::Unknown | Self::None => None,
        };
        roles.into_iter().flatten().copied()
    }

    fn words(&self) -> Vec<String> {
        match self {
            Self::Unknown => vec!["unknown".to_owned()],
            Self::None => vec!["none".to_owned()],
            Self::Took(roles) => roles.iter().map(|role| role.as_str().to_owned()).collect(),
        }
    }

    fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut roles = BTreeSet::new();
        let mut alone = None;
        let mut count = 0;
        for word in words {
            count += 1;
            match word.trim() {
                "unknown" => alone = Some(Self::Unknown),
                "none" => alone = Some(Self::None),
                word => {
                    let role = Role::ALL.iter().find(|role| role.as_str() == word);
                    roles.insert(*role.ok_or_else(|| {
                        let word: String = word.chars().take(40).collect();
                        format!(
                            "`{word}` is not a part that AI takes \
                             (wrote, executed, advised, reviewed; or none, or unknown)"
                        )
                    })?);
                }
            }
        }
        match alone {
            Some(alone) if count == 1 => Ok(alone),
            None if count > 0 => Ok(Self::Took(roles)),
            None => Err("what AI did is missing (write `unknown`)".to_owned()),
            Some(alone) => Err(format!("`{alone}` stands alone")),
        }
    }
}

impl fmt::Display for AiPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.words().join(", "))
    }
}

impl FromStr for AiPart {
    type Err = String;

    /// Reads `executed,advised`, `none` or `unknown`.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::of_words(text.split(','))
    }
}

impl TryFrom<Vec<String>> for AiPart {
    type Error = String;

    fn try_from(words: Vec<String>) -> Result<Self, String> {
        Self::of_words(words.iter().map(String::as_str))
    }
}

impl From<AiPart> for Vec<String> {
    fn from(part: AiPart) -> Self {
        part.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_written() {
        for (text, verdict) in [
            ("unknown", Verdict::Unknown),
            ("none", Verdict::No),
            ("wrote, executed", Verdict::Yes),
            ("reviewed", Verdict::Unknown),
            ("advised, reviewed", Verdict::Yes),
        ] {
            let part: AiPart = text.parse().unwrap();
            assert_eq!(part.to_string(), text);
            assert_eq!(part.verdict(), verdict, "{text}");
        }
        for text in ["", "none,wrote", "unknown,none", "helped"] {
            assert!(text.parse::<AiPart>().is_err(), "{text}");
        }
    }
}
