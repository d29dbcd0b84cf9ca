//! Nine things that happen to organisations, each walked through register, trend
//! and review as `docs/guide/scenarios.md` tells them: in the sample organisation
//! of `countersign demo`, by the commands that a reader types.
//!
//! What is asserted is what the output means: verdict words, who, when, in which
//! section. How it looks is for snapshots elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "set-up that fails has to fail loudly"
)]

mod advice_from_a_stale_wiki;
mod agent_recreates_the_environment;
mod bypass_without_ai;
mod database_destroyed_with_its_backups;
mod deleted_briefing_line;
mod friction_of_a_rule;
mod mid_level_change_on_tier_1;
mod ninety_day_pack;
mod sample;
mod shop;
mod undeclared_ai;
