//! The shape of `policy.toml`, before anything in it is understood.

use serde::Deserialize;
use toml::Spanned;

use super::{Answers, Mode};
use crate::effect::{Environment, Verb};
use crate::facts::Kind;
use crate::involvement::{Role, Verdict};
use crate::usage::Maturity;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub(super) version: Spanned<u32>,
    #[serde(default)]
    pub(super) settings: RawSettings,
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RawRule>>,
    #[serde(default)]
    pub(super) window: Vec<Spanned<RawWindow>>,
    #[serde(default)]
    pub(super) pack: Vec<Spanned<RawPack>>,
    #[serde(default)]
    pub(super) self_review: Option<Spanned<RawSelfReview>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSelfReview {
    pub(super) paths: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) lines: Option<RawAtLeast>,
    #[serde(default)]
    pub(super) rules: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) items: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAtLeast {
    pub(super) at_least: u64,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSettings {
    #[serde(default)]
    pub(super) trust_authorship_notes: bool,
    #[serde(default)]
    pub(super) operator_may_pass: Option<Environment>,
    #[serde(default)]
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) unknown_environment: Option<Spanned<Environment>>,
    #[serde(default)]
    pub(super) unmapped_tier: Option<u64>,
    #[serde(default)]
    pub(super) signoff_expires: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) veto_level: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) timezone: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) answers: Answers,
    #[serde(default)]
    pub(super) protected: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    pub(super) break_glass: RawBreakGlass,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBreakGlass {
    pub(super) level: Option<Spanned<String>>,
    pub(super) two_persons_tier: Option<u64>,
    pub(super) expires: Option<Spanned<String>>,
    pub(super) review_within: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) id: Spanned<String>,
    #[serde(default)]
    pub(super) why: String,
    #[serde(default)]
    pub(super) when: RawWhen,
    #[serde(default)]
    pub(super) unless: Option<Spanned<RawWhen>>,
    #[serde(default)]
    pub(super) require: Vec<Spanned<RawRequirement>>,
    #[serde(default)]
    pub(super) refuse: bool,
    pub(super) break_glass: Option<bool>,
    #[serde(default)]
    pub(super) questions: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWhen {
    pub(super) kind: Option<Spanned<Vec<Kind>>>,
    pub(super) involvement: Option<Spanned<Vec<Verdict>>>,
    pub(super) roles: Option<Spanned<Vec<Role>>>,
    pub(super) suppressed: Option<bool>,
    pub(super) author: Option<Spanned<RawLevelBound>>,
    pub(super) paths: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) only_paths: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) owners: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) tier: Option<Spanned<RawBound>>,
    pub(super) environment: Option<Spanned<Vec<Environment>>>,
    pub(super) effects: Option<Spanned<Vec<Verb>>>,
    pub(super) services: Option<Spanned<RawBound>>,
    pub(super) functions: Option<Spanned<RawBound>>,
    pub(super) customers: Option<Spanned<RawBound>>,
    pub(super) irreversible: Option<bool>,
    pub(super) usage: Option<Spanned<Vec<Maturity>>>,
    pub(super) lines: Option<Spanned<RawBound>>,
    pub(super) files: Option<Spanned<RawBound>>,
    pub(super) during: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLevelBound {
    pub(super) below: Option<Spanned<String>>,
    pub(super) at_least: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBound {
    pub(super) at_least: Option<u64>,
    pub(super) at_most: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRequirement {
    #[serde(default = "one")]
    pub(super) signoffs: u32,
    pub(super) level: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) above_author: bool,
    pub(super) team: Option<String>,
    #[serde(default)]
    pub(super) independent: bool,
    #[serde(default)]
    pub(super) distinct: bool,
    #[serde(default)]
    pub(super) exact: bool,
    pub(super) cooling: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWindow {
    pub(super) id: Spanned<String>,
    pub(super) from: Spanned<String>,
    pub(super) until: Spanned<String>,
    #[serde(default)]
    pub(super) days: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPack {
    pub(super) id: Spanned<String>,
    pub(super) owner: String,
    pub(super) from: Spanned<String>,
    pub(super) until: Spanned<String>,
    pub(super) exit: String,
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RawRule>>,
}

const fn one() -> u32 {
    1
}
